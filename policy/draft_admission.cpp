// A policy while it is being read: who may connect, from which addresses and how often.
#include <algorithm>
#include <tuple>
#include <utility>

#include "policy/draft.hpp"
#include "policy/quantity.hpp"

namespace bastion {
namespace {

constexpr std::size_t rule_file_bytes_max = std::size_t{64} << 20;

}  // namespace

void Draft::add_rules(const Value& value, bool allow) {
  allow_read_ = allow_read_ || allow;
  for (const auto& item : value.list) add_rule(item.value, allow, 0, item.where.line, item.where.column);
}

void Draft::add_rule(std::string_view text, bool allow, std::uint16_t file, std::uint32_t line, std::uint32_t column) {
  const Location where{policy.admission.rule_files[file], line, column};
  if (allow) ++allows_said_;
  const auto parsed = parse_prefix(text);
  if (const auto* error = std::get_if<PrefixError>(&parsed)) {
    complain(where, quoted(text) + ": " + clause(*error));
    return;
  }
  if (rules_.size() >= PrefixSet::rules_max) {
    if (!too_many_rules_) complain(where, "there are more than " + std::to_string(PrefixSet::rules_max) + " prefixes");
    too_many_rules_ = true;
    return;
  }
  rules_.push_back({std::get<Prefix>(parsed), allow, file, line, column});
  if (allow && (text == "::/0" || text == "0.0.0.0/0")) {
    warn(where, quoted(text) + " lets every " + (text == "::/0" ? "IPv6" : "IPv4") + " address in");
  }
}

void Draft::add_rule_file(const Value& value, bool allow) {
  const auto path = joined(value.text);
  const auto read = read_file_ ? read_file_(path) : std::variant<std::string, FileError>{FileError{"it can't be opened"}};
  if (const auto* error = std::get_if<FileError>(&read)) {
    complain(value.where, quoted(value.path) + ": can't read " + quoted(path) + ": " + error->what +
                              (error->is_missing ? "; it holds one prefix to a line" : ""));
    return;
  }
  const auto& content = std::get<std::string>(read);
  if (content.size() > rule_file_bytes_max) {
    complain(value.where, quoted(value.path) + ": " + quoted(path) + " is larger than 64MiB");
    return;
  }
  const auto before = allows_said_;
  policy.admission.rule_files.push_back(path);
  add_rules_of_file(content, allow, static_cast<std::uint16_t>(policy.admission.rule_files.size() - 1));
  if (allow && allows_said_ == before) {
    complain(value.where, quoted(value.path) + ": " + quoted(path) + " holds no prefix: nobody could enter");
  }
}

void Draft::add_rules_of_file(std::string_view content, bool allow, std::uint16_t file) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (content.substr(0, byte_order_mark.size()) == byte_order_mark) content.remove_prefix(byte_order_mark.size());
  for (std::uint32_t number = 1; !content.empty(); ++number) {
    const auto end = std::min(content.find('\n'), content.size());
    auto line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    line = line.substr(0, line.find('#'));
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) continue;
    const auto last = line.find_last_not_of(" \t\r");
    add_rule(line.substr(begin, last - begin + 1), allow, file, number, static_cast<std::uint32_t>(begin + 1));
  }
}

void Draft::check_rules() {
  // A list that could not be read at all has its own complaint.
  const bool is_unread = was_said("admission.allow") && !allow_read_;
  if (allows_said_ == 0 && !is_unread && !was_said("admission.allow_file")) {
    complain(
        where(was_said("admission.allow") ? "admission.allow" : "admission"),
        R"(no address is allowed and nobody could enter: name prefixes in "admission.allow" or "admission.allow_file")");
  }
  check_twins();
  std::vector<PrefixRule> out;
  out.reserve(rules_.size());
  for (const auto& rule : rules_) out.push_back({rule.prefix, rule.allow, rule.line, rule.file});
  policy.admission.prefixes = PrefixSet{std::move(out)};
}

void Draft::check_twins() {
  std::vector<const Rule*> sorted;
  sorted.reserve(rules_.size());
  for (const auto& rule : rules_) sorted.push_back(&rule);
  // Denies first: they win. Otherwise the first that was said.
  const auto place = [](const Rule* rule) { return std::tie(rule->prefix.base, rule->prefix.length); };
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Rule* a, const Rule* b) {
    if (place(a) != place(b)) return place(a) < place(b);
    return !a->allow && b->allow;
  });
  const Rule* winner = nullptr;
  for (const auto* rule : sorted) {
    if (winner == nullptr || winner->prefix != rule->prefix) {
      winner = rule;
      continue;
    }
    const auto* const how =
        winner->allow == rule->allow ? " is listed already, at " : " can never be allowed: it is denied at ";
    complain(where(*rule), quoted(rule->prefix.text()) + how + line_and_column(where(*winner)));
  }
}

void Draft::check_admission() {
  const auto& admission = policy.admission;
  const auto check_share = [&](std::string_view path, unsigned value, std::string_view of, unsigned whole) {
    if (!was_said(path) || value <= whole) return;
    complain(where(path),
             quoted(path) + " = " + std::to_string(value) + " is more than " + quoted(of) + " = " + std::to_string(whole));
  };
  const auto connections_max = admission.connections_max;
  check_share("admission.connections_per_address_max", admission.connections_per_address_max, "admission.connections_max",
              connections_max);
  check_share("admission.handshakes_max", admission.handshakes_max, "admission.connections_max", connections_max);
  check_share("admission.handshakes_per_address_max", admission.handshakes_per_address_max, "admission.handshakes_max",
              admission.handshakes_max);
  if (admission.addresses_tracked_max >= admission.connections_max) return;
  const auto* const path =
      was_said("admission.addresses_tracked_max") ? "admission.addresses_tracked_max" : "admission.connections_max";
  complain(where(path), R"("admission.addresses_tracked_max" = )" + std::to_string(admission.addresses_tracked_max) +
                            R"( is less than "admission.connections_max" = )" + std::to_string(admission.connections_max));
}

}  // namespace bastion
