// mqtt-bastion check and the command line: every complaint in its place, and exit codes that scripts can rely on.
#include <gtest/gtest.h>

#include <algorithm>

#include "stage.hpp"

namespace bastion::e2e {
namespace {

class Check : public ::testing::Test {
 protected:
  Check() {
    furnish(directory_);
    policy_.broker_address = "127.0.0.1:1883";
  }
  Finished check(const std::string& text, const std::vector<std::string>& more = {}) {
    write_file(directory_ / "policy.toml", text);
    std::vector<std::string> command{BASTION_PROGRAM, "check", "-c", directory_ / "policy.toml"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  }

  Directory directory_;
  PolicyText policy_;
};

TEST_F(Check, SaysThatAGoodPolicyIsGood) {
  const auto done = check(policy_.text());
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.err, "");
  EXPECT_NE(done.out.find("policy.toml: good. 1 address rule, 2 users, 0 roles"), std::string::npos) << done.out;
}

TEST_F(Check, CountsTheShieldsNamesThoseThatAreOffAndListsAllWhenAsked) {
  const auto all = check(policy_.text());
  EXPECT_EQ(all.out.find("off:"), std::string::npos) << all.out;
  policy_.mqtt = "shields_off = [\"CVE-2018-12543\"]\n";
  const auto fewer = check(policy_.text(), {"--quiet", "--shields"});
  EXPECT_EQ(fewer.code, 0) << fewer.err;
  EXPECT_NE(fewer.out.find("OFF  CVE-2018-12543 "), std::string::npos) << fewer.out;
  EXPECT_NE(fewer.out.find("up   CVE-2019-11779 "), std::string::npos) << fewer.out;
  const auto lines = std::count(fewer.out.begin(), fewer.out.end(), '\n');
  EXPECT_NE(all.out.find("Shields: " + std::to_string(lines) + " up."), std::string::npos) << all.out;
  const auto counted = check(policy_.text());
  EXPECT_NE(counted.out.find("Shields: " + std::to_string(lines - 1) + " up; off: CVE-2018-12543."), std::string::npos)
      << counted.out;
}

TEST_F(Check, HasNoWordForAGoodPolicyWhenQuiet) {
  const auto done = check(policy_.text(), {"--quiet"});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out + done.err, "");
}

TEST_F(Check, NamesEveryErrorWithItsPlaceAndTheNearestKey) {
  const auto done = check(
      "schema = 1\n"
      "[gate]\n"
      "workers = \"many\"\n"
      "[upstream]\n"
      "address = \"127.0.0.1:1883\"\n"
      "conect_timeout = \"3s\"\n"
      "[tls]\n"
      "certificate = \"server-ecdsa.crt\"\n"
      "key = \"server-ecdsa.key\"\n"
      "[[listener]]\n"
      "name = \"devices\"\n"
      "address = \"127.0.0.1:0\"\n"
      "[admission]\n"
      "allow = [\"10.0.0.0/33\"]\n"
      "[authentication]\n"
      "password_file = \"passwd\"\n"
      "[mqtt]\n"
      "keep_alive_max = \"20 parsecs\"\n");
  EXPECT_EQ(done.code, 2);
  const auto file = (directory_ / "policy.toml").string();
  for (const std::string place : {":3:11: ", ":6:1: ", ":14:10: ", ":18:18: "}) {
    EXPECT_NE(done.err.find(file + place), std::string::npos) << place << " in\n" << done.err;
  }
  EXPECT_NE(done.err.find("connect_timeout"), std::string::npos) << done.err;
  EXPECT_EQ(lines_with(file + ':', done.err).size(), 5U) << done.err;
  EXPECT_NE(done.err.find(file + ": not usable"), std::string::npos) << done.err;
}

TEST_F(Check, WarnsOfAnOpenDoorAndStillTakesThePolicy) {
  policy_.allow = R"(["0.0.0.0/0"])";
  policy_.authentication = "required = false\n";
  const auto done = check(policy_.text());
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_GE(lines_with(": warning: ", done.err).size(), 2U) << done.err;
  EXPECT_NE(done.err.find("0.0.0.0/0"), std::string::npos) << done.err;
}

TEST_F(Check, WarnsWhereTheSystemAllowsTooFewDescriptors) {
  policy_.admission = "connections_max = 1000\n";
  write_file(directory_ / "policy.toml", policy_.text());
  const auto check_with = [&](const std::string& descriptors) {
    return run({"prlimit", "--nofile=" + descriptors, BASTION_PROGRAM, "check", "-c", directory_ / "policy.toml"});
  };
  const auto done = check_with("300:300");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("warning: connections_max = 1000 with 1 worker needs 2266 descriptors, and the system allows 300"),
            std::string::npos)
      << done.err;
  EXPECT_EQ(check_with("300:3000").err, "") << "it can be raised";
  policy_.workers = 64;
  write_file(directory_ / "policy.toml", policy_.text());
  EXPECT_NE(check_with("300:500").err.find("with 64 workers needs 2896 descriptors"), std::string::npos);
}

TEST_F(Check, IsJoinedByAnExplanationOfAWillAndOfVersionFive) {
  policy_.last = "[[role]]\nname = \"all\"\npublish = [\"up/#\"]\n";
  write_file(directory_ / "policy.toml", policy_.text());
  const auto explain = [&](const std::string& topic) {
    return run({BASTION_PROGRAM, "explain", "-c", directory_ / "policy.toml", "--from", "127.0.0.1", "--mqtt", "5", "--user",
                alice, "--will", topic, "--will-qos", "1", "--will-retain"});
  };
  const auto admitted = explain("up/state");
  EXPECT_EQ(admitted.code, 0) << admitted.err;
  EXPECT_NE(admitted.out.find("will on \"up/state\" with QoS 1, retained: allowed"), std::string::npos) << admitted.out;
  EXPECT_NE(admitted.out.find("MQTT 5.0"), std::string::npos) << admitted.out;
  const auto refused = explain("down");
  EXPECT_NE(refused.out.find("refused as will_denied/topic"), std::string::npos) << refused.out;
  EXPECT_NE(refused.out.find("reason code 0x87"), std::string::npos) << refused.out;
  EXPECT_EQ(explain("up/#").code, 2) << "no topic name";
}

TEST_F(Check, SaysThatAPolicyIsMissing) {
  const auto done = run({BASTION_PROGRAM, "check", "-c", directory_ / "nothing.toml"});
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.err.find("nothing.toml: can't read the policy"), std::string::npos) << done.err;
}

TEST_F(Check, RefusesWhatIsNoToml) {
  const auto done = check("schema = = 1\n");
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.err.find("policy.toml:1:10: "), std::string::npos) << done.err;
}

// --- the command line -----------------------------------------------------------------------------------------------------

struct Usage {
  const char* name;
  std::vector<std::string> words;
};

class BadUsage : public ::testing::TestWithParam<Usage> {};

TEST_P(BadUsage, IsExitCode2WithAWordOfHelp) {
  std::vector<std::string> command{BASTION_PROGRAM};
  command.insert(command.end(), GetParam().words.begin(), GetParam().words.end());
  const auto done = run(command);
  EXPECT_EQ(done.code, 2);
  EXPECT_NE(done.err, "");
  EXPECT_EQ(done.out, "");
}

INSTANTIATE_TEST_SUITE_P(CommandLine, BadUsage,
                         ::testing::Values(Usage{"NoCommand", {}}, Usage{"UnknownCommand", {"walk"}},
                                           Usage{"NoPolicy", {"run"}}, Usage{"NoPolicyToCheck", {"check"}},
                                           Usage{"UnknownFlag", {"check", "--loud"}},
                                           Usage{"FlagWithoutItsValue", {"run", "-c"}},
                                           Usage{"UnknownScheme", {"passwd", "--scheme", "md5", "file", "user"}}),
                         [](const auto& usage) { return std::string{usage.param.name}; });

TEST(CommandLine, NamesAnOptionThatThereIsNotAndTheOneThatWasMeant) {
  const auto says = [](const std::vector<std::string>& words) {
    std::vector<std::string> command{BASTION_PROGRAM};
    command.insert(command.end(), words.begin(), words.end());
    const auto done = run(command);
    EXPECT_EQ(done.code, 2);
    return done.err;
  };
  EXPECT_EQ(says({"check", "--foo"}), "mqtt-bastion check: there is no option \"--foo\" (see mqtt-bastion check --help)\n");
  EXPECT_EQ(says({"run", "--confg", "policy.toml"}),
            "mqtt-bastion run: there is no option \"--confg\"; did you mean \"--config\"? (see mqtt-bastion run --help)\n");
  EXPECT_EQ(says({"check", "-c", "policy.toml", "-z"}),
            "mqtt-bastion check: there is no option \"-z\" (see mqtt-bastion check --help)\n");
  EXPECT_EQ(says({"passwd", "--pass=hunter2", "file", "alice"}),
            "mqtt-bastion passwd: there is no option \"--pass\" (see mqtt-bastion passwd --help)\n");
  EXPECT_EQ(says({"passwd", "file", "alice", "hunter2"}),
            "mqtt-bastion passwd: there is a word too many (see mqtt-bastion passwd --help)\n");
  EXPECT_NE(says({"check"}).find("--config is required"), std::string::npos);
}

TEST(CommandLine, TellsItsVersion) {
  const auto done = run({BASTION_PROGRAM, "--version"});
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out, "mqtt-bastion " BASTION_VERSION_EXPECTED "\n");
}

TEST(CommandLine, HelpsWithEveryCommand) {
  const auto done = run({BASTION_PROGRAM, "--help"});
  EXPECT_EQ(done.code, 0);
  for (const std::string command : {"run", "check", "passwd", "health", "import"}) {
    EXPECT_NE(done.out.find(command), std::string::npos) << done.out;
    const auto help = run({BASTION_PROGRAM, command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_NE(help.out.find("Example: mqtt-bastion " + command), std::string::npos) << help.out;
  }
}

}  // namespace
}  // namespace bastion::e2e
