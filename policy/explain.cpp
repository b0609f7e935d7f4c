// Putting a described client before the gate's judges, and writing down what each of them said.
#include "policy/explain.hpp"

#include <algorithm>

#include "policy/judge.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

std::string_view text_of(MqttVersion version) {
  switch (version) {
    case MqttVersion::v3_1:
      return "3.1";
    case MqttVersion::v3_1_1:
      return "3.1.1";
    case MqttVersion::v5_0:
      break;
  }
  return "5.0";
}

/// The key that a refusal of CONNECT goes by.
std::string_view key_of(Refusal refusal) {
  switch (refusal.reason) {
    case Reason::ip_denied:
      return "admission.allow";
    case Reason::unsupported_version:
      return "mqtt.versions";
    case Reason::session_denied:
      return "mqtt.keep_alive_max";
    case Reason::anonymous:
      return "authentication.required";
    case Reason::bad_credentials:
      return "authentication.password_file";
    case Reason::client_id_denied:
      switch (refusal.cause) {
        case Cause::empty:
          return "mqtt.client_id_empty";
        case Cause::length:
          return "mqtt.client_id_length_max";
        case Cause::characters:
          return "mqtt.client_id_characters";
        default:
          return "mqtt.client_id_pattern";
        case Cause::shield:
          return "mqtt.shields_off";
      }
    default:
      return {};
  }
}

class Explainer {
 public:
  Explainer(const Policy& policy, const DescribedClient& client, const KnowsUser& knows_user)
      : policy_{policy}, client_{client}, knows_user_{knows_user}, origin_{client.from, 0}, will_{client.will} {
    facts_.bridge = client.bridge;
    facts_.clean_start = !client.bridge;
    if (client.bridge && !will_) {
      will_ = {TopicQuestion::Kind::will, "$SYS/broker/connection/" + client.client_id + "/state", 1, true};
    }
    facts_.version = client.version;
    facts_.client_id = client.client_id;
    facts_.keep_alive_s = client.keep_alive_s;
    if (client.user) facts_.user_name = *client.user;
    facts_.has_password = client.user && client.password != DescribedClient::Password::none;
  }

  Explanation explain() {
    const auto named = std::find_if(policy_.listeners.begin(), policy_.listeners.end(),
                                    [&](const ListenerPolicy& listener) { return listener.name == client_.listener; });
    out_.listener = named != policy_.listeners.end() ? &*named : &policy_.listeners.front();
    if (address() && connect() && password() && identity() && will()) upstream();
    return std::move(out_);
  }

 private:
  bool add(Stage stage, std::optional<Refusal> refusal, std::string what, std::string_view key) {
    return add(stage, refusal, std::move(what), policy_.line_of(key), key);
  }
  bool add(Stage stage, std::optional<Refusal> refusal, std::string what, const Location& where, std::string_view key = {}) {
    // A refusal is shown where the counters have it, whoever found it.
    out_.steps.push_back({refusal ? info(refusal->reason).stage : stage, refusal, std::move(what), where, key});
    return !refusal;
  }

  bool address() {
    const auto& balancers = out_.listener->balancers;
    const auto is_it = [&](const Prefix& prefix) { return prefix.contains(client_.from); };
    if (std::any_of(balancers.begin(), balancers.end(), is_it)) {
      return add(
          Stage::origin, Refusal{Reason::bad_proxy_header, Cause::missing},
          client_.from.text() + " is a balancer of this listener: ask for the address that its PROXY header would name",
          out_.listener->where);
    }
    const auto* rule = policy_.admission.prefixes.find(client_.from);
    const auto verdict = judge(policy_, origin_);
    const auto* refusal = std::get_if<Refusal>(&verdict);
    const auto said = refusal != nullptr ? std::optional{*refusal} : std::nullopt;
    if (rule == nullptr) return add(Stage::accept, said, client_.from.text() + " is in no prefix", "admission.allow");
    const Location where{policy_.admission.rule_files[rule->file], rule->line, 0};
    return add(Stage::accept, said,
               client_.from.text() + " is in " + rule->prefix.text() + (rule->allow ? ", allowed" : ", denied"), where);
  }

  bool connect() {
    const auto refused = refusals_of(policy_, facts_);
    const auto refusal_for = [&](Reason reason) -> std::optional<Refusal> {
      for (const auto refusal : refused) {
        if (refusal.reason == reason) return refusal;
      }
      return std::nullopt;
    };
    const auto key = [](const std::optional<Refusal>& refusal, std::string_view otherwise) {
      return refusal ? key_of(*refusal) : otherwise;
    };
    const auto version = refusal_for(Reason::unsupported_version);
    const auto spoken = "MQTT " + std::string{text_of(client_.version)} + (client_.bridge ? " of a bridge" : "");
    if (!add(Stage::connect, version, spoken, "mqtt.versions")) return false;
    const auto id = refusal_for(Reason::client_id_denied);
    if (!add(Stage::connect, id, "client identifier " + quoted(client_.client_id), key(id, "mqtt.client_id_characters"))) {
      return false;
    }
    const auto lowered = server_keep_alive(policy_, facts_);
    const auto told = lowered ? ", told to use " + std::to_string(*lowered) + " s" : std::string{};
    if (!add(Stage::auth, refusal_for(Reason::session_denied),
             "keep alive of " + std::to_string(client_.keep_alive_s) + " s" + told, "mqtt.keep_alive_max")) {
      return false;
    }
    const auto anonymous = refusal_for(Reason::anonymous);
    if (!add(Stage::auth, anonymous,
             !client_.user          ? "no user name"
             : !facts_.has_password ? "a user name without a password"
                                    : "user name and password",
             "authentication.required")) {
      return false;
    }
    const auto name = refusal_for(Reason::not_authorized);
    return !name || add(Stage::auth, name, "the user name " + quoted(*client_.user) + " is a pattern", "mqtt.shields_off");
  }

  bool password() {
    if (!client_.user || !knows_user_) return true;
    const auto user = "user " + quoted(*client_.user);
    constexpr std::string_view key = "authentication.password_file";
    if (!facts_.has_password)
      return add(Stage::auth, Refusal{Reason::anonymous, Cause::no_password}, user + " has to prove it", key);
    if (!knows_user_(*client_.user)) {
      return add(Stage::auth, Refusal{Reason::bad_credentials, Cause::user}, user + " is not in the password file", key);
    }
    if (client_.password == DescribedClient::Password::wrong) {
      return add(Stage::auth, Refusal{Reason::bad_credentials, Cause::password}, user + " with a wrong password", key);
    }
    return add(Stage::auth, std::nullopt, user + " with the right password", key);
  }

  bool identity() {
    const auto verdict = judge_identity(policy_, origin_, facts_);
    if (const auto* refusal = std::get_if<Refusal>(&verdict)) {
      const bool by_pattern = refusal->reason == Reason::client_id_denied && policy_.mqtt.client_id_pattern &&
                              !policy_.mqtt.client_id_pattern->matches(client_.client_id, client_.user.value_or(""));
      if (by_pattern) return add(Stage::auth, *refusal, "the client identifier does not match", "mqtt.client_id_pattern");
      return add(Stage::auth, *refusal, "no role fits user, network and client identifier", policy_.roles.front().where);
    }
    out_.role = std::get<Admitted>(verdict).role;
    if (out_.role != nullptr) add(Stage::auth, std::nullopt, "role " + quoted(out_.role->name), out_.role->where);
    return true;
  }

  bool will() {
    if (!will_) return true;
    facts_.will = WillFacts{will_->text, will_->qos, will_->retain};
    const auto verdict = judge_identity(policy_, origin_, facts_);
    const auto* refusal = std::get_if<Refusal>(&verdict);
    auto found = explain_topic(policy_, out_.role, client_, *will_);
    return add(Stage::auth, refusal != nullptr ? std::optional{*refusal} : std::nullopt, std::move(found.what), found.where,
               found.key);
  }

  void upstream() {
    const auto& upstream = policy_.upstream;
    add(Stage::upstream, std::nullopt,
        "the broker at " + (upstream.tcp ? upstream.tcp->text() : "unix:" + upstream.unix_path) + " is dialled",
        upstream.where);
  }

  const Policy& policy_;
  const DescribedClient& client_;
  const KnowsUser& knows_user_;
  Origin origin_;
  std::optional<TopicQuestion> will_;
  ConnectFacts facts_;
  Explanation out_;
};

}  // namespace

std::optional<Refusal> Explanation::refusal() const {
  return steps.empty() ? std::nullopt : steps.back().refusal;
}

Explanation explain(const Policy& policy, const DescribedClient& client, const KnowsUser& knows_user) {
  return Explainer{policy, client, knows_user}.explain();
}

std::string refusal_text(Refusal refusal) {
  const auto cause = label(refusal.cause);
  return std::string{label(refusal.reason)} + (cause.empty() ? "" : "/") + std::string{cause};
}

namespace {

std::string line_or_default(const Location& where, std::string_view key) {
  if (where.line != 0) return where.file + ':' + std::to_string(where.line);
  return key.empty() ? std::string{} : "default of " + std::string{key};
}

}  // namespace

std::string deciding_line(const ExplainedStep& step) {
  return line_or_default(step.where, step.key);
}

std::string deciding_line(const ExplainedTopic& topic) {
  return line_or_default(topic.where, topic.key);
}

namespace {

std::optional<Complaint> disappointment_of_topic(const Policy& policy, const Expectation& expectation, const Role* role) {
  const auto found = explain_topic(policy, role, expectation.client, *expectation.topic);
  if (found.is_allowed == expectation.allowed) return std::nullopt;
  const auto line = deciding_line(found);
  return Complaint{expectation.where,
                   std::string{"expected to be "} + (*expectation.allowed ? "allowed" : "denied") + ", but " + found.what +
                       (line.empty() ? line : " (" + line + ')'),
                   false};
}

}  // namespace

std::optional<Complaint> disappointment(const Policy& policy, const Expectation& expectation, const KnowsUser& knows_user) {
  const auto explanation = explain(policy, expectation.client, knows_user);
  const auto refusal = explanation.refusal();
  const auto by = [&] {
    const auto line = explanation.steps.empty() ? std::string{} : deciding_line(explanation.steps.back());
    return line.empty() ? std::string{} : " (" + line + ')';
  };
  const auto found = refusal ? "is refused: " + refusal_text(*refusal) + by() : std::string{"is admitted"};
  const auto complain = [&](const std::string& expected) {
    return Complaint{expectation.where, "expected to be " + expected + ", but this client " + found, false};
  };
  if (expectation.admitted || expectation.topic) {
    if (refusal) return complain("admitted");
    return expectation.topic ? disappointment_of_topic(policy, expectation, explanation.role) : std::nullopt;
  }
  const bool fits =
      refusal && (expectation.refused == label(refusal->reason) || expectation.refused == refusal_text(*refusal));
  if (fits) return std::nullopt;
  return complain("refused as " + expectation.refused);
}

}  // namespace bastion
