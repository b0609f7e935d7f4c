// Flags and commands.
#include "proxy/cli/cli.hpp"

#include <CLI/CLI.hpp>

#include "proxy/cli/explain.hpp"
#include "proxy/cli/passwd.hpp"
#include "proxy/cli/status.hpp"

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

bool is_command(const CLI::App& app, const std::string& word) {
  const auto named = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == word; });
  return !named.empty();
}

std::string commands_of(const CLI::App& app) {
  std::string out;
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const auto* command : commands) {
    if (!out.empty()) out += command == commands.back() ? " and " : ", ";
    out += command->get_name();
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "A hardened front door for an MQTT broker: TLS, allowed addresses and required login, and an account of the refused."};
  app.name("mqtt-bastion");
  app.set_version_flag("--version", "mqtt-bastion " BASTION_VERSION);
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done, 1 failed at run time, 2 bad policy or usage.");

  RunOptions run;
  auto& run_app = *app.add_subcommand(
      "run", "Run the gate. SIGHUP reloads the policy; SIGTERM drains, then stops; again: stops at once");
  add_policy(run_app, run.policy).required();
  run_app
      .add_option("--ports-file", run.ports_file, "Write the bound addresses here, for ports that the kernel chose (port 0)")
      ->type_name("FILE");
  run_app.footer("Example: mqtt-bastion run -c /etc/mqtt-bastion/policy.toml");

  CheckOptions check;
  auto& check_app = *app.add_subcommand("check", "Say everything that is wrong with a policy and the files it names");
  add_policy(check_app, check.policy).required();
  check_app.add_flag("-q,--quiet", check.quiet, "No word where all is well");
  check_app.footer("Example: mqtt-bastion check -c policy.toml && systemctl reload mqtt-bastion");

  ExplainOptions explain;
  auto& explain_app = *app.add_subcommand("explain", "Say how a client would fare, and which line of the policy decides");
  add_policy(explain_app, explain.policy).required();
  explain_app.add_option("--from", explain.from, "Its address")->required()->type_name("ADDRESS");
  explain_app.add_option("--listener", explain.client.listener, "The listener that it comes to; left out: the first")
      ->type_name("NAME");
  explain_app.add_option("--mqtt", explain.version, "The version that it speaks")
      ->check(CLI::IsMember({"3.1", "3.1.1", "5.0"}))
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
  explain_app.footer("Example: mqtt-bastion explain -c policy.toml --from 203.0.113.9 --user alice --client-id a1");

  StatusOptions status;
  auto& status_app = *app.add_subcommand("status", "Show how a running gate is, and whom it has refused");
  add_gate(status_app, status.gate);
  status_app.add_flag("--json", status.json, "One JSON object");
  status_app.add_option("--watch", status.watch_s, "Again every so many seconds")
      ->type_name("SECONDS")
      ->expected(0, 1)
      ->default_str("2")
      ->check(CLI::Range(1u, 3600u));
  status_app.footer("Example: mqtt-bastion status -c /etc/mqtt-bastion/policy.toml --watch");

  ControlOptions reload;
  auto& reload_app =
      *app.add_subcommand("reload", "Have a running gate read its policy again, as SIGHUP does, and say what came of it");
  add_gate(reload_app, reload);
  reload_app.footer("Example: mqtt-bastion reload -c /etc/mqtt-bastion/policy.toml");

  PasswdOptions passwd;
  auto& passwd_app = *app.add_subcommand("passwd", "Add, change or remove a user of a Mosquitto password file");
  passwd_app.add_option("file", passwd.file, "The password file")->required()->type_name("FILE");
  passwd_app.add_option("user", passwd.user, "The user name")->required()->type_name("USER");
  passwd_app.add_flag("-c,--create", passwd.create, "Make the file if there is none yet");
  passwd_app.add_flag("-D,--remove", passwd.remove, "Remove the user");
  passwd_app.add_flag("-b,--batch", passwd.batch, "Read the password from the first line of standard input");
  passwd_app.add_option("--scheme", passwd.scheme, "pbkdf2, argon2id or sha512")
      ->check(CLI::IsMember({"pbkdf2", "argon2id", "sha512"}))
      ->capture_default_str();
  passwd_app.add_option("--iterations", passwd.iterations, "Rounds of pbkdf2 or passes of argon2id; 0: the default")
      ->capture_default_str();
  passwd_app.footer("Example: mqtt-bastion passwd --create passwd alice");

  HealthOptions health;
  auto& health_app = *app.add_subcommand("health", "Ask a running gate whether it can serve clients, and say why it can't");
  add_policy(health_app, health.policy);
  health_app.add_flag("--live", health.live, "Ask only whether it runs; the broker may be away");
  health_app.footer(
      "Exit code 0: yes; 1: no, or nobody answered.\nExample: mqtt-bastion health -c /etc/mqtt-bastion/policy.toml");

  // CLI11 would say that a command is missing; the user wants to hear which word is none.
  if (argc > 1 && argv[1][0] != '-' && !is_command(app, argv[1])) {
    std::fprintf(stderr, "mqtt-bastion: there is no command \"%s\"; there are %s (see mqtt-bastion --help)\n", argv[1],
                 commands_of(app).c_str());
    return bad_policy;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? done : bad_policy;
  }
  if (run_app.parsed()) return run_command(run);
  if (check_app.parsed()) return check_command(check);
  if (explain_app.parsed()) return explain_command(explain);
  if (status_app.parsed()) return status_command(status);
  if (reload_app.parsed()) return reload_command(reload);
  if (health_app.parsed()) return health_command(health);
  return passwd_command(passwd);
}

}  // namespace bastion::cli
