// A policy.toml, and the files it names, as a test needs them.
#include "tests/support/policy_builder.hpp"

#include "proxy/identity/password_file.hpp"
#include "tests/support/key_pairs.hpp"

namespace bastion::test {

PolicyBuilder::PolicyBuilder(const TempDir& directory, const std::string& upstream) : directory_{directory} {
  const auto& pair = ecdsa_pair();
  directory.write("server.crt", pair.certificate);
  directory.write("server.key", pair.key);
  users({{"alice", "secret"}});
  keys_ = {
      {"schema", "1"},
      {"gate.workers", "1"},
      {"gate.log.level", R"("warning")"},
      {"admin.address", R"("off")"},
      {"upstream.address", '"' + upstream + '"'},
      {"tls.certificate", R"("server.crt")"},
      {"tls.key", R"("server.key")"},
      {"admission.allow", R"(["127.0.0.0/8", "::1"])"},
      {"admission.connections_per_address_max", "4096"},
      {"admission.connect_rate_per_address", R"({ burst = 100000, every = "1ms" })"},
      {"authentication.password_file", R"("passwd")"},
  };
  listener("test", "mqtts");
}

PolicyBuilder& PolicyBuilder::set(const std::string& key, std::string_view toml) {
  keys_[key] = toml;
  return *this;
}

PolicyBuilder& PolicyBuilder::unset(const std::string& key) {
  keys_.erase(key);
  return *this;
}

PolicyBuilder& PolicyBuilder::no_listeners() {
  listeners_.clear();
  return *this;
}

PolicyBuilder& PolicyBuilder::listener(std::string_view name, std::string_view transport, std::string_view addresses) {
  std::string text = "[[listener]]\nname = \"";
  text.append(name).append("\"\ntransport = \"").append(transport).append("\"\naddress = ").append(addresses).append("\n");
  listeners_.push_back(std::move(text));
  return *this;
}

PolicyBuilder& PolicyBuilder::behind_balancer(std::string_view balancers) {
  listeners_.front() += "balancers = " + std::string{balancers} + '\n';
  return *this;
}

PolicyBuilder& PolicyBuilder::no_roles() {
  roles_.clear();
  return *this;
}

PolicyBuilder& PolicyBuilder::role(std::string_view body) {
  roles_.push_back("[[role]]\n" + std::string{body} + '\n');
  return *this;
}

PolicyBuilder& PolicyBuilder::users(const std::map<std::string, std::string>& passwords) {
  identity::NewCredential cheap;
  cheap.scheme = identity::Scheme::sha512;
  std::string file;
  for (const auto& user : passwords) {
    auto& entry = entries_[user];
    if (entry.empty()) entry = identity::password_line(user.first, user.second, cheap) + '\n';
    file += entry;
  }
  directory_.write("passwd", file);
  return *this;
}

PolicyBuilder& PolicyBuilder::costly_user(const std::string& name, const std::string& password, unsigned iterations) {
  identity::NewCredential costly;
  costly.pbkdf2_iterations = iterations;
  directory_.write("passwd", identity::password_line(name, password, costly) + '\n');
  return *this;
}

PolicyBuilder& PolicyBuilder::file(std::string_view name, std::string_view content) {
  directory_.write(name, content);
  return *this;
}

std::string PolicyBuilder::write() const {
  std::string text;
  for (const auto& [key, value] : keys_) text += key + " = " + value + '\n';
  for (const auto& listener : listeners_) text += listener;
  for (const auto& role : roles_) text += role;
  return directory_.write("policy.toml", text);
}

}  // namespace bastion::test
