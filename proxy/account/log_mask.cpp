// How names of unknown users are shown: enough to tell two of them apart, too little to try one.
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

using namespace std::string_view_literals;

// User names that products ship with and scanners try (the products' own documentation, and what brute-forcers carry).
constexpr std::array product_defaults{
    "admin"sv,   "administrator"sv, "root"sv,    "guest"sv,     "user"sv,        "username"sv,  "test"sv,
    "tester"sv,  "info"sv,          "mqtt"sv,    "mqttuser"sv,  "mqtt_user"sv,   "mosquitto"sv, "emqx"sv,
    "public"sv,  "homeassistant"sv, "hass"sv,    "addons"sv,    "rabbitmq"sv,    "hivemq"sv,    "activemq"sv,
    "artemis"sv, "vernemq"sv,       "iot"sv,     "device"sv,    "sensor"sv,      "client"sv,    "broker"sv,
    "pi"sv,      "openhab"sv,       "nodered"sv, "node-red"sv,  "zigbee2mqtt"sv, "tasmota"sv,   "shelly"sv,
    "esp"sv,     "esp8266"sv,       "esp32"sv,   "anonymous"sv, "default"sv,     "demo"sv,      "system"sv,
    "service"sv, "support"sv,       "ubnt"sv,    "oracle"sv,    "postgres"sv,    "lala"sv};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_product_default(std::string_view name) {
  return std::any_of(product_defaults.begin(), product_defaults.end(), [name](std::string_view known) {
    return std::equal(known.begin(), known.end(), name.begin(), name.end(), [](char a, char b) { return a == lower(b); });
  });
}

std::string_view length_class(std::size_t length) {
  if (length < 8) return "1-7";
  if (length < 16) return "8-15";
  if (length < 32) return "16-31";
  return "32-";
}

}  // namespace

Mask::Mask() : key_{} {
  if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1) throw std::runtime_error("the system has no randomness");
}

std::string Mask::operator()(std::string_view user_name) const {
  if (user_name.empty() || is_product_default(user_name)) return std::string(user_name);
  const char first = user_name.front();
  std::string masked(1, first > ' ' && first <= '~' ? first : '?');
  masked += "*(";
  masked += length_class(user_name.size());
  masked += ")#";

  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  std::size_t length = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL counts in unsigned char.
  const auto* bytes = reinterpret_cast<const unsigned char*>(user_name.data());
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key_.data(), key_.size(), bytes, user_name.size(), hash.data(),
                hash.size(), &length) == nullptr) {
    return masked + "-";
  }
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < 4; ++i) {
    masked += digits[hash[i] >> 4];
    masked += digits[hash[i] & 0x0f];
  }
  return masked;
}

}  // namespace bastion::account
