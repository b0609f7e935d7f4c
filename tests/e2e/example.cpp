// Lays an example out in a directory of the test.
#include "example.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace bastion::e2e {
namespace fs = std::filesystem;

std::string changed(std::string text, const std::vector<Change>& changes) {
  for (const auto& change : changes) {
    auto at = text.find(change.text);
    if (at == std::string::npos) throw std::runtime_error("no `" + change.text + "` in:\n" + text);
    for (; at != std::string::npos; at = text.find(change.text, at + change.by.size())) {
      text.replace(at, change.text.size(), change.by);
    }
  }
  return text;
}

Example::Example(const std::string& name, const std::vector<User>& users, const std::vector<Change>& policy,
                 const std::vector<Change>& broker_changes)
    : broker{directory / "mosquitto.conf"}, name_{name}, users_{users} {
  std::signal(SIGPIPE, SIG_IGN);
  for (const auto& file : fs::directory_iterator{BASTION_CERTIFICATES}) {
    if (file.is_regular_file()) fs::copy_file(file, directory / file.path().filename().string());
  }
  fs::copy_file(directory / "server-ecdsa.crt", directory / "server.crt");
  fs::copy_file(directory / "server-ecdsa.key", directory / "server.key");
  for (const auto& user : users_) {
    const auto done =
        run({BASTION_PROGRAM, "passwd", "--batch", "--iterations", "101", "--create", directory / "passwd", user.name},
            user.password + "\n");
    if (done.code != 0) throw std::runtime_error("mqtt-bastion passwd: " + done.err);
  }
  const fs::path example = fs::path{BASTION_EXAMPLES} / name;
  const Change here{"{directory}", (directory / ".").parent_path().string()};
  const auto laid_out = [&](const char* file, std::vector<Change> changes) {
    for (auto& change : changes) {
      if (change.by.find(here.text) != std::string::npos) change.by = changed(change.by, {here});
    }
    return changed(read_file(example / file), changes);
  };
  auto text = laid_out("policy.toml", policy);
  // Where the figures are served every example leaves to the default, of which a machine has but one.
  const auto figures = "[admin]\naddress = \"127.0.0.1:" + std::to_string(admin_port_.number()) + "\"\n";
  text = text.find("[admin]\n") == std::string::npos ? text + "\n" + figures : changed(text, {{"[admin]\n", figures}});
  write_file(directory / "policy.toml", text);
  write_file(directory / "mosquitto.conf", laid_out("mosquitto.conf", broker_changes) +
                                               "user root\nlog_dest stderr\nlog_type all\nconnection_messages true\n");
}

void Example::start() {
  broker.start();
  const auto checked = command("check");
  if (checked.code != 0) throw std::runtime_error("check: " + checked.err);
  gate = std::make_unique<Gate>(directory);
}

std::string Example::file(const std::string& name, const std::vector<Change>& changes) const {
  return changed(read_file(fs::path{BASTION_EXAMPLES} / name_ / name), changes);
}

void Example::change_policy(const std::vector<Change>& changes) const {
  write_file(directory / "policy.toml", changed(read_file(directory / "policy.toml"), changes));
}

Finished Example::command(const std::string& name, const std::vector<std::string>& more) const {
  std::vector<std::string> words{BASTION_PROGRAM, name, "-c", directory / "policy.toml"};
  words.insert(words.end(), more.begin(), more.end());
  return run(words);
}

std::vector<std::string> Example::client(const std::string& program, const std::string& from, const std::string& user,
                                         const std::vector<std::string>& more) const {
  const auto port = std::to_string(balancer_port != 0 ? balancer_port : gate->devices().port);
  std::vector<std::string> words{program, "-h", "127.0.0.1", "-p", port, "-A", from, "--cafile", directory / "ca.crt"};
  if (!user.empty()) {
    const auto known = std::find_if(users_.begin(), users_.end(), [&](const User& each) { return each.name == user; });
    words.insert(words.end(), {"-u", user, "-P", known != users_.end() ? known->password : "123456"});
  }
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace bastion::e2e
