// Paho's parsers by their names in its static library. Its packets have no public header: this is how they lie in memory in
// all of 1.3.
#include "tests/differ/paho.hpp"

#include <MQTTClient.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>

namespace {

// A byte that shares its place with bit fields of int.
struct alignas(int) Byte {
  unsigned char value;
};

struct Connack {
  Byte header;
  Byte flags;
  unsigned char code;
  unsigned version;
  MQTTProperties properties;
};

struct Publish {
  Byte header;
  char* topic;
  int topic_size;
  int packet_id;
  char* payload;
  int payload_size;
  int version;
  MQTTProperties properties;
};

struct Acknowledgement {
  Byte header;
  int packet_id;
  unsigned char code;
  int version;
  MQTTProperties properties;
};

struct Element {
  Element* previous;
  Element* next;
  void* content;
};

struct List {
  Element* first;
};

struct Granted {
  Byte header;
  int packet_id;
  int version;
  MQTTProperties properties;
  List* codes;
};

}  // namespace

extern "C" {
void* MQTTPacket_connack(int version, unsigned char header, char* body, std::size_t size);
void* MQTTPacket_publish(int version, unsigned char header, char* body, std::size_t size);
void* MQTTPacket_ack(int version, unsigned char header, char* body, std::size_t size);
void* MQTTPacket_suback(int version, unsigned char header, char* body, std::size_t size);
void* MQTTPacket_unsuback(int version, unsigned char header, char* body, std::size_t size);
void MQTTPacket_freeConnack(void* packet);
void MQTTPacket_freePublish(void* packet);
void MQTTPacket_freeAck(void* packet);
void MQTTPacket_freeSuback(void* packet);
void MQTTPacket_freeUnsuback(void* packet);
int MQTTPacket_decodeBuf(char* bytes, unsigned* value);
}

namespace bastion::differ {

namespace {

using mqtt::PacketType;
using mqtt::Version;

struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Owned = std::unique_ptr<void, void (*)(void*)>;

std::string_view text_of(const MQTTLenString& text) {
  return {text.data, static_cast<std::size_t>(text.len)};
}

PropertyWords words_of(const MQTTProperties& properties) {
  PropertyWords words;
  for (int i = 0; i < properties.count; ++i) {
    const MQTTProperty& property = properties.array[i];
    const auto id = static_cast<unsigned>(property.identifier);
    switch (MQTTProperty_getType(property.identifier)) {
      case MQTTPROPERTY_TYPE_BYTE:
        words.add(id, std::uint32_t{property.value.byte});
        break;
      case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
        words.add(id, std::uint32_t{property.value.integer2});
        break;
      case MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER:
      case MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER:
        words.add(id, std::uint32_t{property.value.integer4});
        break;
      case MQTTPROPERTY_TYPE_BINARY_DATA:
      case MQTTPROPERTY_TYPE_UTF_8_ENCODED_STRING:
        words.add(id, text_of(property.value.data));
        break;
      case MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR:
        words.add_pair(id, text_of(property.value.data), text_of(property.value.value));
        break;
      default:
        throw Malformed("a property without a type");
    }
  }
  return words;
}

std::string field(const char* name, unsigned value) {
  return std::string(" ") + name + '=' + std::to_string(value);
}

using Aliases = std::map<unsigned, std::string>;

class PacketReader {
 public:
  PacketReader(Version version, std::uint8_t first_byte, Bytes body, Aliases& aliases)
      : aliases_{aliases},
        is_v5_{version == Version::v5_0},
        version_{static_cast<int>(version)},
        first_byte_{first_byte},
        body_(body.begin(), body.end()) {}

  std::string read() {
    switch (mqtt::packet_type(first_byte_)) {
      case PacketType::connack:
        return connack();
      case PacketType::publish:
        return publish();
      case PacketType::puback:
        return "puback" + acknowledgement();
      case PacketType::pubrec:
        return "pubrec" + acknowledgement();
      case PacketType::pubrel:
        return "pubrel" + acknowledgement();
      case PacketType::pubcomp:
        return "pubcomp" + acknowledgement();
      case PacketType::suback:
        return "suback" + granted(parse(MQTTPacket_suback, MQTTPacket_freeSuback), true);
      case PacketType::unsuback:
        return "unsuback" + granted(parse(MQTTPacket_unsuback, MQTTPacket_freeUnsuback), is_v5_);
      case PacketType::pingresp:
        return "pingresp";
      case PacketType::disconnect:
        return disconnect();
      default:
        throw Malformed("no packet of a server");
    }
  }

 private:
  Owned parse(void* (*parser)(int, unsigned char, char*, std::size_t), void (*free)(void*)) {
    void* const packet = parser(version_, first_byte_, body_.data(), body_.size());
    if (packet == nullptr) throw Malformed("bad packet");
    return {packet, free};
  }

  std::string in_braces(const MQTTProperties& properties) const {
    return ' ' + (is_v5_ ? words_of(properties) : PropertyWords{}).words();
  }

  std::string connack() {
    const Owned owned = parse(MQTTPacket_connack, MQTTPacket_freeConnack);
    const auto& read = *static_cast<const Connack*>(owned.get());
    return "connack" + field("present", read.flags.value & 1u) + field("code", read.code) + in_braces(read.properties);
  }

  std::string publish() {
    const Owned owned = parse(MQTTPacket_publish, MQTTPacket_freePublish);
    const auto& read = *static_cast<const Publish*>(owned.get());
    const unsigned header = read.header.value;
    const Bytes payload(reinterpret_cast<const std::uint8_t*>(read.payload), static_cast<std::size_t>(read.payload_size));
    return "publish" + field("dup", header >> 3 & 1u) + field("qos", header >> 1 & 3u) + field("retain", header & 1u) +
           " topic=" + quoted(topic_of(read)) + field("id", static_cast<unsigned>(read.packet_id)) +
           in_braces(read.properties) + " payload=" + fingerprint(payload);
  }

  std::string acknowledgement() {
    const Owned owned = parse(MQTTPacket_ack, MQTTPacket_freeAck);
    const auto& read = *static_cast<const Acknowledgement*>(owned.get());
    return field("id", static_cast<unsigned>(read.packet_id)) + field("code", is_v5_ ? read.code : 0u) +
           in_braces(read.properties);
  }

  std::string disconnect() {
    const Owned owned = parse(MQTTPacket_ack, MQTTPacket_freeAck);
    const auto& read = *static_cast<const Acknowledgement*>(owned.get());
    return "disconnect" + field("code", read.code) + in_braces(read.properties);
  }

  std::string granted(const Owned& owned, bool has_codes) const {
    const auto& read = *static_cast<const Granted*>(owned.get());
    auto line = field("id", static_cast<unsigned>(read.packet_id)) + in_braces(read.properties);
    if (!has_codes) return line;
    for (const Element* each = read.codes->first; each != nullptr; each = each->next) {
      line += ' ' + std::to_string(*static_cast<const unsigned*>(each->content));
    }
    return line;
  }

  /// The topic that a message is for: its library leaves aliases to whoever uses it.
  std::string topic_of(const Publish& read) {
    const std::string topic(read.topic, static_cast<std::size_t>(read.topic_size));
    const auto alias =
        is_v5_ ? MQTTProperties_getNumericValue(const_cast<MQTTProperties*>(&read.properties), MQTTPROPERTY_CODE_TOPIC_ALIAS)
               : -1;
    if (alias <= 0) return topic;
    auto& known = aliases_[static_cast<unsigned>(alias)];
    if (!topic.empty()) known = topic;
    if (known.empty()) throw Malformed("an alias that stands for nothing");
    return known;
  }

  Aliases& aliases_;
  bool is_v5_;
  int version_;
  std::uint8_t first_byte_;
  std::vector<char> body_;
};

}  // namespace

Paho::Paho() {
  const MQTTClient_nameValue* const about = MQTTClient_getVersionInfo();
  bool is_known = false;
  for (const auto* each = about; each->name != nullptr; ++each) {
    is_known = is_known || (std::strcmp(each->name, "Version") == 0 && std::strncmp(each->value, "1.3.", 4) == 0);
  }
  if (!is_known) throw std::runtime_error("Paho's packets may lie otherwise in memory than those of its 1.3");
  // The library sets its heap and its log up with its first client, which connects nowhere.
  if (MQTTClient_create(&client_, "tcp://127.0.0.1:1", "differ", MQTTCLIENT_PERSISTENCE_NONE, nullptr) != 0) {
    throw std::runtime_error("Paho makes no client");
  }
}

Paho::~Paho() {
  MQTTClient_destroy(&client_);
}

Reading Paho::read(const Stream& stream) const {
  Reading reading;
  Bytes left = stream.bytes;
  Aliases aliases;
  try {
    while (!left.empty()) {
      // Five bytes that are there, for a length that may end too early.
      std::array<char, 5> head{};
      std::memcpy(head.data(), left.data(), std::min(head.size(), left.size()));
      unsigned length = 0;
      const auto length_size = MQTTPacket_decodeBuf(head.data() + 1, &length);
      if (length_size < 0) throw Malformed("bad remaining length");
      const std::size_t header_size = 1 + static_cast<std::size_t>(length_size);
      if (left.size() < header_size || left.size() - header_size < length) {
        reading.end = Reading::cut;
        return reading;
      }
      reading.packets.push_back(PacketReader(stream.version, left[0], left.subspan(header_size, length), aliases).read());
      left = left.subspan(header_size + length);
    }
  } catch (const Malformed& fault) {
    reading.end = fault.what();
  }
  return reading;
}

}  // namespace bastion::differ
