// Laying out commands and options as manual pages (man(7)).
#include "proxy/cli/manual.hpp"

#include <cstdio>
#include <fstream>
#include <string_view>

#include "proxy/cli/completion.hpp"

namespace bastion::cli {
namespace {

/// What a page says beyond what --help has room for. Paragraphs; lines that begin with a blank are shown as they are.
struct About {
  std::string_view command;
  std::string_view text;
};

constexpr About about[]{
    {"",
     R"(mqtt-bastion stands before an MQTT broker. It terminates TLS, decides from one TOML file who may come in, reads the MQTT that passes, and counts everyone it turned away, with the reason. The broker listens on loopback and never sees a byte from a client that was not admitted.

Every key of the policy, and every reason for a refusal, is described in the references that come with the program: policy-reference.md and refusals.md.)"},
    {"run",
     R"(Reads the policy with everything that it names, listens, and serves until it is told to stop. A policy that is no good, or a file that can't be read, keeps it from starting: every complaint is printed as file:line:column: what is wrong, and what to write instead.

SIGHUP reads the policy again, with password file, lists, certificates and keys. A bad one changes nothing. Sessions that the new policy would refuse are ended; all others notice nothing. However many come while it is being read, it is read once more.

SIGTERM and SIGINT stop accepting, and end each session at the next end of a packet, MQTT 5 clients being told that the server is shutting down. What has come to none by gate.drain_timeout, because its client does not read or its packet is not finished, is cut. A second one ends everything at once. Neither waits for a policy that is just being read.

Under systemd, readiness, reloads, stopping and the watchdog are told by sd_notify(3), and listening sockets of a socket unit are taken over (sd_listen_fds(3)): matched by address, or by name where the policy says port 0. Connections then wait in the kernel while the gate restarts.)"},
    {"check",
     R"(Reads the policy and every file that it names as run would, and runs the policy's own tests ([[expect]]). All complaints are printed at once, warnings among them; the exit code is 2 if the gate would not start with it.)"},
    {"explain",
     R"(Puts a client, as the options describe it, before the gate's own decisions, in their order, and prints for each what was found and the line of the policy that decides. Nothing is sent anywhere, and no password is asked for: say whether it would be right.

With --will, it is a client that leaves this will. With --publish or --subscribe, it also tells whether such a client, once it is in, may publish to that topic or subscribe to that filter, and by which line of a role or of the ACL file. "Left to the broker" is said where neither speaks of topics.

What depends on who else is there can't be told: connection limits, rates, and what the broker says.)"},
    {"import",
     R"(Reads a mosquitto.conf of Mosquitto 1.4 to 2.1, with the files of its include_dir, and writes the policy by which the gate takes over its open listeners, TLS, password file and limits. Credentials are not touched: the gate reads the broker's own password file, and the broker goes on checking passwords and its ACL file, since CONNECT reaches it as the client sent it.

Where gate and broker differ, the narrower of the two is written. What may turn away a client that came in until now stands in a comment that begins with "Decide:", and is printed to standard error as well; the bounds that mosquitto.conf does not speak of, and the gate has by default, are told together, each with its key and value. Listeners that this version can't stand for (WebSocket, client certificates, TLS-PSK, plain text beyond loopback) are written as comments. Networks that clients come from are not in mosquitto.conf: name them with --allow, or nobody but this machine is let in.

What import writes is a policy that check reads without complaint, but for files that are not there yet. It is its owner's alone (mode 0600): give it to the group of the gate's account. A policy that is there is replaced with --force only.

The lines of mosquitto.conf to change are printed as a unified diff, to standard output where the policy goes to a file. Nothing is changed. Once they are, Mosquitto listens on loopback or on a Unix socket alone. It has to be restarted, since it opens and closes no listener on a reload.

Relative paths in mosquitto.conf begin, as for Mosquitto, where the command is run.)"},
    {"status",
     R"(Asks a running gate over its control socket (admin.socket) and prints uptime, policy, listeners, sessions, rates, refusals by reason, and the sources that were refused most. A count shown as >=N is certain to be at least that.

The sources are those that the gate itself refused since it started: whom the broker refused is counted under its reason only, and a restart keeps the counters (gate.state_dir), but not the sources.

Root and the gate's own user may ask; so may members of its group.)"},
    {"reload",
     R"(As SIGHUP, but waits for what comes of it: prints the complaints, and what is in force now. The exit code is 1 where the last good policy stays in force.)"},
    {"passwd",
     R"(Writes Mosquitto's password file, which the gate and mosquitto_passwd(1) read alike. The password is asked for twice, without echo, or is the first line of standard input with --batch. The file is replaced as a whole or not at all.

A file that is there keeps its owner and mode. A new one has mode 0600 and is the caller's: where gate or broker run as others, give it to a group of both. Who reads the file has to be told: reload the gate, and the broker where it reads the same file.)"},
    {"health",
     R"(Asks the admin listener of a running gate, as the policy names it, for /readyz: whether clients could be served now. For the health check of a container, and for scripts.)"},
};

std::string_view about_of(std::string_view command) {
  for (const auto& each : about) {
    if (each.command == command) return each.text;
  }
  return {};
}

/// Text as roff takes it: no line begins a request, and no hyphen is turned into a dash.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool begins_line = out.empty() || out.back() == '\n';
    if (begins_line && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find("\n\n");
    out += (out.empty() ? "" : ".PP\n") + roff(text.substr(0, end)) + '\n';
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
  }
  return out;
}

/// `-c, --config`
std::string names_of(const CLI::Option& option) {
  std::string out;
  for (const auto& name : option.get_snames()) out += (out.empty() ? "-" : ", -") + name;
  for (const auto& name : option.get_lnames()) out += (out.empty() ? "--" : ", --") + name;
  return out;
}

std::string option_text(const CLI::Option& option) {
  std::string out = ".TP\n.B " + roff(option.get_positional() ? option.get_name(true) : names_of(option));
  const auto value = value_of(option);
  if (!value.empty() && !option.get_positional()) out += " \\fI" + roff(value) + "\\fR";
  out += '\n' + roff(option.get_description()) + '.';
  const auto choices = choices_of(option);
  if (!choices.empty()) out += " One of: " + roff(choices) + '.';
  const bool may_lack_value = option.get_items_expected_min() == 0 && !value.empty();
  if (!option.get_default_str().empty()) {
    out += (may_lack_value ? " Without a value: " : " Default: ") + roff(option.get_default_str()) + '.';
  }
  if (option.get_required() && !option.get_positional()) out += " Required.";
  return out + '\n';
}

std::string synopsis_of(const CLI::App& app) {
  std::string out = ".B mqtt\\-bastion " + roff(app.get_name()) + '\n';
  for (const auto* option : options_of(app, false)) {
    const auto longest = option->get_lnames().empty() ? names_of(*option) : "--" + option->get_lnames().front();
    if (longest == "--help") continue;
    const auto value = value_of(*option);
    const auto shown = roff(longest) + (value.empty() ? value : " " + roff(value));
    out += option->get_required() ? shown + '\n' : '[' + shown + "]\n";
  }
  for (const auto* option : options_of(app, true)) out += roff(option->get_type_name()) + '\n';
  return out;
}

std::string head(const std::string& page, std::string_view text) {
  return ".TH " + roff(page) + " 1 \"\" \"mqtt\\-bastion " BASTION_VERSION "\"\n.SH NAME\n" + roff(page) + " \\- " +
         roff(text) + '\n';
}

constexpr std::string_view exit_status = R"(.SH EXIT STATUS
0: done. 1: failed at run time. 2: bad policy or usage.
)";

std::string example_of(const CLI::App& app) {
  const std::string footer = app.get_footer();
  constexpr std::string_view mark = "Example: ";
  const auto at = footer.find(mark);
  if (at == std::string::npos) return {};
  return ".SH EXAMPLE\n.EX\n" + roff(footer.substr(at + mark.size())) + "\n.EE\n";
}

std::string page_of(const CLI::App& app) {
  std::string out = head("mqtt-bastion-" + app.get_name(), app.get_description());
  out += ".SH SYNOPSIS\n" + synopsis_of(app) + ".SH DESCRIPTION\n" + paragraphs(about_of(app.get_name())) + ".SH OPTIONS\n";
  for (const auto* option : options_of(app, true)) out += option_text(*option);
  for (const auto* option : options_of(app, false)) out += option_text(*option);
  out += exit_status;
  return out + example_of(app) + ".SH SEE ALSO\n.BR mqtt\\-bastion (1)\n";
}

std::string main_page(const CommandLine& line) {
  std::string out = head("mqtt-bastion", "a hardened front door for an MQTT broker");
  out += ".SH SYNOPSIS\n.B mqtt\\-bastion\n.I COMMAND\n[OPTION ...]\n.SH DESCRIPTION\n" + paragraphs(about_of("")) +
         ".SH COMMANDS\n";
  for (const auto& command : line.commands) {
    out += ".TP\n.BR mqtt\\-bastion\\-" + roff(command.app->get_name()) + " (1)\n" + roff(command.app->get_description()) +
           ".\n";
  }
  out += exit_status;
  out += ".SH SEE ALSO\n";
  for (const auto& command : line.commands) {
    const bool is_last = &command == &line.commands.back();
    out += ".BR mqtt\\-bastion\\-" + roff(command.app->get_name()) + (is_last ? " (1)\n" : " (1),\n");
  }
  return out;
}

}  // namespace

std::map<std::string, std::string> manual(const CommandLine& line) {
  std::map<std::string, std::string> out{{"mqtt-bastion.1", main_page(line)},
                                         {"mqtt-bastion.bash", bash_completion(line)},
                                         {"_mqtt-bastion", zsh_completion(line)}};
  for (const auto& command : line.commands) out["mqtt-bastion-" + command.app->get_name() + ".1"] = page_of(*command.app);
  return out;
}

int write_manual(const CommandLine& line, const std::string& directory) {
  for (const auto& [name, text] : manual(line)) {
    std::ofstream file{directory + '/' + name, std::ios::trunc};
    file << text;
    file.close();
    if (file) continue;
    std::fprintf(stderr, "%s/%s: can't be written\n", directory.c_str(), name.c_str());
    return failed;
  }
  return done;
}

}  // namespace bastion::cli
