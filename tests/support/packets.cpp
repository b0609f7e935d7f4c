// MQTT packets as a client or a broker would send them.
#include "tests/support/packets.hpp"

#include <random>

namespace bastion::test {
namespace {

void append(ByteVector& to, std::uint16_t number) {
  to.push_back(static_cast<std::uint8_t>(number >> 8));
  to.push_back(static_cast<std::uint8_t>(number & 0xff));
}

void append(ByteVector& to, std::string_view text) {
  append(to, static_cast<std::uint16_t>(text.size()));
  to.insert(to.end(), text.begin(), text.end());
}

void append_properties(ByteVector& to, int version, const ByteVector& properties = {}) {
  if (version != v5_0) return;
  const auto with_length = packet(0, properties);
  to.insert(to.end(), with_length.begin() + 1, with_length.end());
}

}  // namespace

ByteVector make_connect(const ConnectOptions& options) {
  ByteVector body;
  append(body, std::string_view{options.version == v3_1 ? "MQIsdp" : "MQTT"});
  body.push_back(static_cast<std::uint8_t>(options.version | (options.bridge ? 0x80 : 0)));
  unsigned flags = options.clean ? 0x02 : 0;
  if (options.user) flags |= 0x80;
  if (options.password) flags |= 0x40;
  if (options.will) flags |= 0x04u | static_cast<unsigned>(options.will->qos) << 3 | (options.will->retain ? 0x20u : 0u);
  body.push_back(static_cast<std::uint8_t>(flags));
  append(body, options.keep_alive_s);
  append_properties(body, options.version, options.properties);
  append(body, options.client_id);
  if (options.will) {
    append_properties(body, options.version);
    append(body, options.will->topic);
    append(body, options.will->payload);
  }
  if (options.user) append(body, *options.user);
  if (options.password) append(body, *options.password);
  return packet(0x10, body);
}

ByteVector connack(int version, std::uint8_t code) {
  ByteVector body{0, code};
  append_properties(body, version);
  return packet(0x20, body);
}

ByteVector told_connack(int version, const ByteVector& properties) {
  if (version != v5_0) return connack(version);
  ByteVector body{0, 0};
  // Receive Maximum 256, Maximum Packet Size 256 KiB.
  append_properties(body, version, bytes("21 0100 27 00040000") + properties);
  return packet(0x20, body);
}

ByteVector publish(int version, std::string_view topic, const ByteVector& payload, std::uint8_t qos, std::uint16_t id) {
  ByteVector body;
  append(body, topic);
  if (qos > 0) append(body, id);
  append_properties(body, version);
  body.insert(body.end(), payload.begin(), payload.end());
  return packet(static_cast<std::uint8_t>(0x30 | qos << 1), body);
}

ByteVector publish(int version, std::string_view topic, std::string_view payload) {
  return publish(version, topic, ByteVector(payload.begin(), payload.end()));
}

ByteVector puback(std::uint16_t id) {
  ByteVector body;
  append(body, id);
  return packet(0x40, body);
}

ByteVector subscribe(int version, std::string_view filter, std::uint16_t id) {
  ByteVector body;
  append(body, id);
  append_properties(body, version);
  append(body, filter);
  body.push_back(0);
  return packet(0x82, body);
}

ByteVector suback(int version, std::uint16_t id) {
  ByteVector body;
  append(body, id);
  append_properties(body, version);
  body.push_back(0);
  return packet(0x90, body);
}

ByteVector pingreq() {
  return {0xc0, 0};
}
ByteVector pingresp() {
  return {0xd0, 0};
}
ByteVector disconnect() {
  return {0xe0, 0};
}
ByteVector disconnect_v5(std::uint8_t reason_code) {
  return {0xe0, 2, reason_code, 0};
}

ByteVector noise(std::size_t size, std::uint32_t seed) {
  std::minstd_rand random{seed};
  ByteVector made(size);
  for (auto& byte : made) byte = static_cast<std::uint8_t>(random() >> 8);
  return made;
}

}  // namespace bastion::test
