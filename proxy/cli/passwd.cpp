// `mqtt-bastion passwd`: one user of a Mosquitto password file.
#include "proxy/cli/passwd.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "proxy/cli/file_edit.hpp"
#include "proxy/cli/terminal.hpp"
#include "proxy/identity/password_file.hpp"
#include "proxy/identity/secret.hpp"

namespace bastion::cli {

namespace {

using identity::NewCredential;
using identity::PasswordFile;
using identity::PasswordFileLimits;
using identity::Scheme;
using identity::Secret;

constexpr int done = 0;
constexpr int failed = 1;
constexpr int bad_usage = 2;

/// Bytes of a password in MQTT's CONNECT (OASIS MQTT 3.1.1 section 3.1.3.5).
constexpr std::size_t password_size_max = 65'535;

/// Only what is added here is held to the narrow limits: an operator's policy may allow others more.
constexpr PasswordFileLimits limits_for_others{.pbkdf2_iterations_max = 0xFFFFFFFF,
                                               .argon2_memory_max = std::uint64_t{0xFFFFFFFF} * 1024,
                                               .argon2_iterations_max = 0xFFFFFFFF,
                                               .users_max = 1'000'000,
                                               .argon2_lanes_max = 0xFFFFFF};

void say(std::FILE* where, const std::string& text) {
  std::fprintf(where, "%s\n", text.c_str());
}

/// A refusal: says why, and is the exit code.
int refuse(int code, const std::string& why) {
  say(stderr, why);
  return code;
}

std::optional<Scheme> scheme_of(const PasswdOptions& options) {
  if (options.scheme == "pbkdf2") return Scheme::pbkdf2;
  if (options.scheme == "argon2id") return Scheme::argon2id;
  if (options.scheme == "sha512") return Scheme::sha512;
  return std::nullopt;
}

/// How to hash, or what is wrong with the options.
std::variant<NewCredential, std::string> hashing(const PasswdOptions& options) {
  const auto scheme = scheme_of(options);
  if (!scheme) return "the scheme must be pbkdf2, argon2id or sha512";
  NewCredential how;
  how.scheme = *scheme;
  if (options.iterations == 0) return how;
  const PasswordFileLimits limits;
  if (*scheme == Scheme::sha512) return "sha512 has no iterations: leave them out, or take pbkdf2";
  const std::uint32_t max = *scheme == Scheme::pbkdf2 ? limits.pbkdf2_iterations_max : limits.argon2_iterations_max;
  if (options.iterations > max) return "the iterations of " + options.scheme + " must be from 1 to " + std::to_string(max);
  (*scheme == Scheme::pbkdf2 ? how.pbkdf2_iterations : how.argon2_iterations) = options.iterations;
  return how;
}

std::optional<std::string> usage_fault(const PasswdOptions& options) {
  if (options.file.empty() || options.file.find('\0') != std::string::npos) return "name a password file";
  if (const auto fault = identity::user_name_fault(options.user)) return "the user name " + std::string(*fault);
  if (options.remove && options.create) return "--remove and --create exclude each other: choose one";
  return std::nullopt;
}

std::optional<std::string> password_fault(std::string_view password, Scheme scheme) {
  if (password.empty()) return "the password is empty: give one";
  if (password.size() > password_size_max) return "the password is longer than the 65535 bytes that MQTT allows";
  if (password.ends_with('\r')) return "the password ends in a carriage return: end its line with a newline alone";
  if (identity::password_is_ambiguous(scheme, password)) {
    return "the password ends in a NUL, which pbkdf2 can't tell from one without: take another, or argon2id";
  }
  return std::nullopt;
}

/// The first line of standard input without its newline, cut one byte beyond the longest password.
Secret read_first_line() {
  std::array<char, password_size_max + 2> bytes{};
  std::size_t size = 0;
  std::size_t line = std::string_view::npos;
  while (size < bytes.size() && line == std::string_view::npos) {
    const ssize_t got = read(STDIN_FILENO, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
    line = std::string_view(bytes.data(), size).find('\n');
  }
  Secret password(std::string_view(bytes.data(), line == std::string_view::npos ? size : line));
  identity::wipe({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return password;
}

/// The password, or the exit code.
std::variant<Secret, int> new_password(const PasswdOptions& options, Scheme scheme) {
  if (options.batch) {
    auto password = read_first_line();
    if (const auto fault = password_fault(password.view(), scheme)) return refuse(bad_usage, *fault);
    return password;
  }
  if (!has_terminal()) return refuse(bad_usage, "no terminal to ask for a password: give it on standard input with --batch");
  auto first = ask_for_password("New password: ");
  if (!first) return refuse(failed, "no password was given; nothing was changed");
  if (const auto fault = password_fault(first->view(), scheme)) return refuse(bad_usage, *fault);
  const auto second = ask_for_password("The same again: ");
  if (!second || second->view() != first->view()) return refuse(failed, "the two passwords differ; nothing was changed");
  return std::move(*first);
}

/// A line of a file, with its newline if it has one.
std::string_view next_line(std::string_view text) {
  const auto end = text.find('\n');
  return text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
}

std::string_view without_newline(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return line;
}

bool has_entries(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(next_line(text).size())) {
    if (identity::user_name_of(without_newline(next_line(text)))) return true;
  }
  return false;
}

struct Edited {
  std::string text;
  bool found = false;
};

/// The text with the user's line replaced by `line`, or taken out where that is empty; all else as it was.
Edited with_line(std::string_view text, std::string_view user, std::string_view line) {
  Edited edited;
  edited.text.reserve(text.size() + line.size() + 2);
  for (; !text.empty(); text.remove_prefix(next_line(text).size())) {
    const std::string_view old = next_line(text);
    if (identity::user_name_of(without_newline(old)) != user) {
      edited.text += old;
      continue;
    }
    edited.found = true;
    edited.text += line;
    if (!line.empty() && old.ends_with('\n')) edited.text += '\n';
  }
  if (edited.found || line.empty()) return edited;
  if (!edited.text.empty() && !edited.text.ends_with('\n')) edited.text += '\n';
  (edited.text += line) += '\n';
  return edited;
}

std::shared_ptr<const PasswordFile> parsed(std::string_view text, const std::string& file) {
  auto read = PasswordFile::parse(text, file, limits_for_others);
  auto* good = std::get_if<std::shared_ptr<const PasswordFile>>(&read);
  return good != nullptr ? *good : nullptr;
}

/// The file, locked and without complaints, or the exit code.
std::variant<FileEdit, int> open_good_file(const PasswdOptions& options) {
  auto opened = FileEdit::open(options.file, options.create);
  if (const auto* fault = std::get_if<EditFault>(&opened)) return refuse(fault->usage ? bad_usage : failed, fault->message);
  auto& edit = std::get<FileEdit>(opened);
  if (!has_entries(edit.text())) return std::move(edit);
  const auto read = PasswordFile::parse(edit.text(), options.file, limits_for_others);
  const auto* complaints = std::get_if<std::vector<Complaint>>(&read);
  if (complaints == nullptr) return std::move(edit);
  for (const auto& complaint : *complaints) say(stderr, text(complaint));
  return refuse(bad_usage, options.file + ": nothing was changed: correct the lines above and run this again");
}

int remove_user(const PasswdOptions& options, FileEdit& edit) {
  const Edited edited = with_line(edit.text(), options.user, "");
  if (!edited.found) return refuse(failed, options.file + ": there is no user '" + options.user + "'; nothing was changed");
  if (!has_entries(edited.text)) {
    return refuse(failed, options.file + ": '" + options.user +
                              "' is the only user, and without one the gate would refuse the file and go on with the old "
                              "one: add another user first, or set another password; nothing was changed");
  }
  const auto check = [&](std::string_view text) {
    const auto file = parsed(text, options.file);
    return file && !file->knows(options.user);
  };
  if (const auto fault = edit.replace(edited.text, check)) return refuse(failed, fault->message);
  say(stdout, options.file + ": user '" + options.user + "' removed");
  return done;
}

int set_password(const PasswdOptions& options, FileEdit& edit, const std::string& line, const Secret& password) {
  const Edited edited = with_line(edit.text(), options.user, line);
  const auto check = [&](std::string_view text) {
    const auto file = parsed(text, options.file);
    return file && verify(file->find(options.user), password.view());
  };
  if (const auto fault = edit.replace(edited.text, check)) return refuse(failed, fault->message);
  say(stdout, options.file + ": user '" + options.user + (edited.found ? "' changed" : "' added"));
  return done;
}

/// Fewer rounds than Mosquitto 2.1's default, and than NIST SP 800-132 section 5.2 asks for at least.
constexpr std::uint32_t few_pbkdf2_iterations = 1'000;

void advise(const NewCredential& how, std::string_view password) {
  const auto scheme = how.scheme;
  if (scheme == Scheme::pbkdf2 && how.pbkdf2_iterations < few_pbkdf2_iterations)
    say(stderr,
        "note: " + std::to_string(how.pbkdf2_iterations) +
            " iterations of pbkdf2 are quickly guessed through once the file is stolen: leave --iterations out for " +
            std::to_string(NewCredential{}.pbkdf2_iterations));
  if (scheme == Scheme::argon2id) say(stderr, "note: Mosquitto before 2.1 can't read argon2id; the gate can");
  if (scheme == Scheme::sha512)
    say(stderr, "note: sha512 is one round only and quickly guessed once the file is stolen: prefer pbkdf2");
  if (password.find('\0') != std::string_view::npos)
    say(stderr, "note: Mosquitto itself takes a password only up to its first NUL");
}

int add_or_change(const PasswdOptions& options, const NewCredential& how) {
  // Looked at before anybody types a password in vain.
  if (const auto first_look = open_good_file(options); std::holds_alternative<int>(first_look))
    return std::get<int>(first_look);
  const auto given = new_password(options, how.scheme);
  if (const auto* code = std::get_if<int>(&given)) return *code;
  const auto& password = std::get<Secret>(given);

  const std::string line = password_line(options.user, password.view(), how);
  auto opened = open_good_file(options);
  if (const auto* code = std::get_if<int>(&opened)) return *code;
  const int code = set_password(options, std::get<FileEdit>(opened), line, password);
  if (code == done) advise(how, password.view());
  return code;
}

}  // namespace

int passwd_command(const PasswdOptions& options) {
  if (const auto fault = usage_fault(options)) return refuse(bad_usage, *fault);
  const auto how = hashing(options);
  if (const auto* fault = std::get_if<std::string>(&how)) return refuse(bad_usage, *fault);
  try {
    if (!options.remove) return add_or_change(options, std::get<NewCredential>(how));
    auto opened = open_good_file(options);
    if (const auto* code = std::get_if<int>(&opened)) return *code;
    return remove_user(options, std::get<FileEdit>(opened));
  } catch (const std::exception& error) {
    return refuse(failed, options.file + ": " + error.what() + "; nothing was changed");
  }
}

}  // namespace bastion::cli
