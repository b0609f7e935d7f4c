// The gate's reading of ACL files against Mosquitto's own: generated files, and for each the same questions to both.
#include "policy/acl_file.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "client.hpp"
#include "policy/access.hpp"
#include "policy/policy.hpp"
#include "process.hpp"
#include "stage.hpp"

namespace bastion::e2e {
namespace {

/// MQTT 5 in the clear, to a broker on loopback.
class PlainClient {
 public:
  PlainClient(const Endpoint& to, const std::string& client_id, const std::optional<std::string>& user) : tcp_{to} {
    send(packet(Connect{5, client_id, user, {}}));
    const auto connack = read_packet();
    if (connack.size() < 4 || connack[0] != 0x20 || connack[3] != 0) throw std::runtime_error{"not let in: " + client_id};
  }

  void send(const Bytes& bytes) const { tcp_.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); }

  /// One packet, fixed header and all.
  [[nodiscard]] Bytes read_packet() const {
    auto out = read(2);
    std::size_t length = out[1] & 0x7fU;
    for (unsigned shift = 7; (out.back() & 0x80U) != 0; shift += 7) {
      out.push_back(read(1).front());
      length |= std::size_t{out.back() & 0x7fU} << shift;
    }
    const auto body = read(length);
    out.insert(out.end(), body.begin(), body.end());
    return out;
  }

  /// Publishes with QoS 1, and says whether the broker took it.
  [[nodiscard]] bool publish(const std::string& topic) {
    auto bytes = publish_packet(5, topic, "x");
    // The packet identifier of QoS 1 stands behind the topic.
    bytes[0] = 0x32;
    bytes[1] = static_cast<std::uint8_t>(bytes[1] + 2);
    const auto at = bytes.begin() + 4 + static_cast<std::ptrdiff_t>(topic.size());
    bytes.insert(at, {0, 1});
    send(bytes);
    while (true) {
      const auto answer = read_packet();
      if (answer[0] != 0x40) continue;
      const std::uint8_t code = answer.size() > 4 ? answer[4] : 0;
      if (code != 0 && code != 0x10 && code != 0x87) throw std::runtime_error{"PUBACK " + std::to_string(code)};
      return code != 0x87;
    }
  }

  void subscribe(const std::string& filter) {
    send(subscribe_packet(5, filter));
    while (read_packet()[0] != 0x90) {
    }
  }

  /// The topics of all that was delivered before the broker answers a PINGREQ.
  [[nodiscard]] std::set<std::string> deliveries() const {
    send({0xc0, 0});
    std::set<std::string> out;
    while (true) {
      const auto packet = read_packet();
      if (packet[0] == 0xd0) return out;
      if ((packet[0] & 0xf0U) != 0x30) continue;
      std::size_t at = 2;
      while ((packet[at - 1] & 0x80U) != 0) ++at;
      const std::size_t size = packet[at] * 256U + packet[at + 1];
      out.emplace(packet.begin() + static_cast<std::ptrdiff_t>(at + 2),
                  packet.begin() + static_cast<std::ptrdiff_t>(at + 2 + size));
    }
  }

 private:
  [[nodiscard]] Bytes read(std::size_t count) const {
    Bytes out(count);
    std::size_t done = 0;
    while (done < count) {
      const auto got = ::recv(tcp_.fd(), out.data() + done, count - done, 0);
      if (got <= 0) throw std::runtime_error{"the broker closed"};
      done += static_cast<std::size_t>(got);
    }
    return out;
  }
  Tcp tcp_;
};

struct Who {
  std::optional<std::string> user;
  std::string client_id;
};

/// Files whose rules meet often, in all that their form allows.
class Writer {
 public:
  explicit Writer(std::uint32_t seed) : random_{seed} {}

  std::string acl() {
    std::string out;
    const auto lines = 2 + below(14);
    for (std::size_t i = 0; i < lines; ++i) {
      const auto kind = below(10);
      if (kind < 2) {
        out += "user " + pick({"alice", "bob", "a b", "x+y", "carol"}) + '\n';
      } else if (kind == 2) {
        out += pick({"\n", "# topic read #\n", "   \n"});
      } else {
        out += pick({"", "", "  "}) + (kind < 6 ? "pattern " : "topic ") +
               pick({"read ", "write ", "readwrite ", "deny ", "deny ", "", "read   "}) + filter(kind < 6) +
               pick({"", "", " ", "\r"}) + '\n';
      }
    }
    // Who sees everything, so that deliveries to others can be brought about. A user's allows come before patterns.
    return out + "user observer\ntopic readwrite #\ntopic readwrite $x/#\ntopic read $SYS/#\n";
  }

 private:
  std::string filter(bool is_pattern) {
    std::string out;
    const auto depth = 1 + below(3);
    for (std::size_t i = 0; i < depth; ++i) {
      if (i > 0) out += '/';
      const auto choice = below(is_pattern ? 14 : 8);
      out += choice < 8 ? pick({"a", "b", "+", "+", "alice", "cam1", i == 0 ? "$x" : "c", ""})
                        : pick({"%c", "%u", "%c", "%u", "d-%c", "%u%c"});
    }
    if (below(4) == 0) out = below(6) == 0 ? "#" : out + "/#";
    // An empty filter is none, and one that begins with an access word or a blank would be another line.
    return out.empty() || out == "/" ? "a" : out;
  }
  std::string pick(std::initializer_list<const char*> words) { return words.begin()[below(words.size())]; }
  std::size_t below(std::size_t count) { return random_() % count; }
  std::mt19937 random_;
};

std::vector<std::string> all_topics() {
  std::vector<std::string> out{"$SYS/broker/version",
                               "$SYS/broker/connection/b/state",
                               "$x",
                               "$x/a",
                               "$x/alice",
                               "$x/a/b",
                               "a//b",
                               "/a",
                               "a/",
                               "d-cam1",
                               "alicecam1",
                               "a/d-cam1",
                               "b/bobcam2/a",
                               "a b",
                               "a b/c",
                               "%c",
                               "%u/a",
                               "a/b/c/a"};
  for (const auto* first : {"a", "b", "c", "alice", "bob", "cam1", "cam2"}) {
    out.emplace_back(first);
    for (const auto* second : {"a", "b", "c", "alice", "cam1"}) {
      out.push_back(std::string{first} + '/' + second);
      for (const auto* third : {"a", "b", "alice", "cam1"}) out.push_back(std::string{first} + '/' + second + '/' + third);
    }
  }
  return out;
}

/// Mosquitto with an ACL file, gone with its owner.
class AclBroker {
 public:
  AclBroker(const Directory& directory, const std::string& acl) {
    write_file(directory / "acl", acl);
    write_file(directory / "mosquitto.conf",
               "listener " + std::to_string(port_.number()) +
                   " 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest stderr\nlog_type all\n"
                   "acl_file " +
                   (directory / "acl").string() + '\n');
    process_ = std::make_unique<Process>(
        std::vector<std::string>{BASTION_MOSQUITTO, "-c", (directory / "mosquitto.conf").string()});
    if (!process_->err().wait_for(" running")) throw std::runtime_error("no broker:\n" + process_->err().text() + acl);
  }
  [[nodiscard]] Endpoint endpoint() const { return {"127.0.0.1", port_.number()}; }

 private:
  ReservedPort port_;
  std::unique_ptr<Process> process_;
};

/// Asks both about every topic, for one client.
void compare(const AclBroker& broker, const Policy& policy, const Who& who, const std::string& told) {
  const Access access{
      policy, nullptr, {who.user ? std::optional<std::string_view>{*who.user} : std::nullopt, who.client_id}};
  PlainClient client{broker.endpoint(), who.client_id, who.user};
  const auto topics = all_topics();
  for (const auto& topic : topics) {
    ASSERT_EQ(access.may_publish(topic, 1, false).is_allowed(), client.publish(topic)) << "PUBLISH " << topic << told;
  }
  client.subscribe("#");
  client.subscribe("$x/#");
  client.subscribe("$SYS/broker/version");
  PlainClient observer{broker.endpoint(), "observer", "observer"};
  for (const auto& topic : topics) {
    if (topic.compare(0, 4, "$SYS") == 0) continue;
    ASSERT_TRUE(observer.publish(topic)) << topic << told;
  }
  // Mosquitto's own, which it sends at the subscription.
  const auto delivered = client.deliveries();
  for (const auto& topic : topics) {
    if (topic == "$SYS/broker/connection/b/state") continue;
    ASSERT_EQ(access.may_receive(topic).is_allowed, delivered.count(topic) == 1) << "delivery of " << topic << told;
  }
}

TEST(AclFile, MeansToTheGateWhatItMeansToMosquitto) {
  constexpr std::uint32_t files = 60;
  for (std::uint32_t seed = 1; seed <= files; ++seed) {
    const auto acl = Writer{seed}.acl();
    auto parsed = AclFile::parse(acl, "acl");
    for (const auto& complaint : parsed.complaints) ASSERT_TRUE(complaint.warning) << complaint.message << '\n' << acl;
    Policy policy;
    policy.authorization.acl = std::move(parsed.acl);
    const Directory directory;
    const AclBroker broker{directory, acl};
    for (const Who& who : {Who{"alice", "cam1"}, Who{"bob", "cam2"}, Who{"a b", "b"}, Who{"x+y", "cam1"}, Who{"alice", "#"},
                           Who{std::nullopt, "cam1"}}) {
      compare(broker, policy, who, "\nby " + who.user.value_or("nobody") + ", seed " + std::to_string(seed) + '\n' + acl);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(AclFile, IsRefusedByTheGateWhereMosquittoRefusesIt) {
  const Directory directory;
  for (const auto* line : {"topic", "user", "topics a", "topic rad a", "topic a b", "topic read a/b#", "topic read #/a",
                           "pattern read a+", " # late", "topic\tread a", "user  "}) {
    const auto parsed = AclFile::parse(line, "acl");
    const bool is_refused = !parsed.complaints.empty() && !parsed.complaints.front().warning;
    EXPECT_TRUE(is_refused) << line;
    EXPECT_THROW((AclBroker{directory, std::string{line} + '\n'}), std::runtime_error) << line;
  }
}

}  // namespace
}  // namespace bastion::e2e
