// mqtt-bastion explain: how a client would fare, and which line of the policy decides.
#include "proxy/cli/explain.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <vector>

#include "policy/explain.hpp"
#include "policy/quantity.hpp"
#include "proxy/cli/cli.hpp"
#include "proxy/gate/clock.hpp"
#include "proxy/gate/setup.hpp"

namespace bastion::cli {
namespace {

/// Whether it is asked about something that can be asked about; says so on standard error where not.
bool is_good(const TopicQuestion& question, const char* option) {
  const bool is_filter = question.kind == TopicQuestion::Kind::subscribe;
  if (is_filter ? SubscriptionFilter::from(question.text).has_value()
                : TopicFilter::from(question.text).has_value() && !holds_wildcard(question.text)) {
    return true;
  }
  std::fprintf(stderr, "%s: %s is no %s\n", option, quoted(question.text).c_str(),
               is_filter ? "topic filter" : "topic name");
  return false;
}

/// The options as a client, or nothing after a word on standard error.
std::optional<DescribedClient> client_of(const ExplainOptions& options, const Policy& policy) {
  auto client = options.client;
  const auto address = Address::parse(options.from);
  if (!address) {
    std::fprintf(stderr, "--from: \"%s\" is not an IP address\n", options.from.c_str());
    return std::nullopt;
  }
  client.from = *address;
  const auto is_it = [&](const ListenerPolicy& listener) { return listener.name == client.listener; };
  if (!client.listener.empty() && std::none_of(policy.listeners.begin(), policy.listeners.end(), is_it)) {
    std::fprintf(stderr, "--listener: the policy has no listener \"%s\"\n", client.listener.c_str());
    return std::nullopt;
  }
  client.speak(options.version);
  if (!options.user.empty()) client.user = options.user;
  if (!options.will.text.empty()) {
    if (!is_good(options.will, "--will")) return std::nullopt;
    client.will = options.will;
  }
  client.password = options.password == "none"    ? DescribedClient::Password::none
                    : options.password == "wrong" ? DescribedClient::Password::wrong
                                                  : DescribedClient::Password::right;
  return client;
}

/// What the client would be sent.
std::string answer_text(const ReasonInfo& reason, MqttVersion version) {
  const bool v5 = version == MqttVersion::v5_0;
  const auto code = v5 ? reason.v5_reason_code : reason.v3_return_code;
  if (!code) return "the connection is closed without an answer";
  std::array<char, 64> text{};
  if (v5) {
    std::snprintf(text.data(), text.size(), "CONNACK with reason code 0x%02x", *code);
  } else {
    std::snprintf(text.data(), text.size(), "CONNACK with return code %u", *code);
  }
  return text.data();
}

/// What is asked of topics once the client is in, or nothing after a word on standard error.
std::optional<std::vector<TopicQuestion>> questions_of(const ExplainOptions& options) {
  std::vector<TopicQuestion> out;
  if (!options.publish.text.empty()) out.push_back(options.publish);
  if (!options.subscribe.text.empty()) out.push_back(options.subscribe);
  for (const auto& question : out) {
    if (!is_good(question, question.kind == TopicQuestion::Kind::publish ? "--publish" : "--subscribe")) return std::nullopt;
  }
  return out;
}

void print_topics(const Policy& policy, const Explanation& explanation, const DescribedClient& client,
                  const std::vector<TopicQuestion>& questions) {
  bool is_all = true;
  for (const auto& question : questions) {
    const auto found = explain_topic(policy, explanation.role, client, question);
    const auto line = deciding_line(found);
    std::printf("%s%s%s\n", found.what.c_str(), line.empty() ? "" : "  ", line.c_str());
    is_all = is_all && found.is_allowed;
  }
  if (!is_all && policy.mode_of(*explanation.listener) == Mode::observe) {
    std::printf("but the listener \"%s\" only observes: it is counted, and let through\n",
                explanation.listener->name.c_str());
  }
}

void print_verdict(const Explanation& explanation, MqttVersion version, Mode mode) {
  const auto refusal = explanation.refusal();
  if (!refusal) {
    std::printf("\nadmitted, unless a limit (connections, rates, sizes) or the broker says otherwise\n");
    return;
  }
  const auto& reason = info(refusal->reason);
  const auto answer = answer_text(reason, version);
  std::printf("\nrefused as %s: %.*s; %s\n", refusal_text(*refusal).c_str(), static_cast<int>(reason.text.size()),
              reason.text.data(), answer.c_str());
  if (mode == Mode::observe) {
    std::printf("but the listener \"%s\" only observes: %s\n", explanation.listener->name.c_str(),
                can_be_observed(*refusal) ? "the client is counted, and let through" : "it is refused all the same");
  }
}

}  // namespace

int explain_command(const ExplainOptions& options) {
  const auto loaded = gate::load_setup(options.policy, gate::unix_time_s());
  if (!loaded.setup) {
    print(stderr, loaded.complaints);
    return bad_policy;
  }
  const auto& policy = loaded.setup->policy;
  const auto client = client_of(options, policy);
  const auto questions = questions_of(options);
  if (!client || !questions) return bad_policy;
  const auto explanation = explain(policy, *client, gate::knows_user(*loaded.setup));

  std::size_t width = 0;
  for (const auto& step : explanation.steps) width = std::max(width, step.what.size());
  for (const auto& step : explanation.steps) {
    const auto stage = label(step.stage);
    std::printf("%-9.*s%-9s%-*s  %s\n", static_cast<int>(stage.size()), stage.data(), step.refusal ? "REFUSED" : "goes on",
                static_cast<int>(width), step.what.c_str(), deciding_line(step).c_str());
  }
  print_verdict(explanation, client->version, policy.mode_of(*explanation.listener));
  if (!explanation.refusal()) {
    print_topics(policy, explanation, *client, *questions);
  } else if (!questions->empty()) {
    std::printf(
        "topics are not looked at: they are a matter of its role, which is only known of a client that is admitted\n");
  }
  return done;
}

}  // namespace bastion::cli
