// A small policy to change and to extend, and what comes of reading it.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "policy/parse.hpp"

namespace bastion::policy_test {

inline constexpr std::string_view minimal = R"(schema = 1
[upstream]
address = "127.0.0.1:1883"
[tls]
certificate = "server.crt"
key = "server.key"
[[listener]]
name = "devices"
address = "0.0.0.0:8883"
[admission]
allow = ["192.168.10.0/24"]
[authentication]
password_file = "passwd"
)";

/// Files that exist only here.
class Files {
 public:
  Files() = default;
  Files(std::initializer_list<std::pair<const std::string, std::string>> files) : files_{files} {}
  [[nodiscard]] ReadFile reader() const {
    return [files = files_](const std::string& path) -> std::variant<std::string, FileError> {
      const auto found = files.find(path);
      if (found == files.end()) return FileError{"No such file or directory", true};
      return found->second;
    };
  }

 private:
  std::map<std::string, std::string> files_;
};

inline ParsedPolicy parse(std::string_view toml, const Files& files = {}, const std::string& file = "policy.toml") {
  const auto reader = files.reader();
  return parse_policy(toml, file, reader);
}

inline std::vector<std::string> lines(const ParsedPolicy& parsed) {
  std::vector<std::string> out;
  for (const auto& complaint : parsed.complaints) out.push_back(text(complaint));
  return out;
}

inline std::string with(std::string_view before, std::string_view what, std::string_view instead) {
  std::string out{before};
  const auto at = out.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  if (at != std::string::npos) out.replace(at, what.size(), instead);
  return out;
}
inline std::string changed(std::string_view what, std::string_view instead) {
  return with(minimal, what, instead);
}
inline std::string extended(std::string_view more) {
  return std::string{minimal} + std::string{more};
}

/// The complaints about a policy, which must not be usable.
inline std::vector<std::string> complaints(const std::string& toml, const Files& files = {}) {
  const auto parsed = parse(toml, files);
  EXPECT_FALSE(parsed.policy);
  return lines(parsed);
}

/// The one policy that is meant, whatever warnings it has.
inline Policy accepted(const std::string& toml, const Files& files = {}) {
  auto parsed = parse(toml, files);
  EXPECT_TRUE(parsed.policy) << testing::PrintToString(lines(parsed));
  return parsed.policy ? std::move(*parsed.policy) : Policy{};
}

}  // namespace bastion::policy_test
