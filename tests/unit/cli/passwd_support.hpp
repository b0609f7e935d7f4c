// A directory of one's own, and the command with its input and output in hand.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/cli/passwd.hpp"
#include "proxy/identity/password_file.hpp"

namespace bastion::cli {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bastion-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Files of any name, hidden ones too.
  [[nodiscard]] std::ptrdiff_t count() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

 private:
  std::filesystem::path path_;
};

inline std::string contents(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void put(const std::string& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

/// Runs the command with `input` on standard input.
inline Outcome run_passwd(const PasswdOptions& options, std::string_view input = "") {
  const int before = dup(STDIN_FILENO);
  const int given = memfd_create("input", MFD_CLOEXEC);
  EXPECT_EQ(write(given, input.data(), input.size()), static_cast<ssize_t>(input.size()));
  lseek(given, 0, SEEK_SET);
  dup2(given, STDIN_FILENO);
  close(given);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = passwd_command(options);
  std::fflush(nullptr);
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  dup2(before, STDIN_FILENO);
  close(before);
  return outcome;
}

/// A new user or password in one go, at hardly any cost.
inline PasswdOptions batch(const std::string& file, const std::string& user) {
  PasswdOptions options;
  options.file = file;
  options.user = user;
  options.batch = true;
  options.iterations = 2;
  return options;
}

inline std::shared_ptr<const identity::PasswordFile> users_of(const std::string& file) {
  auto read = identity::PasswordFile::parse(contents(file), file, {});
  auto* good = std::get_if<std::shared_ptr<const identity::PasswordFile>>(&read);
  return good != nullptr ? *good : nullptr;
}

inline bool lets_in(const std::string& file, const std::string& user, std::string_view password) {
  const auto users = users_of(file);
  return users && verify(users->find(user), password);
}

}  // namespace bastion::cli
