// Who has to log in at the gate, by which of the broker's files the gate knows them, and what becomes of topics.
#include "proxy/mosquitto/access_text.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/mosquitto/toml_text.hpp"

namespace bastion::mosquitto {
namespace {

/// What names such a file: the broker's own option, and its plugin's.
using FileOptions = std::array<std::string_view, 2>;
constexpr FileOptions password_files{"password_file", "plugin_opt_password_file"};
constexpr FileOptions acl_files{"acl_file", "plugin_opt_acl_file"};

class Writer {
 public:
  Writer(TomlText& out, const Conf& conf, const Plan& plan, const ImportOptions& options)
      : out_{out}, conf_{conf}, plan_{plan}, options_{options}, sources_{used_sources(plan)} {}

  void write_authentication() {
    out_.section("[authentication]");
    const bool is_anonymous = write_anonymous();
    out_.key("required", "true");
    std::vector<const Statement*> files;
    for (const auto i : sources_) add_files(files, i, password_files);
    if (files.empty()) {
      // What Mosquitto has for others is still what its users are known by.
      for (std::size_t i = 0; i < conf_.listeners.size(); ++i) add_files(files, i, password_files);
    }
    const auto other = other_authentication();
    if (files.empty()) {
      out_.decide(other == nullptr
                      ? "Mosquitto had no password file. Make one: mqtt-bastion passwd --create passwd USER"
                      : "users are known to a plugin (" + place(*other) +
                            "), which the gate can't ask. Either make a password file, or write required = false and no "
                            "password_file: then the broker alone asks for passwords, and its refusals are counted here.");
      out_.key("password_file", R"("passwd")");
      if (other == nullptr && !is_anonymous && (plan_.moved || plan_.is_new || !conf_.is_local_only())) {
        out_.decide(
            "with a line that opens a listener, and neither passwords nor anonymous clients, Mosquitto 2 itself refuses "
            "everybody: give it the same password_file, or allow_anonymous true, now that only this machine reaches it.");
      }
      return;
    }
    out_.comment("The broker's own file, as it is; the gate has to be able to read it.");
    out_.key("password_file", path(*files.front()), place(*files.front()));
    for (std::size_t i = 1; i < files.size(); ++i) {
      out_.decide("the gate reads one password file. The users of " + place(*files[i]) +
                  " are not known to it: put all into one file.");
    }
    auto all = files;
    for (const auto& listener : plan_.listeners) add_files(all, listener.of, password_files);
    for (std::size_t i = files.size(); i < all.size(); ++i) {
      out_.decide("the users of " + place(*all[i]) +
                  " came by a listener that is left out. Those who are to come by another have to be in the file above.");
    }
    if (other != nullptr) {
      out_.decide("users that only the plugin of " + place(*other) +
                  " knows are refused here: the gate can't ask it. Put them into the password file too.");
    }
  }

  void write_authorization() {
    out_.blank();
    std::vector<const Statement*> files;
    for (const auto i : sources_) add_files(files, i, acl_files);
    const std::string refused =
        "topics are left to the broker, but for those that begin with \"$\", $SYS among them: nobody may subscribe or "
        "publish to them here until a rule of the gate's names them. ";
    if (files.empty()) {
      out_.decide(refused +
                  "The role below lets everybody do what the broker lets them do, and read $SYS: a role that names topics "
                  "allows these alone.");
      out_.off("[[role]]");
      out_.off(R"(name = "all")");
      out_.off(R"(publish = ["#"])");
      out_.off(R"(subscribe = ["#", "$SYS/#"])");
      return;
    }
    out_.decide(
        refused +
        "Where the broker's ACL file names them, let the gate go by the same file, as below: both must then allow, and "
        "a filter that no rule allows gets a failure, where Mosquitto 2.0 answers as if it would deliver.");
    out_.off("[authorization]");
    out_.off("acl_file = " + path(*files.front()) + "  # " + place(*files.front()));
  }

 private:
  /// Adds what names another file than the ones that are there.
  void add_files(std::vector<const Statement*>& out, std::size_t listener, const FileOptions& options) const {
    for (const auto option : options) {
      const auto* said = conf_.find(listener, option);
      // A plugin that is loaded for all has its options outside of any listener.
      if (said == nullptr && option == options.back()) said = of_no_listener(option);
      const auto is_it = [&](const Statement* other) { return other->value == said->value; };
      if (said != nullptr && std::none_of(out.begin(), out.end(), is_it)) out.push_back(said);
    }
  }

  [[nodiscard]] const Statement* of_no_listener(std::string_view option) const {
    const auto* const said = conf_.find(option);
    return said != nullptr && (said->holder == Statement::no_listener || said->holder == 0) ? said : nullptr;
  }

  /// A plugin that may know users of its own; null where there is none.
  [[nodiscard]] const Statement* other_authentication() const {
    constexpr std::array<std::string_view, 4> plugins{"auth_plugin", "plugin", "global_plugin", "plugin_load"};
    constexpr std::array<std::string_view, 4> harmless{"mosquitto_password_file", "mosquitto_acl_file", "mosquitto_persist",
                                                       "mosquitto_sparkplug"};
    for (const auto& statement : conf_.statements) {
      if (std::find(plugins.begin(), plugins.end(), statement.option->name) == plugins.end()) continue;
      const auto is_in = [&](std::string_view name) { return statement.value.find(name) != std::string::npos; };
      if (std::none_of(harmless.begin(), harmless.end(), is_in)) return &statement;
    }
    return nullptr;
  }

  /// Whether clients without a user name came in.
  bool write_anonymous() {
    for (const auto i : sources_) {
      const auto* const own = conf_.find(i, "listener_allow_anonymous");
      const auto* const said = own != nullptr ? own : conf_.find(i, "allow_anonymous");
      if (said == nullptr || !conf_.is_true(i, said->option->name)) continue;
      out_.decide("clients without a user name came in until now (" + place(*said) +
                  "), and are refused from now on. Only where they must come in: required = false.");
      return true;
    }
    return false;
  }

  [[nodiscard]] std::string path(const Statement& statement) const {
    return toml_string(policy_path(statement.value, options_));
  }

  TomlText& out_;
  const Conf& conf_;
  const Plan& plan_;
  const ImportOptions& options_;
  std::vector<std::size_t> sources_;  ///< of Conf::listeners: those that the gate's used ones come from
};

}  // namespace

void write_authentication(TomlText& out, const Conf& conf, const Plan& plan, const ImportOptions& options) {
  Writer{out, conf, plan, options}.write_authentication();
}

void write_authorization(TomlText& out, const Conf& conf, const Plan& plan, const ImportOptions& options) {
  Writer{out, conf, plan, options}.write_authorization();
}

}  // namespace bastion::mosquitto
