// Scripts: two sides that keep to what they have in flight, and packets bent afterwards.
#include "tests/differ/script.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "tests/differ/dice.hpp"

namespace bastion::differ {

namespace {

using mqtt::PacketType;
using mqtt::Sender;
using test::ByteVector;
using test::Side;

/// In the second byte of the settings.
constexpr std::uint8_t with_rules = 0x02;
constexpr std::uint8_t with_qos_2 = 0x80;

/// An answer that one side owes the other.
struct Owed {
  Side by = Side::client;
  PacketType type = PacketType::puback;
  std::uint16_t id = 0;
  std::size_t filters = 0;
};

// What it takes for bytes to be another packet's, or nobody's: a bit, a byte, a part too few or too many.
void bend_bytes(Dice& dice, ByteVector& bytes) {
  constexpr std::array<std::uint8_t, 9> telling = {0x00, 0x01, 0x7f, 0x80, 0xff, '+', '#', '/', 0x26};
  const auto at = static_cast<std::ptrdiff_t>(dice.below(bytes.size()));
  auto& byte = bytes[static_cast<std::size_t>(at)];
  switch (dice.below(7)) {
    case 0:
      byte ^= static_cast<std::uint8_t>(1u << dice.below(8));
      return;
    case 1:
      byte = dice.pick(telling);
      return;
    case 2:
      byte = static_cast<std::uint8_t>(byte + 1);
      return;
    case 3:
      bytes.insert(bytes.begin() + (dice.one_in(2) ? at : static_cast<std::ptrdiff_t>(bytes.size())), dice.pick(telling));
      return;
    case 4:
      bytes.erase(bytes.begin() + at);
      return;
    case 5:
      bytes.resize(static_cast<std::size_t>(at));
      return;
    default: {
      const auto size = std::min<std::ptrdiff_t>(1 + dice.below(8), static_cast<std::ptrdiff_t>(bytes.size()) - at);
      const ByteVector part(bytes.begin() + at, bytes.begin() + at + size);
      bytes.insert(bytes.begin() + at, part.begin(), part.end());
    }
  }
}

// Most bends are of use where the remaining length is right again: otherwise what follows is read as the packet's end.
void bend(Dice& dice, ByteVector& packet) {
  const auto header_end = std::find_if(packet.begin() + 1, packet.end(), [](std::uint8_t byte) { return byte < 0x80; });
  if (header_end == packet.end() || header_end + 1 == packet.end() || dice.one_in(6)) {
    // A remaining length in more bytes than it needs [MQTT-1.5.5-1], or whatever.
    if (packet.size() == 2 && packet[1] == 0 && dice.one_in(2)) packet = {packet[0], 0x80, 0x00};
    return bend_bytes(dice, packet);
  }
  ByteVector body(header_end + 1, packet.end());
  bend_bytes(dice, body);
  packet = test::packet(packet[0], body);
}

class Writer {
 public:
  Writer(std::uint64_t seed, Characters characters) : dice_{seed * 0x9e3779b97f4a7c15u + 1}, characters_{characters} {
    constexpr std::array versions = {mqtt::Version::v3_1, mqtt::Version::v3_1_1, mqtt::Version::v5_0, mqtt::Version::v5_0};
    script_.seed = seed;
    script_.version = dice_.pick(versions);
    script_.is_faultless = dice_.one_in(3);
    // Where rules keep something back, its answer is a fault of the broker: one side that has no answer gets further.
    if (dice_.one_in(3)) alone_ = dice_.one_in(2) ? Side::client : Side::broker;
    if (script_.is_faultless) return;
    // Rules in one half of the others, narrow limits in some: these end most sessions early.
    if (dice_.one_in(4)) {
      for (auto& setting : script_.settings) setting = dice_.byte() & dice_.byte() & dice_.byte();
    }
    if (dice_.one_in(2)) script_.settings[1] |= with_rules;
    if (!dice_.one_in(8)) script_.settings[1] |= with_qos_2;
  }

  Script write() {
    constexpr std::array<std::uint32_t, 4> odds = {0, 40, 150, 600};
    PacketMaker maker{dice_, script_.version, script_.is_faultless ? 0 : dice_.pick(odds), characters_};
    script_.connect = maker.connect();
    maker_ = &maker;
    say(Side::broker, maker.connack());
    for (auto turns = dice_.below(dice_.one_in(4) ? 40 : 14); turns > 0 && !is_over_; --turns) say_something();
    if (!script_.is_faultless) {
      for (auto bends = dice_.below(3); bends > 0; --bends) bend_one();
      if (dice_.one_in(5)) bend(dice_, script_.connect);
    }
    return std::move(script_);
  }

 private:
  void bend_one() {
    auto& packet = script_.turns[dice_.below(script_.turns.size())].packet;
    if (!packet.empty()) bend(dice_, packet);
  }
  void say(Side side, ByteVector packet) { script_.turns.push_back({side, std::move(packet)}); }

  void say_something() {
    if (!alone_ && !owed_.empty() && dice_.one_in(2)) return answer();
    const auto side = alone_.value_or(dice_.one_in(2) ? Side::client : Side::broker);
    switch (dice_.below(8)) {
      case 0:
        return say(side, {static_cast<std::uint8_t>(side == Side::client ? 0xc0 : 0xd0), 0x00});
      case 1:
        return side == Side::client || !alone_ ? subscribe() : publish(side);
      case 2:
        return side == Side::client || !alone_ ? unsubscribe() : publish(side);
      case 3:
        if (dice_.one_in(4)) return leave(side);
        [[fallthrough]];
      default:
        return publish(side);
    }
  }

  std::uint16_t new_id(Side side) {
    auto& used = side == Side::client ? ids_of_client_ : ids_of_broker_;
    std::uint16_t id = 0;
    do {
      id = static_cast<std::uint16_t>(1 + dice_.below(dice_.one_in(2) ? 12 : 65'535));
    } while (!used.insert(id).second);
    return id;
  }

  void publish(Side side) {
    const auto qos = static_cast<std::uint8_t>(dice_.below(3));
    const auto id = qos > 0 ? new_id(side) : std::uint16_t{0};
    const std::uint16_t alias_maximum = side == Side::client ? 10 : maker_->client_alias_maximum();
    std::uint16_t alias = 0;
    if (script_.version == mqtt::Version::v5_0 && alias_maximum > 0 && !dice_.one_in(3)) {
      alias = static_cast<std::uint16_t>(1 + dice_.below(dice_.one_in(6) ? alias_maximum : 1));
    }
    auto& known = side == Side::client ? aliases_of_client_ : aliases_of_broker_;
    const bool is_known = alias > 0 && !known.insert(alias).second;
    const auto sender = side == Side::client ? Sender::client : Sender::server;
    say(side, maker_->publish(sender, qos, id, alias, is_known));
    const auto other = side == Side::client ? Side::broker : Side::client;
    if (qos == 1) owed_.push_back({other, PacketType::puback, id});
    if (qos == 2) owed_.push_back({other, PacketType::pubrec, id});
  }

  void subscribe() {
    const auto id = new_id(Side::client);
    const auto filters = 1 + dice_.below(4);
    say(Side::client, maker_->subscribe(id, filters));
    owed_.push_back({Side::broker, PacketType::suback, id, filters});
  }

  void unsubscribe() {
    const auto id = new_id(Side::client);
    const auto filters = 1 + dice_.below(3);
    say(Side::client, maker_->unsubscribe(id, filters));
    owed_.push_back({Side::broker, PacketType::unsuback, id, filters});
  }

  void answer() {
    const auto at = dice_.below(owed_.size());
    const Owed owed = owed_[at];
    owed_.erase(owed_.begin() + static_cast<std::ptrdiff_t>(at));
    const auto other = owed.by == Side::client ? Side::broker : Side::client;
    if (owed.type == PacketType::suback) return end(Side::client, owed.id, maker_->suback(owed.id, owed.filters));
    if (owed.type == PacketType::unsuback) return end(Side::client, owed.id, maker_->unsuback(owed.id, owed.filters));
    bool is_refusal = false;
    auto packet =
        maker_->acknowledgement(owed.type, owed.by == Side::client ? Sender::client : Sender::server, owed.id, is_refusal);
    if (owed.type == PacketType::pubrec && !is_refusal) {
      say(owed.by, std::move(packet));
      owed_.push_back({other, PacketType::pubrel, owed.id});
    } else if (owed.type == PacketType::pubrel) {
      say(owed.by, std::move(packet));
      owed_.push_back({other, PacketType::pubcomp, owed.id});
    } else {
      end(other, owed.id, std::move(packet), owed.by);
    }
  }

  // The exchange is over, and `owner` may use its identifier again.
  void end(Side owner, std::uint16_t id, ByteVector packet, Side by = Side::broker) {
    (owner == Side::client ? ids_of_client_ : ids_of_broker_).erase(id);
    say(by, std::move(packet));
  }

  void leave(Side side) {
    if (side == Side::broker && script_.version != mqtt::Version::v5_0) return;
    say(side, maker_->disconnect(side == Side::client ? Sender::client : Sender::server));
    is_over_ = true;
  }

  Dice dice_;
  Characters characters_;
  Script script_;
  PacketMaker* maker_ = nullptr;
  std::vector<Owed> owed_;
  std::set<std::uint16_t> ids_of_client_;
  std::set<std::uint16_t> ids_of_broker_;
  std::set<std::uint16_t> aliases_of_client_;
  std::set<std::uint16_t> aliases_of_broker_;
  std::optional<Side> alone_;
  bool is_over_ = false;
};

}  // namespace

Script make_script(std::uint64_t seed, Characters characters) {
  return Writer(seed, characters).write();
}

}  // namespace bastion::differ
