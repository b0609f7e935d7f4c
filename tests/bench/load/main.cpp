// The clients and the broker between which a proxy stands: takes commands by the line, answers each with a line of JSON.
//
//   bench_load CA_FILE USER PASSWORD PATIENCE_S
//
// The first line it prints is {"broker": PORT}. An answer is either what was counted or {"void": WHY}, after which it ends.
// tests/bench/load.py gives the commands; commands() below lists them.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>

#include "tests/bench/load/crowd.hpp"
#include "tests/bench/load/round_trips.hpp"

namespace bastion::bench {
namespace {

using Answer = std::vector<std::pair<const char*, std::uint64_t>>;
using Words = std::istringstream;

void print(const Answer& answer) {
  const char* separator = "{";
  for (const auto& [name, value] : answer) {
    std::cout << separator << '"' << name << "\": " << value;
    separator = ", ";
  }
  std::cout << (answer.empty() ? "{}\n" : "}\n") << std::flush;
}

/// The next word of a command, which is a number.
template <class Number>
Number next(Words& words) {
  Number number{};
  if (!(words >> number)) throw std::invalid_argument{"a number is missing"};
  return number;
}

class Load {
 public:
  Load(const std::string& ca_file, Credentials credentials, std::chrono::seconds patience)
      : loop_{patience}, credentials_{std::move(credentials)}, tls_{client_tls(ca_file)} {}

  [[nodiscard]] std::uint16_t broker_port() const { return broker_.port(); }

  [[nodiscard]] Answer obey(const std::string& line) {
    Words words{line};
    std::string name;
    words >> name;
    return commands().at(name)(*this, words);
  }

 private:
  using Command = std::function<Answer(Load&, Words&)>;

  static const std::map<std::string, Command>& commands() {
    static const std::map<std::string, Command> table{
        {"open", &Load::open},                // PORT CLIENTS SUBSCRIPTIONS
        {"publish", &Load::publish},          // DIRECTION MESSAGES PAYLOAD_BYTES QOS AT_ONCE
        {"answer", &Load::answer},            // DIRECTION
        {"release", &Load::release},          // DIRECTION
        {"complete", &Load::complete},        // DIRECTION
        {"arrived", &Load::arrived},          //
        {"close", &Load::close},              //
        {"visit", &Load::visit},              // PORT CLIENTS AT_A_TIME
        {"strangers", &Load::strangers},      // PORT CLIENTS AT_A_TIME
        {"knock", &Load::knock},              // PORT COUNT SOURCE
        {"turned_away", &Load::turned_away},  //
        {"round_trips", &Load::round_trips},  // PORT COUNT PAYLOAD_BYTES INTERVAL_US
    };
    return table;
  }

  Answer open(Words& words) {
    const auto port = next<std::uint16_t>(words);
    const auto clients = next<std::uint32_t>(words);
    crowd_.open(port, clients, next<std::uint32_t>(words));
    return {};
  }

  /// `up` or `down`.
  static Crowd::Direction direction(Words& words) {
    std::string name;
    words >> name;
    if (name != "up" && name != "down") throw std::invalid_argument{"up or down?"};
    return name == "up" ? Crowd::Direction::up : Crowd::Direction::down;
  }

  Answer publish(Words& words) {
    const auto way = direction(words);
    const auto messages = next<std::uint32_t>(words);
    const auto payload_bytes = next<std::size_t>(words);
    const auto qos = static_cast<std::uint8_t>(next<unsigned>(words));
    return {{"messages", crowd_.publish(way, messages, payload_bytes, qos, next<std::uint32_t>(words))}};
  }

  Answer answer(Words& words) { return go_on(words, Leg::answer); }
  Answer release(Words& words) { return go_on(words, Leg::release); }
  Answer complete(Words& words) { return go_on(words, Leg::complete); }
  Answer go_on(Words& words, Leg leg) {
    crowd_.go_on(direction(words), leg);
    return {};
  }

  Answer arrived(Words&) {
    crowd_.arrived();
    return {};
  }

  Answer close(Words&) {
    crowd_.close();
    return {};
  }

  Answer visit(Words& words) {
    const auto port = next<std::uint16_t>(words);
    const auto clients = next<std::uint32_t>(words);
    crowd_.visit(port, clients, next<std::uint32_t>(words));
    return {};
  }

  Answer strangers(Words& words) {
    const auto port = next<std::uint16_t>(words);
    const auto clients = next<std::uint32_t>(words);
    crowd_.visit_as_strangers(port, clients, next<std::uint32_t>(words));
    return {};
  }

  Answer knock(Words& words) {
    const auto port = next<std::uint16_t>(words);
    const auto count = next<std::uint32_t>(words);
    std::string source;
    words >> source;
    crowd_.knock(port, count, source);
    return {};
  }

  Answer turned_away(Words&) {
    crowd_.turned_away();
    return {};
  }

  Answer round_trips(Words& words) {
    const auto port = next<std::uint16_t>(words);
    RoundTrips wanted;
    wanted.count = next<std::uint32_t>(words);
    wanted.payload_bytes = next<std::size_t>(words);
    wanted.interval = std::chrono::microseconds{next<std::int64_t>(words)};
    auto times = time_round_trips(loop_, broker_, tls_.get(), credentials_, port, wanted);
    std::sort(times.begin(), times.end());
    const auto percentile = [&](std::size_t percent) {
      return static_cast<std::uint64_t>(times.at((times.size() - 1) * percent / 100).count());
    };
    return {{"p50_ns", percentile(50)}, {"p99_ns", percentile(99)}};
  }

  Loop loop_;
  Credentials credentials_;
  TlsContext tls_;
  StubBroker broker_{loop_};
  Crowd crowd_{loop_, broker_, tls_.get(), credentials_};
};

int run(char** arguments) {
  Load load{arguments[1], {arguments[2], arguments[3]}, std::chrono::seconds{std::stoi(arguments[4])}};
  print({{"broker", load.broker_port()}});
  for (std::string line; std::getline(std::cin, line);) {
    try {
      print(load.obey(line));
    } catch (const Void& why) {
      std::cout << "{\"void\": \"" << why.what() << "\"}\n" << std::flush;
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace bastion::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: bench_load CA_FILE USER PASSWORD PATIENCE_S\n", stderr);
    return 2;
  }
  try {
    return bastion::bench::run(argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_load: %s\n", failure.what());
    return 1;
  }
}
