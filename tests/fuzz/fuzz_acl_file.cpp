// An ACL file as bytes: complaints are clean lines, and what a filter is granted agrees with what may be delivered. A NUL
// parts the file from a user name, that from a client identifier, and that from a filter.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/access.hpp"
#include "policy/policy.hpp"

namespace {

using namespace bastion;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

std::string_view take_part(std::string_view& rest) {
  const auto end = std::min(rest.find('\0'), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

bool check_complaints(const AclFile::Parsed& parsed) {
  bool is_good = true;
  for (const auto& complaint : parsed.complaints) {
    is_good = is_good && complaint.warning;
    const auto line = text(complaint);
    require(
        std::none_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
    require(complaint.where.line > 0 && complaint.where.column > 0);
  }
  return is_good;
}

void check_topic(const Access& access, const TopicFilter& filter, const SubscribeAnswer& granted, std::string_view topic) {
  if (topic.empty() || topic.find_first_of("+#") != std::string_view::npos) return;
  const auto received = access.may_receive(topic);
  if (!filter.matches(topic) || AclFile::is_reserved_for_reading(topic)) return;
  if (granted.verdict == SubscribeAnswer::Verdict::allowed) require(received.is_allowed);
  if (granted.verdict == SubscribeAnswer::Verdict::denied) require(!received.is_allowed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  std::string_view rest{input};
  const auto file = take_part(rest);
  const auto user = take_part(rest);
  const auto client_id = take_part(rest);
  const auto asked = TopicFilter::from(take_part(rest));
  auto parsed = AclFile::parse(file, "acl");
  if (!check_complaints(parsed) || !asked) return 0;
  Policy policy;
  policy.authorization.acl = std::move(parsed.acl);
  const Access access{policy, nullptr, {user.empty() ? std::nullopt : std::optional{user}, client_id}};
  if (asked->text().substr(0, 6) == "$share") return 0;
  const auto granted = access.may_subscribe(asked->text());
  // Topics that the file may speak of: its own words, and what else is in the input.
  std::string_view words{input};
  while (!words.empty()) {
    const auto end = std::min(words.find_first_of(std::string_view{" \n\0", 3}), words.size());
    check_topic(access, *asked, granted, words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return 0;
}
