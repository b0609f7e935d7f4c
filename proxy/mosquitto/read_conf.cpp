// The reader of mosquitto.conf: lines to statements, statements to listeners.
#include "proxy/mosquitto/read_conf.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "policy/quantity.hpp"
#include "proxy/mqtt/utf8.hpp"

namespace bastion::mosquitto {
namespace {

constexpr std::uint16_t default_port = 1883;
constexpr std::size_t complaints_shown_max = 100;

constexpr std::array<std::string_view, 8> flags{
    "allow_anonymous",     "allow_zero_length_clientid", "listener_allow_anonymous", "per_listener_settings",
    "require_certificate", "use_identity_as_username",   "use_subject_as_username",  "use_username_as_clientid",
};
/// Whose value goes on to the policy or to a listener: it has to be there.
constexpr std::array<std::string_view, 8> texts{"bind_address", "certfile", "include_dir",   "keyfile",
                                                "listener",     "port",     "password_file", "plugin_opt_password_file"};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_text(std::string_view text) {
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; };
  return mqtt::is_valid_utf8(text) && std::none_of(text.begin(), text.end(), is_control);
}

/// As Mosquitto's own comparison: first without regard to case.
bool comes_before(const std::string& a, const std::string& b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  const auto size = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] == b[i]) continue;
    const auto left = static_cast<unsigned char>(upper(a[i]));
    const auto right = static_cast<unsigned char>(upper(b[i]));
    return left != right ? left < right : a[i] < b[i];
  }
  return a.size() < b.size();
}

/// Whether a setting above all listeners makes Mosquitto open the default one, on all addresses.
bool opens_the_default_listener(const Statement& statement) {
  const auto name = statement.option->name;
  const auto word = first_word(statement.value);
  if (holds(flags, name)) {
    // These say who may enter; the others ask for a listener of some kind.
    if (name == "allow_anonymous" || name == "listener_allow_anonymous") return false;
    return (word == "true" || word == "1") != (name == "allow_zero_length_clientid");
  }
  if (name == "max_connections") return leading_number(word).value_or(-1) >= 0;
  if (name == "max_qos" || name == "maximum_qos") return word != "2";
  if (name == "protocol") return word != "mqtt";
  if (name == "tls_keyform") return word != "pem";
  constexpr std::array<std::string_view, 9> of_no_weight{"acl_file",  "auto_id_prefix",  "auth_plugin_deny_special_chars",
                                                         "auth_opt_", "plugin_opt_",     "plugin_opt_acl_file",
                                                         "listener",  "max_topic_alias", "tls_version"};
  return !holds(of_no_weight, name);
}

class Reader {
 public:
  explicit Reader(const Files& files) : files_{files} {}

  ReadConf read(std::string_view text, const std::string& file) {
    conf_.file = file;
    conf_.listeners.push_back({default_port, {}, {}, false, 0});
    read_file(text, file, true);
    finish_default_listener();
    ReadConf out;
    if (left_out_ > 0) complaints_.push_back({{file, 0, 0}, "and " + std::to_string(left_out_) + " more", !failed_});
    out.complaints = std::move(complaints_);
    if (!failed_) out.conf = std::move(conf_);
    return out;
  }

 private:
  void keep(const Location& where, std::string message, bool warning) {
    failed_ = failed_ || !warning;
    if (complaints_.size() < complaints_shown_max) {
      complaints_.push_back({where, std::move(message), warning});
    } else {
      ++left_out_;
    }
  }
  void complain(const Location& where, std::string message) { keep(where, std::move(message), false); }

  void read_file(std::string_view text, const std::string& file, bool is_main) {
    if (text.size() > conf_bytes_max) {
      complain({file, 0, 0}, "is larger than 4MiB");
      return;
    }
    std::size_t below = 0;
    for (std::uint32_t number = 1; !text.empty() && !stopped_; ++number) {
      const auto end = text.find('\n');
      const auto line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (is_main) {
        conf_.lines = number;
        if (end == std::string_view::npos) conf_.last_line = line;
      }
      read_line(line, {file, number, 0}, end == std::string_view::npos, is_main, below);
    }
  }

  void read_line(std::string_view line, const Location& where, bool ends_the_file, bool is_main, std::size_t& below) {
    if (line.empty() || line.front() == '#' || line.front() == '\r') return;
    auto rest = line;
    while (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
    const auto begin = rest.find_first_not_of(' ');
    if (begin == std::string_view::npos) return;
    if (line.size() > conf_line_bytes_max) {
      complain(where, "the line is longer than " + std::to_string(conf_line_bytes_max) + " bytes");
      return;
    }
    rest.remove_prefix(begin);
    const auto word = rest.substr(0, rest.find(' '));

    Statement statement{find_option(word),
                        std::string{word},
                        std::string{trimmed(rest.substr(word.size()))},
                        where,
                        std::string{line},
                        ends_the_file,
                        Statement::no_listener,
                        below};
    if (statement.option == nullptr) {
      note_unknown(std::move(statement));
    } else {
      add(std::move(statement), is_main, below);
    }
  }

  void note_unknown(Statement statement) {
    constexpr std::size_t word_bytes_max = 64;
    // What nobody will see is not worth a search.
    const bool is_shown = complaints_.size() < complaints_shown_max && statement.word.size() <= word_bytes_max;
    const auto near = is_shown ? nearest_option(statement.word) : std::string_view{};
    const bool has_tab = statement.word.find('\t') != std::string::npos;
    keep(statement.where,
         quoted(statement.word) + " is no option of Mosquitto that is known here, and was left out" +
             (has_tab        ? "; blanks part words, not tabs"
              : near.empty() ? std::string{}
                             : "; did you mean " + quoted(near) + "?"),
         true);
    if (conf_.unknown.size() < complaints_shown_max) conf_.unknown.push_back(std::move(statement));
  }

  void add(Statement statement, bool is_main, std::size_t& below) {
    if (conf_.statements.size() >= conf_statements_max) {
      complain(statement.where, "there are more than " + std::to_string(conf_statements_max) + " lines that say something");
      stopped_ = true;
      return;
    }
    const auto& option = *statement.option;
    if (!is_text(statement.line.substr(0, statement.line.find_last_not_of('\r') + 1))) {
      complain(statement.where, quoted(option.name) + " must be UTF-8 text without control characters");
      return;
    }
    if (!has_good_value(statement)) return;
    if (option.name == "include_dir") {
      conf_.statements.push_back(statement);
      include(statement, is_main);
      return;
    }
    if (option.name == "per_listener_settings") conf_.per_listener = first_word(statement.value) != "false";
    if (option.name == "listener" && !begin_listener(statement, below)) return;
    if (option.name == "port" || option.name == "bind_address") {
      set_default_listener(statement);
    } else if (option.scope == Scope::listener || (option.scope == Scope::security && conf_.per_listener)) {
      statement.holder = below;
    }
    conf_.statements.push_back(std::move(statement));
  }

  bool has_good_value(const Statement& statement) {
    const auto name = statement.option->name;
    const auto word = first_word(statement.value);
    if (holds(flags, name) && word != "true" && word != "false" && word != "1" && word != "0") {
      complain(statement.where,
               quoted(name) + " must be true or false" + (word.empty() ? std::string{} : ", not " + quoted(word)));
      return false;
    }
    if (!holds(texts, name)) return true;
    if (statement.value.empty()) {
      complain(statement.where, quoted(name) + " needs a value");
      return false;
    }
    if (statement.value.find('\t') != std::string::npos) {
      complain(statement.where, quoted(name) + " holds a tab: blanks part words, not tabs");
      return false;
    }
    return true;
  }

  bool is_port(const Statement& statement, std::int64_t least, std::uint16_t& out) {
    const auto number = leading_number(statement.value);
    if (!number || *number < least || *number > 65'535) {
      complain(statement.where, quoted(statement.option->name) + ": " + quoted(first_word(statement.value)) +
                                    " is no port: write 1 .. 65535" +
                                    (least == 0 ? ", or 0 and the path of a Unix socket" : ""));
      return false;
    }
    out = static_cast<std::uint16_t>(*number);
    return true;
  }

  bool begin_listener(const Statement& statement, std::size_t& below) {
    ConfListener listener;
    if (!is_port(statement, 0, listener.port)) return false;
    std::string_view rest = statement.value;
    rest.remove_prefix(first_word(rest).size());
    auto host = first_word(rest);
    // Here, and nowhere else, Mosquitto takes a comment after a value.
    if (host.substr(0, 1) == "#") host = {};
    if (listener.port == 0 && host.empty()) {
      complain(statement.where, R"("listener 0" needs the path of a Unix socket)");
      return false;
    }
    if (conf_.listeners.size() > conf_listeners_max) {
      complain(statement.where, "there are more than " + std::to_string(conf_listeners_max) + " listeners");
      stopped_ = true;
      return false;
    }
    (listener.port == 0 ? listener.unix_path : listener.host) = host;
    listener.statement = conf_.statements.size();
    below = conf_.listeners.size();
    conf_.listeners.push_back(std::move(listener));
    return true;
  }

  void set_default_listener(Statement& statement) {
    statement.holder = 0;
    auto& listener = conf_.listeners.front();
    if (statement.option->name == "bind_address") {
      listener.host = statement.value;
    } else if (std::uint16_t port = 0; is_port(statement, 1, port)) {
      listener.port = port;
    }
  }

  void include(const Statement& statement, bool is_main) {
    if (!is_main) {
      complain(statement.where, R"("include_dir" is taken in the main file only)");
      return;
    }
    const auto listed = files_.list(statement.value);
    if (const auto* error = std::get_if<FileError>(&listed)) {
      complain(statement.where, R"("include_dir": can't read )" + quoted(statement.value) + ": " + error->what);
      return;
    }
    constexpr std::string_view ending = ".conf";
    std::vector<std::string> names;
    for (const auto& name : std::get<std::vector<std::string>>(listed)) {
      const bool is_it =
          name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
      if (is_it) names.push_back(statement.value + '/' + name);
    }
    std::sort(names.begin(), names.end(), comes_before);
    for (const auto& name : names) {
      if (stopped_) return;
      include_file(statement, name);
    }
  }

  void include_file(const Statement& statement, const std::string& name) {
    if (++files_read_ > conf_files_max) {
      complain(statement.where, "more than " + std::to_string(conf_files_max) + " files are included");
      stopped_ = true;
      return;
    }
    if (!is_text(name) || name.find('\t') != std::string::npos) {
      complain(statement.where, R"("include_dir": the name )" + quoted(name) + " holds control characters");
      return;
    }
    const auto content = files_.read(name);
    if (const auto* error = std::get_if<FileError>(&content)) {
      complain(statement.where, R"("include_dir": can't read )" + quoted(name) + ": " + error->what);
    } else {
      read_file(std::get<std::string>(content), name, false);
    }
  }

  void finish_default_listener() {
    auto& listener = conf_.listeners.front();
    for (std::size_t i = conf_.statements.size(); i-- > 0;) {
      const auto& statement = conf_.statements[i];
      if (statement.holder != 0) continue;
      listener.statement = i;
      listener.is_open = listener.is_open || opens_the_default_listener(statement);
    }
  }

  const Files& files_;
  Conf conf_;
  std::vector<Complaint> complaints_;
  std::size_t left_out_ = 0;
  std::size_t files_read_ = 0;
  bool failed_ = false;
  bool stopped_ = false;  ///< beyond a limit: what follows would only repeat it
};

}  // namespace

ReadConf read_conf(std::string_view text, const std::string& file, const Files& files) {
  return Reader{files}.read(text, file);
}

}  // namespace bastion::mosquitto
