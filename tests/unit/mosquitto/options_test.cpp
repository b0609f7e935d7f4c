// The table of Mosquitto's options.
#include "proxy/mosquitto/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/keys.hpp"

namespace bastion::mosquitto {
namespace {

TEST(MosquittoOptions, AreFoundByNameEach) {
  for (const auto& option : options()) EXPECT_EQ(find_option(option.name), &option) << option.name;
  EXPECT_EQ(find_option("listner"), nullptr);
  EXPECT_EQ(find_option(""), nullptr);
}

TEST(MosquittoOptions, OfPluginsAreKnownByTheirBeginning) {
  ASSERT_NE(find_option("plugin_opt_config_file"), nullptr);
  EXPECT_EQ(find_option("plugin_opt_config_file")->name, "plugin_opt_");
  EXPECT_EQ(find_option("auth_opt_backends")->name, "auth_opt_");
  EXPECT_EQ(find_option("plugin_opt_password_file")->name, "plugin_opt_password_file");
}

TEST(MosquittoOptions, ThatAreTakenOverNameAKeyOfThePolicy) {
  for (const auto& option : options()) {
    if (option.fate != Fate::taken) continue;
    EXPECT_TRUE(find_policy_key(option.text) != nullptr || option.name == "listener") << option.name << ": " << option.text;
  }
}

TEST(MosquittoOptions, ThatAreLostOrNotNeededSayWhy) {
  for (const auto& option : options()) {
    const bool wants_a_reason = option.fate == Fate::missing || option.fate == Fate::unneeded;
    EXPECT_TRUE(!wants_a_reason || option.text.ends_with('.')) << option.name;
  }
}

TEST(MosquittoOptions, AreGuessedFromAMisspelling) {
  EXPECT_EQ(nearest_option("pasword_file"), "password_file");
  EXPECT_EQ(nearest_option("entirely_unlike"), "");
}

}  // namespace
}  // namespace bastion::mosquitto
