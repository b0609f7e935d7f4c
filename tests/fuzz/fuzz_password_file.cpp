// Any bytes as a password file: a file whose users are all there, or complaints that give nothing away.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proxy/identity/password_file.hpp"

namespace {

using bastion::Complaint;
using bastion::identity::Credential;
using bastion::identity::PasswordFile;

void must(bool holds) {
  if (!holds) __builtin_trap();
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool same_cost(const Credential& a, const Credential& b) {
  return a.scheme == b.scheme && a.iterations == b.iterations && a.memory_kib == b.memory_kib && a.lanes == b.lanes &&
         a.salt.size() == b.salt.size() && a.hash.size() == b.hash.size();
}

void check_file(const PasswordFile& file, const std::vector<std::string_view>& lines) {
  std::size_t users = 0;
  std::vector<const Credential*> credentials;
  for (const auto line : lines) {
    const auto user_name = bastion::identity::user_name_of(line);
    if (!user_name) continue;
    ++users;
    must(!bastion::identity::user_name_fault(*user_name));
    must(file.knows(*user_name));
    const Credential& credential = file.find(*user_name);
    must(credential.user_name == *user_name);
    // Only one spelling of each entry is taken, so what was read is written the same.
    must(bastion::identity::entry_line(credential) == line);
    credentials.push_back(&credential);
  }
  must(users > 0 && users == file.size());

  // No file can hold this name.
  const Credential& stranger = file.find("a:b");
  must(!file.knows("a:b") && stranger.user_name.empty());
  must(std::any_of(credentials.begin(), credentials.end(), [&](const Credential* c) { return same_cost(*c, stranger); }));
  if (stranger.scheme == bastion::identity::Scheme::sha512) must(!bastion::identity::verify(stranger, "password"));
}

void check_complaints(const std::vector<Complaint>& complaints, const std::vector<std::string_view>& lines) {
  must(!complaints.empty() && complaints.size() <= bastion::identity::complaints_max + 1);
  std::uint32_t last = 0;
  for (const auto& complaint : complaints) {
    must(!complaint.message.empty() && complaint.message.size() < 256 && !complaint.warning);
    must(std::all_of(complaint.message.begin(), complaint.message.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    if (complaint.where.line == 0) continue;
    must(complaint.where.line >= last && complaint.where.line <= lines.size());
    must(complaint.where.column >= 1 && complaint.where.column <= lines[complaint.where.line - 1].size() + 1);
    last = complaint.where.line;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = lines_of(text);
  const auto read = PasswordFile::parse(text, "passwd", {});
  if (const auto* complaints = std::get_if<std::vector<Complaint>>(&read)) {
    check_complaints(*complaints, lines);
  } else {
    check_file(*std::get<std::shared_ptr<const PasswordFile>>(read), lines);
  }
  return 0;
}
