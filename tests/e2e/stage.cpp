// Setting the stage: files, broker, gate.
#include "stage.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace bastion::e2e {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view ports_name = "ports";

Endpoint endpoint_from(std::string_view text) {
  const auto colon = text.rfind(':');
  Endpoint result{std::string{text.substr(0, colon)}, 0};
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), result.port);
  return result;
}

/// Waits until the program has moved its ports file into place, or has ended.
void wait_for_file(int watch, int pidfd) {
  std::array<pollfd, 2> events{{{watch, POLLIN, 0}, {pidfd, POLLIN, 0}}};
  static_cast<void>(::poll(events.data(), events.size(), static_cast<int>(std::chrono::milliseconds{patience}.count())));
}

double number(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string label_of(std::string_view sample, std::string_view name) {
  const auto begin = sample.find(std::string{name} + "=\"");
  if (begin == std::string_view::npos) return {};
  const auto value = sample.substr(begin + name.size() + 2);
  return std::string{value.substr(0, value.find('"'))};
}

}  // namespace

void write_file(const fs::path& file, std::string_view text) {
  std::ofstream{file, std::ios::trunc | std::ios::binary} << text;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

std::string read_file(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream{file, std::ios::binary}.rdbuf();
  return text.str();
}

// --- Directory and port ---------------------------------------------------------------------------------------------------

Directory::Directory() {
  std::string name = fs::temp_directory_path() / "mqtt-bastion-e2e.XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = name;
}

Directory::~Directory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

// Bound but not listening: the kernel gives the port to nobody else, neither for listening nor as a client's, while
// whoever names it with SO_REUSEADDR may listen there. Connecting to it is refused until somebody does.
ReservedPort::ReservedPort() : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool bound = ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                     ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  if (!bound) throw std::runtime_error("no port");
  number_ = ntohs(address.sin_port);
}

ReservedPort::~ReservedPort() {
  ::close(fd_);
}

// --- Broker ---------------------------------------------------------------------------------------------------------------

Broker::Broker(const Directory& directory) : port_{std::in_place}, configuration_{directory / "mosquitto.conf"} {
  write_file(configuration_, "listener " + std::to_string(port_->number()) +
                                 " 127.0.0.1\n"
                                 "allow_anonymous true\nuser root\nlog_dest stderr\nlog_type all\n"
                                 "connection_messages true\nmax_queued_messages 0\n");
}

void Broker::start() {
  process_ = std::make_unique<Process>(std::vector<std::string>{BASTION_MOSQUITTO, "-c", configuration_.string()});
  if (!process_->err().wait_for(" running")) throw std::runtime_error("no broker:\n" + process_->err().text());
}

void Broker::kill() {
  process_->signal(SIGKILL);
  static_cast<void>(process_->wait());
}

bool Broker::wait_for_subscriber(const std::string& client_id, std::size_t times) const {
  return log().wait_for("Sending SUBACK to " + client_id + "\n", times);
}

// --- Gate -----------------------------------------------------------------------------------------------------------------

std::string PolicyText::text() const {
  return "schema = 1\n[gate]\nworkers = " + std::to_string(workers) + "\ndrain_timeout = \"" + drain_timeout +
         "\"\nlog = { lines_per_source_max = " + std::to_string(lines_per_source_max) + " }\n" + gate +
         "[admin]\naddress = \"" + admin_address + "\"\n" + admin + "[upstream]\naddress = \"" + broker_address + "\"\n" +
         upstream +
         "[tls]\ncertificate = [\"server-ecdsa.crt\", \"server-rsa.crt\"]\nkey = [\"server-ecdsa.key\", "
         "\"server-rsa.key\"]\n" +
         tls + "[[listener]]\nname = \"devices\"\naddress = \"" + listener_address + "\"\n" + listener +
         "[admission]\nallow = " + allow + "\nconnections_per_address_max = " + std::to_string(connections_per_address_max) +
         "\nhandshakes_per_address_max = 256\nconnect_rate_per_address = { burst = 100000, every = \"1ms\" }\n" + admission +
         "[authentication]\n" + authentication + "[mqtt]\n" + mqtt + last;
}

void furnish(const Directory& directory) {
  for (const auto& file : fs::directory_iterator{BASTION_CERTIFICATES}) {
    if (!file.is_regular_file()) continue;
    fs::copy_file(file, directory / file.path().filename().string());
  }
  // One round: the tests of passwords are elsewhere, and here many clients log in.
  for (const auto& [user, password] : {std::pair{alice, alices_password}, std::pair{bob, bobs_password}}) {
    const auto done =
        run({BASTION_PROGRAM, "passwd", "--batch", "--iterations", "1", "--create", directory / "passwd", user},
            password + "\n");
    if (done.code != 0) throw std::runtime_error("mqtt-bastion passwd: " + done.err);
  }
}

Gate::Gate(const Directory& directory, const std::vector<std::string>& before, const std::string& user)
    : ports_{directory / ports_name}, process_{[&] {
        std::error_code ignored;
        fs::remove(ports_, ignored);
        auto command = before;
        command.insert(command.end(),
                       {BASTION_PROGRAM, "run", "-c", directory / "policy.toml", "--ports-file", ports_, "--user", user});
        return command;
      }()} {
  const int watch = ::inotify_init1(IN_CLOEXEC);
  ::inotify_add_watch(watch, ports_.parent_path().c_str(), IN_MOVED_TO);
  if (!fs::exists(ports_)) wait_for_file(watch, process_.pidfd());
  ::close(watch);
  std::istringstream lines{read_file(ports_)};
  std::string kind;
  std::string name;
  std::string address;
  while (lines >> kind) {
    if (kind == "listener") {
      lines >> name >> address;
      devices_ = endpoint_from(address);
    } else {
      lines >> address;
      admin_ = endpoint_from(address);
    }
  }
  if (devices_.port == 0) throw std::runtime_error("no gate:\n" + log().text());
}

std::string Gate::metrics() const {
  const auto answer = http_get(admin_, "/metrics");
  if (answer.status != 200) throw std::runtime_error("/metrics: " + std::to_string(answer.status));
  return answer.body;
}

double Gate::metric(const std::string& name) const {
  const auto text = metrics();
  const auto line = lines_with(name + " ", text);
  if (line.empty()) throw std::runtime_error("no metric " + name);
  return number(std::string_view{line.back()}.substr(name.size() + 1));
}

double Gate::metric_sum(const std::string& family) const {
  double sum = 0;
  for (const auto& line : lines_with(family + "{", metrics())) {
    sum += number(std::string_view{line}.substr(line.rfind(' ') + 1));
  }
  return sum;
}

std::map<std::string, int> Gate::refusals() const {
  std::map<std::string, int> result;
  for (const auto& line : lines_with("mqtt_bastion_refusals_total{", metrics())) {
    const auto count = static_cast<int>(number(std::string_view{line}.substr(line.rfind(' ') + 1)));
    if (count != 0) result[label_of(line, "stage") + '/' + label_of(line, "reason") + '/' + label_of(line, "cause")] = count;
  }
  return result;
}

bool Gate::wait_for_ends(std::size_t count) const {
  return log().wait_until([count](std::string_view text) {
    return count_of(" refused client=", text) + count_of(" closed client=", text) >= count;
  });
}

// --- Stage ----------------------------------------------------------------------------------------------------------------

Stage::Stage(PolicyText wanted) : broker{directory}, policy{std::move(wanted)} {
  std::signal(SIGPIPE, SIG_IGN);
  furnish(directory);
  broker.start();
  if (policy.broker_address.empty()) policy.broker_address = "127.0.0.1:" + std::to_string(broker.endpoint().port);
  write_policy();
  start_gate();
}

void Stage::write_policy() const {
  write_policy(policy.text());
}

void Stage::write_policy(std::string_view text) const {
  write_file(directory / "policy.toml", text);
}

void Stage::start_gate(const std::vector<std::string>& before) {
  gate = std::make_unique<Gate>(directory, before);
}

std::vector<std::string> Stage::mosquitto_client(const std::string& program, const std::vector<std::string>& more) const {
  std::vector<std::string> command{program,        "-h", "127.0.0.1", "-p",  std::to_string(gate->devices().port),
                                   "--cafile",     ca(), "-u",        alice, "-P",
                                   alices_password};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

TlsClient Stage::admitted(std::uint8_t level, const std::string& client_id, const DialOptions& options) const {
  TlsClient client{gate->devices(), ca(), options};
  client.write(packet(Connect{level, client_id, alice, alices_password}));
  const auto answer = client.read_packet();
  if (answer.size() < 4 || answer[0] != 0x20 || answer[3] != 0) throw std::runtime_error("not admitted");
  return client;
}

}  // namespace bastion::e2e
