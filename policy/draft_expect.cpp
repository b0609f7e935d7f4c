// A policy while it is being read: what it expects of itself.
#include <algorithm>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"
#include "policy/reason.hpp"

namespace bastion {
namespace {

constexpr std::size_t expectations_max = 10'000;

/// What `explain` can find of a client that is described.
constexpr std::string_view reasons_of_a_description =
    "ip_denied, bad_proxy_header, unsupported_version, client_id_denied, session_denied, anonymous, bad_credentials, "
    "not_authorized";

/// What to write where `word` stands for a reason and is none.
std::string instead_of_reason(std::string_view word) {
  if (word == "denied") {
    return R"(; of a topic that a client may not use, write publish = "TOPIC" or subscribe = "FILTER", and allowed = false)";
  }
  std::vector<std::string_view> known;
  for (const auto& refusal : refusals()) known.push_back(label(refusal.reason));
  const auto near = nearest(word, known);
  if (!near.empty()) return "; did you mean " + quoted(near) + "?";
  return "; write one of " + std::string{reasons_of_a_description};
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
  for (const auto& expectation : policy.expectations) {
    if (expectation.topic.has_value() != expectation.allowed.has_value()) {
      complain(expectation.where, R"("allowed" goes with "publish" or "subscribe", which go with it)");
    } else if (expectation.topic && !expectation.refused.empty()) {
      complain(expectation.where, R"("refused" can't be expected of a client that is let in)");
    } else if (!expectation.admitted && expectation.refused.empty() && !expectation.topic) {
      complain(expectation.where, R"(nothing is expected: write admitted = true, or refused = "REASON")");
    } else if (expectation.admitted && !expectation.refused.empty()) {
      complain(expectation.where, R"("admitted" and "refused" can't both be expected)");
    }
    const auto& wanted = expectation.client.listener;
    const auto is_it = [&](const ListenerPolicy& listener) { return listener.name == wanted; };
    if (!wanted.empty() && std::none_of(policy.listeners.begin(), policy.listeners.end(), is_it)) {
      complain(expectation.where, "there is no listener " + quoted(wanted));
    }
  }
}

}  // namespace bastion
