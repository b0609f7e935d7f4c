// What a policy has the sandbox leave open, and what is said of a reload that wants more.
#include "proxy/gate/confine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "policy/keys.hpp"
#include "policy/parse.hpp"
#include "proxy/gate/restart.hpp"
#include "tests/support/temp_dir.hpp"

namespace bastion::gate {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string policy_text(const std::string& upstream, const std::string& gate = "") {
  return "schema = 1\n[gate]\n" + gate + "[admin]\nsocket = \"run/control.sock\"\n[upstream]\naddress = \"" + upstream +
         "\"\ncredentials = { username = \"gate\", password_file = \"broker/secret\" }\n"
         "[tls]\ncertificate = \"tls/server.crt\"\nkey = \"keys/server.key\"\n"
         "[[listener]]\nname = \"devices\"\naddress = \"127.0.0.1:0\"\n"
         "[admission]\nallow_file = \"lists/allow\"\ndeny_file = \"lists/deny\"\n"
         "[authentication]\npassword_file = \"users/passwd\"\n[authorization]\nacl_file = \"users/acl\"\n";
}

Policy parsed(const std::string& text, const std::string& file = "/etc/gate/policy.toml") {
  const auto read = [](const std::string& path) -> std::variant<std::string, FileError> {
    if (path.ends_with("acl")) return std::string{"topic readwrite #\n"};
    return std::string{path.ends_with("allow") ? "192.0.2.0/24\n" : "192.0.2.1\n"};
  };
  auto out = parse_policy(text, file, read);
  for (const auto& complaint : out.complaints) EXPECT_TRUE(complaint.warning) << bastion::text(complaint);
  return std::move(out.policy).value();
}

TEST(Files, AreAllThatThePolicyNames) {
  std::vector<std::string> names;
  for (const auto& file : files_of(parsed(policy_text("127.0.0.1:1883")))) names.push_back(file.value);
  EXPECT_THAT(names, ElementsAre("/etc/gate/policy.toml", "/etc/gate/lists/allow", "/etc/gate/lists/deny",
                                 "/etc/gate/tls/server.crt", "/etc/gate/keys/server.key", "/etc/gate/users/passwd",
                                 "/etc/gate/users/acl", "/etc/gate/broker/secret"));
}

// Whoever adds a key that names a file adds it to files_of(), and here.
TEST(Files, HaveNoKeyBesideThoseThatAreKnown) {
  std::vector<std::string_view> keys;
  for (const auto& key : policy_keys()) {
    if (key.kind.text.find("path") != std::string_view::npos) keys.push_back(key.path);
  }
  EXPECT_THAT(keys, ElementsAre("gate.state_dir", "admin.socket", "upstream.credentials.password_file", "tls.certificate",
                                "tls.key", "admission.allow_file", "admission.deny_file", "authentication.password_file",
                                "authorization.acl_file"));
}

TEST(Reach, IsTheDirectoriesOfThePolicysFilesAndNoneAboveThem) {
  const auto reach = reach_of(parsed(policy_text("127.0.0.1:1883", "state_dir = \"/var/lib/gate\"\n")));
  for (const auto* const directory :
       {"/etc/gate", "/etc/gate/lists", "/etc/gate/tls", "/etc/gate/keys", "/etc/gate/users", "/etc/gate/broker"}) {
    EXPECT_THAT(reach.readable, Contains(directory));
  }
  EXPECT_THAT(reach.readable, Not(Contains("/etc")));
  EXPECT_THAT(reach.writable, ElementsAre("/var/lib/gate", "/etc/gate/run"));
}

TEST(Reach, HasTheDirectoriesThatLinksLeadToBesideThoseTheyLieIn) {
  const test::TempDir live;
  const test::TempDir archive;
  archive.write("privkey1.pem", "x");
  std::filesystem::create_directory(live.path("keys"));
  std::filesystem::create_symlink(archive.path("privkey1.pem"), live.path("keys/server.key"));
  const auto reach = reach_of(parsed(policy_text("127.0.0.1:1883"), live.path("policy.toml")));
  EXPECT_THAT(reach.readable, Contains(live.path("keys")));
  EXPECT_THAT(reach.readable, Contains(std::filesystem::canonical(archive.path()).string()));
}

TEST(Reach, IsTheBrokersPortOrNoneAtAllWhereItIsAtAUnixSocket) {
  EXPECT_THAT(reach_of(parsed(policy_text("192.0.2.7:1884"))).tcp_ports, ElementsAre(1884));
  EXPECT_THAT(reach_of(parsed(policy_text("unix:/run/mosquitto.sock"))).tcp_ports, IsEmpty());
}

sandbox::Sandbox with_landlock(int version) {
  sandbox::Sandbox sandbox;
  sandbox.landlock_version = version;
  sandbox[sandbox::Layer::landlock].holds = version > 0;
  return sandbox;
}

TEST(OutOfReach, IsAnotherPortOfTheBrokersWhereTheKernelHoldsPorts) {
  const auto now = parsed(policy_text("127.0.0.1:1883"));
  const auto next = parsed(policy_text("127.0.0.1:1884"));
  const auto complaint = out_of_reach(with_landlock(4), now, next);
  ASSERT_TRUE(complaint);
  EXPECT_EQ(text(*complaint),
            "/etc/gate/policy.toml:6:11: the sandbox lets the gate connect to port 1883 only, as its policy said when it "
            "started; restart it for another broker");
  EXPECT_FALSE(out_of_reach(with_landlock(3), now, next));
  EXPECT_FALSE(out_of_reach(with_landlock(0), now, next));
}

TEST(OutOfReach, IsAnyPortAfterAUnixSocketButNotTheOtherWayRound) {
  const auto by_socket = parsed(policy_text("unix:/run/mosquitto.sock"));
  const auto by_tcp = parsed(policy_text("127.0.0.1:1883"));
  const auto complaint = out_of_reach(with_landlock(7), by_socket, by_tcp);
  ASSERT_TRUE(complaint);
  EXPECT_THAT(text(*complaint), HasSubstr("lets the gate connect to nothing by TCP"));
  EXPECT_FALSE(out_of_reach(with_landlock(7), by_tcp, by_socket));
}

TEST(OutOfReach, IsNoOtherAddressWithTheSamePort) {
  EXPECT_FALSE(out_of_reach(with_landlock(7), parsed(policy_text("127.0.0.1:1883")), parsed(policy_text("192.0.2.7:1883"))));
}

TEST(Gaps, AreLayersWithAReasonAndNoneWithout) {
  sandbox::Sandbox sandbox;
  sandbox[sandbox::Layer::landlock].why_not = "the kernel has no Landlock";
  sandbox[sandbox::Layer::locked_memory].why_not = "the limit";
  sandbox[sandbox::Layer::seccomp].holds = true;
  std::map<std::string, LogLevel> gaps;
  for (const auto& gap : gaps_of(sandbox)) gaps.emplace(gap.text, gap.level);
  EXPECT_EQ(gaps.at("the sandbox lacks landlock: the kernel has no Landlock"), LogLevel::warning);
  EXPECT_EQ(gaps.at("the sandbox lacks locked_memory: the limit"), LogLevel::info);
  EXPECT_EQ(gaps.size(), sandbox::is_root() ? 3U : 2U) << "and root is told that it is root";
}

TEST(Restart, IsWhatAnotherUserAndAnotherSandboxWaitFor) {
  const auto now = parsed(policy_text("127.0.0.1:1883"));
  const auto next = parsed(policy_text("127.0.0.1:1883", "user = \"gate\"\nsandbox = \"off\"\n"));
  std::vector<std::string> warnings;
  for (const auto& warning : wait_for_restart(now, next, worker_count(now))) warnings.push_back(text(warning));
  EXPECT_THAT(warnings, ElementsAre("/etc/gate/policy.toml:3:1: warning: \"gate.user\" takes effect at the next start",
                                    "/etc/gate/policy.toml:4:1: warning: \"gate.sandbox\" takes effect at the next start"));
  EXPECT_THAT(wait_for_restart(now, now, worker_count(now)), IsEmpty());
}

}  // namespace
}  // namespace bastion::gate
