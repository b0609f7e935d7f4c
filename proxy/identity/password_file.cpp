// Reading a password file whole: every line is a user, a comment, blank, or a complaint.
#include "proxy/identity/password_file.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <stdexcept>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "proxy/identity/entry.hpp"

namespace bastion::identity {

namespace {

/// Bytes of a line: the longest name, its colon, and more than the longest hash.
constexpr std::size_t line_size_max = user_name_size_max + 1 + 1024;

/// Reads lines and keeps what they gave.
class Reader {
 public:
  Reader(const std::string& file, const PasswordFileLimits& limits) : file_(file), limits_(limits) {}

  void read(std::string_view text) {
    while (!text.empty() && !full_) {
      const auto end = text.find('\n');
      ++line_;
      read_line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (credentials.empty() && complaints.empty()) {
      complaints.push_back({{file_, 0, 0}, "no user could ever log in: add one with `mqtt-bastion passwd`", false});
    }
    if (left_out_ > 0) complaints.push_back({{file_, 0, 0}, "and " + std::to_string(left_out_) + " more", false});
  }

  std::vector<Credential> credentials;
  std::vector<Complaint> complaints;

 private:
  void complain(std::size_t offset, std::string message) {
    if (complaints.size() >= complaints_max) {
      ++left_out_;
      return;
    }
    complaints.push_back({{file_, line_, static_cast<std::uint32_t>(offset + 1)}, std::move(message), false});
  }

  void read_line(std::string_view line) {
    const auto user_name = user_name_of(line);
    if (!user_name) return;
    if (line.size() > line_size_max) {
      return complain(line_size_max, "the line is longer than " + std::to_string(line_size_max) + " bytes");
    }
    if (line.ends_with('\r')) return complain(line.size() - 1, "the line ends in CR LF: save the file with Unix line ends");
    if (user_name->size() == line.size()) {
      return complain(0, "no ':' between a user name and a hash: write `user:HASH`, or '#' in front of a comment");
    }
    if (const auto fault = user_name_fault(*user_name)) return complain(0, "the user name " + std::string(*fault));
    read_entry(*user_name, line.substr(user_name->size() + 1));
  }

  void read_entry(std::string_view user_name, std::string_view hash) {
    auto decoded = decode_hash(hash, limits_);
    if (auto* fault = std::get_if<HashFault>(&decoded)) {
      return complain(user_name.size() + 1 + fault->offset, std::move(fault->message));
    }
    const auto [earlier, is_new] = lines_.emplace(user_name, line_);
    if (!is_new)
      return complain(0, "this user stands on line " + std::to_string(earlier->second) + " too: keep one of the two");
    if (credentials.size() >= limits_.users_max) {
      full_ = true;
      return complain(0, "more than " + std::to_string(limits_.users_max) + " users: the file is not read further");
    }
    auto& credential = credentials.emplace_back(std::move(std::get<Credential>(decoded)));
    credential.user_name = user_name;
  }

  const std::string& file_;
  const PasswordFileLimits& limits_;
  std::unordered_map<std::string_view, std::uint32_t> lines_;
  std::uint32_t line_ = 0;
  std::size_t left_out_ = 0;
  bool full_ = false;
};

void fill_random(std::uint8_t* bytes, std::size_t size) {
  if (RAND_bytes(bytes, static_cast<int>(size)) != 1) throw std::runtime_error("OpenSSL has no random bytes");
}

using Key = std::array<std::uint64_t, 2>;

/// Drawn once: a key for each file would move strangers, and only strangers, to other costs at each reload.
const Key& process_key() {
  static const Key key = [] {
    std::array<std::uint8_t, sizeof(Key)> bytes{};
    fill_random(bytes.data(), bytes.size());
    Key drawn{};
    std::memcpy(drawn.data(), bytes.data(), bytes.size());
    return drawn;
  }();
  return key;
}

/// A number that nobody without the key can guess.
std::uint32_t keyed_hash(const std::uint64_t (&key)[2], std::string_view text) {
  std::array<std::uint8_t, sizeof key> key_bytes{};
  std::memcpy(key_bytes.data(), key, key_bytes.size());
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (HMAC(EVP_sha256(), key_bytes.data(), static_cast<int>(key_bytes.size()), bytes, text.size(), digest.data(), &size) ==
      nullptr) {
    throw std::runtime_error("OpenSSL has no HMAC");
  }
  std::uint32_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

/// All that makes one verification last longer than another.
using Cost = std::tuple<Scheme, std::uint32_t, std::uint32_t, std::uint32_t, std::size_t, std::size_t>;

Cost cost_of(const Credential& c) {
  return {c.scheme, c.memory_kib, c.iterations, c.lanes, c.salt.size(), c.hash.size()};
}

Credential stranger_like(const Credential& user) {
  Credential stranger = user;
  stranger.user_name.clear();
  fill_random(stranger.salt.data(), stranger.salt.size());
  fill_random(stranger.hash.data(), stranger.hash.size());
  return stranger;
}

}  // namespace

ReadPasswordFile PasswordFile::parse(std::string_view text, const std::string& file, const PasswordFileLimits& limits) {
  Reader reader(file, limits);
  reader.read(text);
  if (!reader.complaints.empty()) return std::move(reader.complaints);

  std::shared_ptr<PasswordFile> read(new PasswordFile);
  read->credentials_ = std::move(reader.credentials);
  std::sort(read->credentials_.begin(), read->credentials_.end(),
            [](const Credential& a, const Credential& b) { return a.user_name < b.user_name; });
  read->key_[0] = process_key()[0];
  read->key_[1] = process_key()[1];
  read->prepare_strangers();
  return std::shared_ptr<const PasswordFile>(std::move(read));
}

void PasswordFile::prepare_strangers() {
  std::map<Cost, std::pair<std::size_t, const Credential*>> users;
  for (const auto& credential : credentials_) {
    auto& [count, example] = users[cost_of(credential)];
    ++count;
    example = &credential;
  }
  std::size_t up_to = 0;
  for (const auto& [cost, user] : users) {
    up_to += user.first;
    strangers_.push_back(stranger_like(*user.second));
    users_up_to_.push_back(up_to);
  }
}

const Credential* PasswordFile::find_user(std::string_view user_name) const {
  const auto found = std::lower_bound(credentials_.begin(), credentials_.end(), user_name,
                                      [](const Credential& c, std::string_view name) { return c.user_name < name; });
  if (found == credentials_.end() || found->user_name != user_name) return nullptr;
  return &*found;
}

const Credential& PasswordFile::stranger(std::string_view user_name) const {
  // A fraction of all users, not a remainder: one user more or less moves hardly any stranger to another cost.
  const std::uint64_t user = (std::uint64_t{keyed_hash(key_, user_name)} * credentials_.size()) >> 32;
  const auto cost = std::upper_bound(users_up_to_.begin(), users_up_to_.end(), static_cast<std::size_t>(user));
  return strangers_[static_cast<std::size_t>(cost - users_up_to_.begin())];
}

const Credential& PasswordFile::find(std::string_view user_name) const {
  // Looked up for users too, so that the way to a stranger is no longer.
  const Credential& stranger_of_that_name = stranger(user_name);
  const Credential* user = find_user(user_name);
  return user != nullptr ? *user : stranger_of_that_name;
}

std::uint64_t PasswordFile::fingerprint(std::string_view user_name) const {
  const Credential* user = find_user(user_name);
  if (user == nullptr) return 0;
  // Hashes are as good as random already, and salts are where two users share a password.
  std::uint64_t out = 0;
  std::memcpy(&out, user->hash.data(), std::min(sizeof out, user->hash.size()));
  for (const auto byte : user->salt) out = out * 0x100000001b3u ^ byte;
  return out != 0 ? out : 1;
}

bool PasswordFile::knows(std::string_view user_name) const {
  return find_user(user_name) != nullptr;
}

}  // namespace bastion::identity
