// Loading a policy and everything that it names.
#include "proxy/gate/setup.hpp"

#include <algorithm>
#include <tuple>

#include "policy/parse.hpp"
#include "policy/quantity.hpp"
#include "proxy/gate/files.hpp"

namespace bastion::gate {
namespace {

constexpr std::int64_t day_s = 86'400;
constexpr std::int64_t expiry_warning_days = 14;

class Loader {
 public:
  explicit Loader(std::int64_t now_s) : now_s_{now_s} {}

  LoadedSetup load(const std::string& policy_path) {
    policy_path_ = policy_path;
    const auto text = read_file(policy_path);
    if (const auto* error = std::get_if<FileError>(&text)) {
      complain({policy_path, 0, 0}, "can't read the policy: " + error->what);
      return result(nullptr);
    }
    auto parsed = parse_policy(std::get<std::string>(text), policy_path, read_file);
    complaints_ = std::move(parsed.complaints);
    // A policy that is not usable names files all the same, and whoever mends it wants to hear of them now.
    const bool is_usable = parsed.policy.has_value();
    auto& policy = is_usable ? parsed.policy : parsed.unusable;
    if (!policy) return result(nullptr);

    auto setup = std::make_shared<Setup>();
    setup->policy = std::move(*policy);
    load_passwords(*setup);
    load_key_pairs(*setup);
    try_tls(*setup);
    load_upstream_password(*setup);
    look_at_state_dir(*setup);
    look_at_socket_dir(*setup);
    look_for_users(*setup);
    if (is_usable) run_expectations(*setup);
    return result(std::move(setup));
  }

 private:
  LoadedSetup result(std::shared_ptr<const Setup> setup) {
    const auto place = [&](const Complaint& complaint) {
      return std::tuple{complaint.where.file != policy_path_, complaint.where.file, complaint.where.line,
                        complaint.where.column};
    };
    std::stable_sort(complaints_.begin(), complaints_.end(),
                     [&](const Complaint& a, const Complaint& b) { return place(a) < place(b); });
    const bool bad =
        std::any_of(complaints_.begin(), complaints_.end(), [](const auto& complaint) { return !complaint.warning; });
    return {bad ? nullptr : std::move(setup), std::move(complaints_)};
  }

  void complain(const Location& where, std::string message) { complaints_.push_back({where, std::move(message), false}); }
  void warn(const Location& where, std::string message) { complaints_.push_back({where, std::move(message), true}); }

  /// The file's text; nothing, and a complaint where the policy names it, if it can't be read. `if_missing` says how to
  /// come by one.
  std::optional<std::string> file(const Located<std::string>& path, const std::string& if_missing) {
    auto text = read_file(path.value);
    if (const auto* error = std::get_if<FileError>(&text)) {
      complain(path.where, "can't read \"" + path.value + "\": " + error->what +
                               (error->is_missing ? "; " + if_missing : std::string{}));
      return std::nullopt;
    }
    return std::move(std::get<std::string>(text));
  }

  void load_passwords(Setup& setup) {
    const auto& authentication = setup.policy.authentication;
    if (!authentication.password_file) return;
    const auto text = file(*authentication.password_file,
                           "make one with: mqtt-bastion passwd --create " + authentication.password_file->value + " USER");
    if (!text) return;
    identity::PasswordFileLimits limits;
    limits.argon2_memory_max = authentication.argon2_memory_max;
    auto read = identity::PasswordFile::parse(*text, authentication.password_file->value, limits);
    if (auto* complaints = std::get_if<std::vector<Complaint>>(&read)) {
      complaints_.insert(complaints_.end(), complaints->begin(), complaints->end());
      return;
    }
    setup.passwords = std::get<std::shared_ptr<const identity::PasswordFile>>(read);
    warn_if_world_readable(*authentication.password_file, "password hashes");
  }

  void load_key_pairs(Setup& setup) {
    const auto& tls = setup.policy.tls;
    setup.tls.profile = tls.profile == TlsProfile::modern ? net::Profile::modern : net::Profile::intermediate;
    setup.tls.key_updates_max = tls.key_updates_max;
    for (const auto& configured : tls.key_pairs) load_key_pair(setup, configured);
    const auto& pairs = setup.tls.key_pairs;
    if (pairs.size() == 2 && pairs[0]->kind == pairs[1]->kind) {
      complain(tls.key_pairs[1].certificate.where,
               "both certificates have keys of one kind; a list is for an ECDSA and an RSA pair");
    }
  }

  void load_key_pair(Setup& setup, const TlsKeyPair& configured) {
    const auto* const if_missing = "to try things out, certs/make-certs makes certificates and keys";
    const auto certificate = file(configured.certificate, if_missing);
    auto key = file(configured.key, if_missing);
    if (!certificate || !key) return;
    auto read = net::read_key_pair(*certificate, *key);
    identity::wipe({reinterpret_cast<std::uint8_t*>(key->data()), key->size()});
    if (const auto* error = std::get_if<net::KeyPairError>(&read)) {
      const auto& culprit = error->in == net::KeyPairError::In::key ? configured.key : configured.certificate;
      complain(culprit.where, "\"" + culprit.value + "\": " + error->what);
      return;
    }
    auto pair = std::get<std::shared_ptr<const net::KeyPair>>(std::move(read));
    check_validity(configured.certificate, *pair);
    warn_if_world_readable(configured.key, "the private key");
    setup.tls.key_pairs.push_back(std::move(pair));
  }

  /// OpenSSL has rules of its own (its security level): what it won't serve with must be known before any worker tries.
  void try_tls(const Setup& setup) {
    if (setup.tls.key_pairs.empty()) return;
    try {
      const net::TicketKeys keys;
      const net::TlsContext context{setup.tls, keys};
    } catch (const std::exception& failure) {
      complain(setup.policy.tls.key_pairs.front().certificate.where,
               std::string{"TLS won't serve with these certificates: "} + failure.what());
    }
  }

  /// A certificate out of its time keeps clients out, not strangers in: a warning.
  void check_validity(const Located<std::string>& path, const net::KeyPair& pair) {
    if (now_s_ > pair.not_after_s) {
      warn(path.where, "\"" + path.value + "\" has expired; clients that check will refuse it");
    } else if (now_s_ < pair.not_before_s) {
      warn(path.where, "\"" + path.value + "\" is not valid yet (is the clock right?); clients that check will refuse it");
    } else if (const auto days = (pair.not_after_s - now_s_) / day_s; days < expiry_warning_days) {
      warn(path.where, "\"" + path.value + "\" expires in " + std::to_string(days) + " days");
    }
  }

  void run_expectations(const Setup& setup) {
    for (const auto& expectation : setup.policy.expectations) {
      if (auto complaint = disappointment(setup.policy, expectation, knows_user(setup))) {
        complaints_.push_back(std::move(*complaint));
      }
    }
  }

  void load_upstream_password(Setup& setup) {
    const auto& credentials = setup.policy.upstream.credentials;
    // Without its file, it has its complaint already.
    if (!credentials || credentials->password_file.value.empty()) return;
    auto text = file(credentials->password_file, "its first line is the password");
    if (!text) return;
    auto line = std::string_view{*text}.substr(0, text->find('\n'));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) {
      complain(credentials->password_file.where,
               "\"" + credentials->password_file.value + "\": its first line, the password, is empty");
    } else if (line.size() > 65'535) {
      complain(credentials->password_file.where,
               "\"" + credentials->password_file.value + "\": the password is longer than MQTT allows (65535)");
    }
    setup.upstream_password = identity::Secret{line};
    identity::wipe({reinterpret_cast<std::uint8_t*>(text->data()), text->size()});
    warn_if_world_readable(credentials->password_file, "the broker's password");
  }

  /// Without it the gate serves all the same, and only forgets: a warning.
  void look_at_state_dir(const Setup& setup) {
    const auto& directory = setup.policy.gate.state_dir;
    if (!directory) return;
    const auto trouble = directory_trouble(directory->value);
    if (trouble.empty()) return;
    warn(directory->where, "\"" + directory->value + "\": " + trouble +
                               "; until the gate's user can write to such a directory, counters are not kept");
  }

  /// The service manager may make the directory only with the service: a warning.
  void look_at_socket_dir(const Setup& setup) {
    const auto& socket = setup.policy.admin.socket;
    if (!socket) return;
    const auto directory = directory_of(socket->value);
    const auto trouble = directory_trouble(directory);
    if (trouble.empty()) return;
    warn(socket->where,
         "\"" + directory + "\": " + trouble + "; the gate does not start before its user can write to that directory");
  }

  /// Of each role the first user whom it names and nobody can be: most likely misspelt, and then another role fits him.
  void look_for_users(const Setup& setup) {
    if (!setup.passwords) return;
    for (const auto& role : setup.policy.roles) {
      const auto is_nobody = [&](const Pattern& user) {
        return user.text().find_first_of("*?%") == std::string::npos && !setup.passwords->knows(user.text());
      };
      const auto nobody = std::find_if(role.users.begin(), role.users.end(), is_nobody);
      if (nobody == role.users.end() || role.name.empty()) continue;
      warn(role.where, "role \"" + role.name + "\" is for " + quoted(nobody->text()) + ", who is not in \"" +
                           setup.policy.authentication.password_file->value + '"');
    }
  }

  void warn_if_world_readable(const Located<std::string>& path, std::string_view what) {
    if (!is_world_readable(path.value)) return;
    warn(path.where, "anybody on this machine can read \"" + path.value + "\", " + std::string{what} + ": chmod o-r");
  }

  std::string policy_path_;
  std::int64_t now_s_;
  std::vector<Complaint> complaints_;
};

}  // namespace

KnowsUser knows_user(const Setup& setup) {
  if (!setup.passwords) return {};
  return [&passwords = *setup.passwords](std::string_view user) { return passwords.knows(user); };
}

LoadedSetup load_setup(const std::string& policy_path, std::int64_t now_s) {
  return Loader{now_s}.load(policy_path);
}

}  // namespace bastion::gate
