// A policy while it is being read: what it expects of itself.
#include <algorithm>
#include <array>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"
#include "policy/reason.hpp"

namespace bastion {
namespace {

constexpr std::size_t expectations_max = 10'000;

/// What `explain` can find of a client that is described. The others depend on what it does, or on who else is there.
constexpr std::array reasons_of_a_description{
    Reason::ip_denied,        Reason::bad_proxy_header, Reason::unsupported_version,
    Reason::client_id_denied, Reason::session_denied,   Reason::anonymous,
    Reason::bad_credentials,  Reason::not_authorized,   Reason::will_denied};

bool is_of_a_description(Reason reason) {
  return std::find(reasons_of_a_description.begin(), reasons_of_a_description.end(), reason) !=
         reasons_of_a_description.end();
}

std::string one_of_them() {
  std::string out;
  for (const auto reason : reasons_of_a_description) out += (out.empty() ? "" : ", ") + std::string{label(reason)};
  return "; write one of " + out;
}

/// What to write where `word` stands for a reason and is none.
std::string instead_of_reason(std::string_view word) {
  if (word == "denied") {
    return R"(; of a topic that a client may not use, write publish = "TOPIC" or subscribe = "FILTER", and allowed = false)";
  }
  std::vector<std::string_view> known;
  for (const auto& refusal : refusals()) known.push_back(label(refusal.reason));
  const auto near = nearest(word, known);
  if (!near.empty()) return "; did you mean " + quoted(near) + "?";
  return one_of_them();
}

/// What an [[expect]] says that does not go together; empty: nothing.
std::string_view contradiction_in(const Expectation& expectation) {
  const auto& topic = expectation.topic;
  const auto& will = expectation.client.will;
  const auto has_form = [](const TopicQuestion& question) { return question.qos > 0 || question.retain; };
  const auto is_published = [](const TopicQuestion& question) {
    return !question.text.empty() && question.kind != TopicQuestion::Kind::subscribe;
  };
  if (will && has_form(*will) && !is_published(*will)) return R"("will_qos" and "will_retain" go with "will")";
  if (topic && has_form(*topic) && !is_published(*topic)) return R"("qos" and "retain" go with "publish")";
  const bool asks = topic && !topic->text.empty();
  if (asks != expectation.allowed.has_value()) {
    return R"("allowed" goes with "publish" or "subscribe", which go with it)";
  }
  if (asks && !expectation.refused.empty()) return R"("refused" can't be expected of a client that is let in)";
  if (!expectation.admitted && expectation.refused.empty() && !asks) {
    return R"(nothing is expected: write admitted = true, or refused = "REASON")";
  }
  if (expectation.admitted && !expectation.refused.empty()) return R"("admitted" and "refused" can't both be expected)";
  return {};
}

}  // namespace

void Draft::set_expected_from(const Value& value) {
  const auto address = Address::parse(value.text);
  if (address) {
    policy.expectations.back().client.from = *address;
  } else {
    complain(value.where, quoted(value.path) + ": " + quoted(value.text) + R"( is not an IP address such as "192.0.2.1")");
  }
}

TopicQuestion& Draft::expected_topic() {
  auto& topic = policy.expectations.back().topic;
  return topic ? *topic : topic.emplace();
}

TopicQuestion& Draft::expected_will() {
  auto& will = policy.expectations.back().client.will;
  return will ? *will : will.emplace();
}

void Draft::set_expected_refusal(const Value& value) {
  policy.expectations.back().refused = value.text;
  const std::string_view text{value.text};
  const auto slash = text.find('/');
  const auto reason = reason_from_label(text.substr(0, slash));
  if (!reason) {
    complain(value.where, quoted(value.path) + ": " + quoted(text.substr(0, slash)) + " is no reason for refusal" +
                              instead_of_reason(text.substr(0, slash)));
    return;
  }
  if (!is_of_a_description(*reason)) {
    complain(value.where, quoted(value.path) + ": " + quoted(label(*reason)) +
                              " can't be expected: a description does not tell it" + one_of_them());
    return;
  }
  if (slash == std::string_view::npos) return;
  std::vector<Refusal> pairs{refusals().begin(), refusals().end()};
  // These two are told apart in logs, and here.
  pairs.push_back({Reason::bad_credentials, Cause::user});
  pairs.push_back({Reason::bad_credentials, Cause::password});
  std::string known;
  for (const auto& refusal : pairs) {
    if (refusal.reason != *reason) continue;
    if (label(refusal.cause) == text.substr(slash + 1)) return;
    if (refusal.cause != Cause::none) known += (known.empty() ? "" : ", ") + std::string{label(refusal.cause)};
  }
  complain(value.where, quoted(value.path) + ": " + quoted(text.substr(slash + 1)) + " is no cause of " +
                            std::string{label(*reason)} + (known.empty() ? "; it has none" : "; it has " + known));
}

void Draft::check_expectations() {
  if (policy.expectations.size() > expectations_max) {
    complain(policy.expectations[expectations_max].where,
             "there are more than " + std::to_string(expectations_max) + " [[expect]]");
  }
  for (auto& expectation : policy.expectations) {
    const auto contradiction = contradiction_in(expectation);
    if (!contradiction.empty()) complain(expectation.where, std::string{contradiction});
    // A form alone, as it is by default, asks nothing.
    for (auto* question : {&expectation.topic, &expectation.client.will}) {
      if (*question && (*question)->text.empty()) question->reset();
    }
    const auto& wanted = expectation.client.listener;
    const auto is_it = [&](const ListenerPolicy& listener) { return listener.name == wanted; };
    if (!wanted.empty() && std::none_of(policy.listeners.begin(), policy.listeners.end(), is_it)) {
      complain(expectation.where, "there is no listener " + quoted(wanted));
    }
  }
}

}  // namespace bastion
