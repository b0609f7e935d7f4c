// A child process with mqtt-packet in it, asked through two pipes.
#include "tests/differ/mqtt_packet.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

namespace bastion::differ {

namespace {

constexpr std::size_t number_size = 4;

void append_number(std::vector<std::uint8_t>& out, std::size_t number) {
  for (unsigned byte = number_size; byte-- > 0;) out.push_back(static_cast<std::uint8_t>(number >> (8 * byte)));
}

std::size_t number_at(std::string_view text, std::size_t at) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < number_size; ++i) number = number << 8 | static_cast<std::uint8_t>(text[at + i]);
  return number;
}

Reading reading_of(std::string_view text) {
  Reading reading;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    reading.packets.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  reading.end = text;
  return reading;
}

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

MqttPacket::MqttPacket() {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone is an error of its next question
  const char* const modules = std::getenv("NODE_PATH");
  const std::string node = "node";
  const std::string script = BASTION_MQTT_PACKET_SCRIPT;
  const std::string directory = modules != nullptr && *modules != '\0' ? modules : BASTION_NODE_MODULES;
  std::array<int, 2> questions{};
  std::array<int, 2> answers{};
  if (::pipe2(questions.data(), O_CLOEXEC) != 0 || ::pipe2(answers.data(), O_CLOEXEC) != 0) fail(errno, "pipe2");
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, questions[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, answers[1], STDOUT_FILENO);
  const std::array<char*, 4> command = {const_cast<char*>(node.c_str()), const_cast<char*>(script.c_str()),
                                        const_cast<char*>(directory.c_str()), nullptr};
  const int error = ::posix_spawnp(&pid_, node.c_str(), &actions, nullptr, command.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(questions[0]);
  ::close(answers[1]);
  to_ = questions[1];
  from_ = answers[0];
  if (error != 0) fail(error, "node (cmake/install-dependencies test)");
  static_cast<void>(read(std::span<const Stream>{}));  // it is there, and has found what it needs
}

MqttPacket::~MqttPacket() {
  ::close(to_);
  ::close(from_);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

std::vector<Reading> MqttPacket::read(std::span<const Stream> streams) {
  std::vector<std::uint8_t> question;
  for (const Stream& stream : streams) {
    question.push_back(static_cast<std::uint8_t>(stream.version));
    append_number(question, stream.bytes.size());
    question.insert(question.end(), stream.bytes.begin(), stream.bytes.end());
  }
  std::vector<std::uint8_t> size;
  append_number(size, question.size());
  write_all(size);
  write_all(question);
  const std::string answer = read_all(read_size());
  std::vector<Reading> readings;
  for (std::size_t at = 0; at < answer.size();) {
    const auto text_size = number_at(answer, at);
    readings.push_back(reading_of(std::string_view(answer).substr(at + number_size, text_size)));
    at += number_size + text_size;
  }
  if (readings.size() != streams.size()) throw std::runtime_error("mqtt_packet.mjs has answered another question");
  return readings;
}

void MqttPacket::write_all(const std::vector<std::uint8_t>& bytes) const {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto written = ::write(to_, bytes.data() + at, bytes.size() - at);
    if (written < 0 && errno != EINTR) fail(errno, "mqtt_packet.mjs takes no question");
    if (written > 0) at += static_cast<std::size_t>(written);
  }
}

std::string MqttPacket::read_all(std::size_t size) const {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size;) {
    const auto read = ::read(from_, bytes.data() + at, size - at);
    if (read == 0) throw std::runtime_error("mqtt_packet.mjs has ended; tests/run installs what it needs from npm");
    if (read < 0 && errno != EINTR) fail(errno, "mqtt_packet.mjs does not answer");
    if (read > 0) at += static_cast<std::size_t>(read);
  }
  return bytes;
}

std::size_t MqttPacket::read_size() const {
  return number_at(read_all(number_size), 0);
}

}  // namespace bastion::differ
