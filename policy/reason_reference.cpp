// The reference of refusals, written from the table of reasons and causes.
#include <algorithm>
#include <array>

#include "policy/reason.hpp"

namespace bastion {
namespace {

struct StageInfo {
  Stage stage;
  std::string_view text;
};

constexpr std::array stages{
    StageInfo{Stage::accept, "The connection itself, before a byte is read or sent."},
    StageInfo{Stage::origin,
              "The PROXY header of a balancer, before TLS. The client's own address is judged at stage `accept`."},
    StageInfo{Stage::tls, "The first bytes and the TLS handshake."},
    StageInfo{Stage::preamble, "The first packet, up to a whole CONNECT. Nothing was answered in MQTT up to here."},
    StageInfo{Stage::connect, "What the CONNECT says, but for who says it."},
    StageInfo{Stage::auth, "Who the client is, and whether it may be here."},
    StageInfo{Stage::upstream, "The broker, which hears of a client only here."},
    StageInfo{Stage::session, "The packets of a session that the broker has accepted."},
};

/// `0x87`; MQTT 5 writes its codes so.
std::string hexadecimal(std::uint8_t code) {
  constexpr std::string_view digits = "0123456789abcdef";
  return std::string{"0x"} + digits[code >> 4] + digits[code & 15];
}

bool passes_on_the_brokers_answer(Refusal refusal) {
  return refusal.reason == Reason::upstream_refused;
}

std::string v3_answer(Refusal refusal) {
  if (passes_on_the_brokers_answer(refusal)) return "the broker's";
  const auto code = info(refusal.reason).v3_return_code;
  return code ? std::to_string(*code) : "close";
}

std::string v5_answer(Refusal refusal) {
  if (passes_on_the_brokers_answer(refusal)) return "the broker's";
  const auto code = v5_code_of(refusal);
  return code ? hexadecimal(*code) : "close";
}

std::string_view yes_or_no(bool value) {
  return value ? "yes" : "no";
}

void append_cell(std::string& out, std::string_view text) {
  out += text;
  out += " | ";
}

void append_row(std::string& out, Refusal refusal) {
  const auto cause = counted_as(refusal);
  out += "| ";
  append_cell(out, cause.empty() ? std::string{"none"} : '`' + std::string{cause} + '`');
  append_cell(out, meaning(refusal));
  append_cell(out, v3_answer(refusal));
  append_cell(out, v5_answer(refusal));
  append_cell(out, yes_or_no(counts_towards_ban(refusal)));
  out += yes_or_no(can_be_observed(refusal));
  out += " |\n";
}

void append_reason(std::string& out, Reason reason) {
  const auto& about = info(reason);
  out += "\n### `" + std::string{about.label} + "`: " + std::string{about.text} + "\n\n";
  out +=
      "| cause | what it means, and what usually brings it about | MQTT 3 | MQTT 5 | ban | observable "
      "|\n|---|---|---|---|---|---|\n";
  for (const auto refusal : refusals()) {
    if (refusal.reason == reason) append_row(out, refusal);
  }
}

constexpr std::string_view head = R"(# Every refusal

Written by the program from its table of reasons and causes (`tests/unit/policy` holds the two together).

Each connection that does not end as it should is counted once, in `mqtt_bastion_refusals_total`, under its listener and under
the stage, reason and cause that stand here; its log line has the same words. Labels stay as they are from version to version.

- **MQTT 3** and **MQTT 5** are what the client is sent: the code of a CONNACK, in stage `session` that of a DISCONNECT, which
  only MQTT 5 has. *close*: nothing, the connection is closed. MQTT 5's code is the usual one: where the standard has a closer
  one for what a packet has wrong, that is sent.
- **ban** says whether it is a mark against its source; the format's `[ban]` is not enforced by this version.
- **observable** says whether `mode = "observe"` lets the client go on all the same.

The log tells an unknown user from a wrong password, as causes `user` and `password` of `bad_credentials`; metrics do not.
)";

}  // namespace

std::string refusal_reference() {
  std::string out{head};
  for (const auto& stage : stages) {
    out += "\n## Stage `" + std::string{label(stage.stage)} + "`\n\n" + std::string{stage.text} + '\n';
    for (std::size_t i = 0; i < static_cast<std::size_t>(Reason::count_); ++i) {
      const auto reason = static_cast<Reason>(i);
      if (info(reason).stage == stage.stage) append_reason(out, reason);
    }
  }
  return out;
}

}  // namespace bastion
