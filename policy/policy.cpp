// The policy's own small texts.
#include "policy/policy.hpp"

namespace bastion {

namespace {

/// `file:line:column: `, or nothing.
std::string place_of(const Complaint& complaint) {
  std::string out = complaint.where.file;
  if (complaint.where.line != 0) {
    if (!out.empty()) out += ':';
    out += std::to_string(complaint.where.line);
    if (complaint.where.column != 0) out += ':' + std::to_string(complaint.where.column);
  }
  if (!out.empty()) out += ": ";
  return out;
}

}  // namespace

std::string text(const Complaint& complaint) {
  return place_of(complaint) + (complaint.warning ? "warning: " : "") + complaint.message;
}

std::string text_without_level(const Complaint& complaint) {
  return place_of(complaint) + complaint.message;
}

std::string SocketAddress::text() const {
  const auto number = ':' + std::to_string(port);
  if (address.is_v4()) return address.text() + number;
  return '[' + address.text() + ']' + number;
}

Location Policy::line_of(std::string_view key) const {
  const auto found = said.find(key);
  return found != said.end() ? found->second : Location{};
}

Location Policy::place_of(std::string_view key) const {
  const auto found = said.find(key);
  return found != said.end() ? found->second : where;
}

}  // namespace bastion
