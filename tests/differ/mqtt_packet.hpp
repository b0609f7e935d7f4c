// Another reader of MQTT: mqtt-packet of npm, which MQTT.js and Aedes read with, in a process of its own.
#pragma once

#include <sys/types.h>

#include <span>
#include <vector>

#include "tests/differ/reading.hpp"

namespace bastion::differ {

class MqttPacket {
 public:
  /// Starts `node` with mqtt_packet.mjs; throws where there is none, or where it has no mqtt-packet.
  MqttPacket();
  ~MqttPacket();
  MqttPacket(const MqttPacket&) = delete;
  MqttPacket& operator=(const MqttPacket&) = delete;

  /// One reading for each stream. All of them are one question: some hundreds cost little more than one.
  [[nodiscard]] std::vector<Reading> read(std::span<const Stream> streams);
  [[nodiscard]] Reading read(const Stream& stream) { return read(std::span(&stream, 1)).front(); }

 private:
  void write_all(const std::vector<std::uint8_t>& bytes) const;
  [[nodiscard]] std::string read_all(std::size_t size) const;
  [[nodiscard]] std::size_t read_size() const;

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

}  // namespace bastion::differ
