// What holds for every CONNECT: it is let in whole or refused for good: no prefix of a good one is refused, no further byte
// mends a bad one, all that is said of it lies inside it, and with other credentials it says the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/inspect/connect_reader.hpp"
#include "tests/fuzz/require.hpp"

namespace bastion::fuzz {

using namespace inspect;

inline std::vector<std::uint8_t> with_other_credentials(const ReadConnect& connect, std::string_view user,
                                                        std::string_view password) {
  ForBroker asked;
  asked.credentials = {user, password};
  return connect_for_broker(connect, asked).value();
}

inline bool is_same_client(const ConnectFacts& a, const ConnectFacts& b) {
  return a.version == b.version && a.bridge == b.bridge && a.clean_start == b.clean_start &&
         a.keep_alive_s == b.keep_alive_s && a.client_id == b.client_id && a.has_auth_method == b.has_auth_method &&
         a.will.has_value() == b.will.has_value();
}

inline void require_good(const ReadConnect& read, Bytes data, const MqttPolicy& limits) {
  require(read.packet.data() == data.data() && read.packet.size() <= data.size());
  require(read.packet.size() <= limits.connect_size_max);
  require(is_inside(read.facts.client_id, read.packet));
  require(read.facts.client_id.find('\0') == std::string_view::npos);
  require(!read.facts.user_name || is_inside(*read.facts.user_name, read.packet));
  require(!read.facts.has_password || is_inside(read.password, read.packet));
  for (std::size_t size = 0; size < read.packet.size(); ++size) {
    const ConnectStep step = read_connect(data.first(size), limits);
    const auto* const more = std::get_if<ReadMore>(&step);
    require(more && more->bytes_min > size && more->bytes_min <= read.packet.size());
  }
  const ConnectStep alone = read_connect(read.packet, limits);
  require(std::holds_alternative<ReadConnect>(alone));
}

inline void require_other_credentials(const ReadConnect& read) {
  MqttPolicy no_limits;
  no_limits.connect_size_max = 300'000'000;
  no_limits.user_properties_max = 100'000'000;
  const std::vector<std::uint8_t> replaced = with_other_credentials(read, "other", std::string_view("pass\0word", 9));
  const ConnectStep step = read_connect(replaced, no_limits);
  const auto* const again = std::get_if<ReadConnect>(&step);
  require(again != nullptr);
  require(again->packet.size() == replaced.size());
  require(again->facts.user_name == "other");
  require(again->facts.has_password && again->password == std::string_view("pass\0word", 9));
  require(is_same_client(again->facts, read.facts));
  // There and back again is where we came from, if there were credentials to go back to.
  if (!read.facts.user_name || !read.facts.has_password) return;
  const std::vector<std::uint8_t> back = with_other_credentials(*again, *read.facts.user_name, read.password);
  require(std::vector<std::uint8_t>(read.packet.begin(), read.packet.end()) == back);
}

inline void require_refused_for_good(const ConnectRefused& refused, Bytes data, const MqttPolicy& limits) {
  if (data[0] != 0x10) return;  // what else it is may become clearer
  std::vector<std::uint8_t> longer(data.begin(), data.end());
  longer.insert(longer.end(), {0x00, 0xff, 'a'});
  const ConnectStep step = read_connect(longer, limits);
  const auto* const still = std::get_if<ConnectRefused>(&step);
  require(still && still->refusal == refused.refusal && still->version == refused.version);
}

/// Reads `data` as the first bytes of a client.
inline void run_connect(Bytes data) {
  MqttPolicy limits;
  limits.connect_size_max = 2048;
  limits.user_properties_max = 4;
  const ConnectStep step = read_connect(data, limits);
  if (const auto* const more = std::get_if<ReadMore>(&step)) {
    require(more->bytes_min > data.size() && more->bytes_min <= limits.connect_size_max);
    require(data.empty() || data[0] == 0x10);
  }
  if (const auto* const read = std::get_if<ReadConnect>(&step)) {
    require_good(*read, data, limits);
    require_other_credentials(*read);
  }
  if (const auto* const refused = std::get_if<ConnectRefused>(&step)) {
    require(refusals()[index_of(refused->refusal)] == refused->refusal);
    require_refused_for_good(*refused, data, limits);
  }
}

}  // namespace bastion::fuzz
