// Every command with its options.
#include "proxy/cli/command_line.hpp"

namespace bastion::cli {
namespace {

CLI::Option& add_policy(CLI::App& command, std::string& policy) {
  return *command.add_option("-c,--config", policy, "The policy, a TOML file")->type_name("FILE");
}

void add_gate(CLI::App& command, ControlOptions& gate) {
  command.add_option("-c,--config", gate.policy, "The policy that the gate runs on, for its [admin] socket")
      ->type_name("FILE");
  command
      .add_option("--socket", gate.socket, std::string{"The gate's control socket; by default "} + default_control_socket)
      ->type_name("PATH");
}

}  // namespace

CLI::App& CommandLine::add(const std::string& name, std::function<int()> command, const std::string& text) {
  auto* const added = app.add_subcommand(name, text);
  commands.push_back({added, std::move(command)});
  return *added;
}

CommandLine::CommandLine()
    : app{"A hardened front door for an MQTT broker: TLS, allowed addresses and required login, and an account of the "
          "refused."} {
  app.name("mqtt-bastion");
  app.set_version_flag("--version", "mqtt-bastion " BASTION_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 failed at run time, 2 bad policy or usage.");

  auto& run_app = add(
      "run", [this] { return run_command(run); },
      "Run the gate. SIGHUP reloads the policy; SIGTERM drains, then stops; again: stops at once");
  add_policy(run_app, run.policy).required();
  run_app
      .add_option("--ports-file", run.ports_file, "Write the bound addresses here, for ports that the kernel chose (port 0)")
      ->type_name("FILE");
  run_app.add_option("--user", run.user, "Whom to become where it is started as root, in place of the policy's gate.user")
      ->type_name("ACCOUNT");
  run_app.footer("Example: mqtt-bastion run -c /etc/mqtt-bastion/policy.toml");

  auto& check_app = add(
      "check", [this] { return check_command(check); }, "Say everything that is wrong with a policy and the files it names");
  add_policy(check_app, check.policy).required();
  check_app.add_flag("-q,--quiet", check.quiet, "No word where all is well");
  check_app.add_flag("--shields", check.shields, "List the shields against published flaws, with what each stops and how");
  check_app.footer("Example: mqtt-bastion check -c policy.toml && systemctl reload mqtt-bastion");

  auto& explain_app = add(
      "explain", [this] { return explain_command(explain); },
      "Say how a client would fare, and which line of the policy decides");
  add_policy(explain_app, explain.policy).required();
  explain_app.add_option("--from", explain.from, "Its address")->required()->type_name("ADDRESS");
  explain_app.add_option("--listener", explain.client.listener, "The listener that it comes to; left out: the first")
      ->type_name("NAME");
  explain_app.add_option("--mqtt", explain.version, "The version that it speaks; bridge: as a bridge of Mosquitto does")
      ->check(CLI::IsMember({"3.1", "3.1.1", "5.0", "bridge"}))
      ->transform([](const std::string& text) { return text == "5" ? "5.0" : text; })
      ->capture_default_str();
  explain_app.add_option("--user", explain.user, "The user that it names; left out: none")->type_name("USER");
  explain_app.add_option("--password", explain.password, "Whether its password is right; passwords are not asked for")
      ->check(CLI::IsMember({"right", "wrong", "none"}))
      ->capture_default_str();
  explain_app.add_option("--client-id", explain.client.client_id, "Its client identifier")
      ->type_name("ID")
      ->capture_default_str();
  explain_app.add_option("--keep-alive", explain.client.keep_alive_s, "Its keep alive")
      ->type_name("SECONDS")
      ->capture_default_str();
  const auto add_message = [&](TopicQuestion& message, const std::string& topic, const std::string& qos,
                               const std::string& retain, const std::string& text, const std::string& of) {
    auto* const asked = explain_app.add_option(topic, message.text, text)->type_name("TOPIC");
    explain_app.add_option(qos, message.qos, "The QoS of " + of)
        ->needs(asked)
        ->check(CLI::IsMember({"0", "1", "2"}))
        ->default_str("0");
    explain_app.add_flag(retain, message.retain, "That " + of + " is retained")->needs(asked);
  };
  add_message(explain.will, "--will", "--will-qos", "--will-retain", "The topic of its will; left out: none", "its will");
  add_message(explain.publish, "--publish", "--qos", "--retain", "And whether it may publish to this topic",
              "what it publishes");
  explain_app.add_option("--subscribe", explain.subscribe.text, "And whether it may subscribe to this filter")
      ->type_name("FILTER");
  explain_app.footer("Example: mqtt-bastion explain -c policy.toml --from 203.0.113.9 --user alice --client-id a1");

  auto& import_app = add(
      "import", [this] { return import_command(import_conf); },
      "Turn a mosquitto.conf into a policy, and say which of its lines to change");
  import_app.add_option("file", import_conf.conf, "The mosquitto.conf; what it includes is read too")
      ->required()
      ->type_name("FILE");
  import_app.add_option("-o,--output", import_conf.output, "Write the policy here; left out: to standard output")
      ->type_name("FILE");
  import_app.add_flag("--force", import_conf.force, "Replace a policy that is there");
  import_app
      .add_option("--allow", import_conf.allow,
                  "A network that clients come from; may stand several times; left out: this machine")
      ->type_name("PREFIX")
      ->allow_extra_args(false);
  import_app.add_flag("--observe", import_conf.observe, "Let the policy count who would be refused, and refuse nobody yet");
  import_app
      .add_option("--unix-socket", import_conf.unix_socket,
                  "Where Mosquitto shall listen for the gate; left out: on a loopback port")
      ->type_name("PATH");
  import_app.footer("Example: mqtt-bastion import /etc/mosquitto/mosquitto.conf -o policy.toml --allow 192.168.1.0/24");

  auto& status_app = add(
      "status", [this] { return status_command(status); }, "Show how a running gate is, and whom it has refused");
  add_gate(status_app, status.gate);
  status_app.add_flag("--json", status.json, "One JSON object");
  status_app
      .add_option("--watch", status.watch_s, "Again every so many seconds, 1 to 3600; a gate that is away is waited for")
      ->type_name("SECONDS")
      ->expected(0, 1)
      ->default_str("2")
      ->check(CLI::Range(1u, 3600u));
  status_app.footer("Example: mqtt-bastion status -c /etc/mqtt-bastion/policy.toml --watch");

  auto& reload_app = add(
      "reload", [this] { return reload_command(reload); },
      "Have a running gate read its policy again, as SIGHUP does, and say what came of it");
  add_gate(reload_app, reload);
  reload_app.footer("Example: mqtt-bastion reload -c /etc/mqtt-bastion/policy.toml");

  auto& passwd_app = add(
      "passwd", [this] { return passwd_command(passwd); }, "Add, change or remove a user of a Mosquitto password file");
  passwd_app.add_option("file", passwd.file, "The password file")->required()->type_name("FILE");
  passwd_app.add_option("user", passwd.user, "The user name")->required()->type_name("USER");
  passwd_app.add_flag("-c,--create", passwd.create, "Make the file if there is none yet");
  passwd_app.add_flag("-D,--remove", passwd.remove, "Remove the user");
  passwd_app.add_flag("-b,--batch", passwd.batch, "Read the password from the first line of standard input");
  passwd_app.add_option("--scheme", passwd.scheme, "How the password is hashed")
      ->check(CLI::IsMember({"pbkdf2", "argon2id", "sha512"}))
      ->capture_default_str();
  passwd_app.add_option("--iterations", passwd.iterations, "Rounds of pbkdf2 or passes of argon2id; 0: the default")
      ->capture_default_str();
  passwd_app.footer("Example: mqtt-bastion passwd --create passwd alice");

  auto& health_app = add(
      "health", [this] { return health_command(health); },
      "Ask a running gate whether it can serve clients, and say why it can't");
  add_policy(health_app, health.policy);
  health_app.add_flag("--live", health.live, "Ask only whether it runs; the broker may be away");
  health_app.footer(
      "Exit code 0: yes; 1: no, or nobody answered.\nExample: mqtt-bastion health -c /etc/mqtt-bastion/policy.toml");
}

std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional) {
  std::vector<const CLI::Option*> out;
  for (const auto* option : app.get_options()) {
    if (option->get_positional() == positional) out.push_back(option);
  }
  return out;
}

std::string value_of(const CLI::Option& option) {
  if (option.get_expected_max() == 0) return {};
  const auto name = option.get_type_name();
  return name.substr(0, name.find(':'));
}

std::string choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto begin = type.find(":{");
  const auto end = type.find('}', std::min(begin, type.size()));
  if (begin == std::string::npos || end == std::string::npos) return {};
  auto out = type.substr(begin + 2, end - begin - 2);
  std::replace(out.begin(), out.end(), ',', ' ');
  return out;
}

}  // namespace bastion::cli
