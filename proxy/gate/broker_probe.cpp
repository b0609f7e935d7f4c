// A TCP or Unix connect that is given up after a while.
#include "proxy/gate/broker_probe.hpp"

#include <cerrno>

#include "proxy/gate/upstream.hpp"

namespace bastion::gate {
namespace {

constexpr auto answer_is_good_for = std::chrono::seconds{1};
constexpr std::size_t waiting_max = 64;

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

}  // namespace

BrokerProbe::BrokerProbe(net::IoContext& context) : socket_{context}, timer_{context} {}
BrokerProbe::~BrokerProbe() = default;

void BrokerProbe::ask(const UpstreamPolicy& upstream, Answer answer) {
  if (net::Clock::now() < good_until_) return answer(trouble_);
  if (waiting_.size() >= waiting_max) return answer("too many ask at once");
  waiting_.push_back(std::move(answer));
  if (waiting_.size() > 1) return;

  const auto address = upstream_address(upstream);
  auto fd = upstream_socket(address);
  if (!fd) return conclude(dial_trouble(upstream, errno));
  socket_.assign(fd.get());
  const int connecting = fd.release();
  const bool done = ::connect(connecting, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0;
  if (done || errno != EINPROGRESS) return conclude(done ? "" : dial_trouble(upstream, errno));
  timer_.expires_after(upstream.connect_timeout);
  timer_.async_wait([this, upstream](const boost::system::error_code& error) {
    if (!error) conclude(dial_trouble(upstream, ETIMEDOUT));
  });
  socket_.async_wait(net::Descriptor::wait_write, [this, upstream](const boost::system::error_code& error) {
    if (error) return;
    const int failed = pending_error(socket_.native_handle());
    conclude(failed == 0 ? "" : dial_trouble(upstream, failed));
  });
}

void BrokerProbe::conclude(std::string trouble) {
  timer_.cancel();
  boost::system::error_code ignored;
  if (socket_.is_open()) socket_.close(ignored);
  trouble_ = std::move(trouble);
  good_until_ = net::Clock::now() + answer_is_good_for;
  for (auto& answer : std::exchange(waiting_, {})) answer(trouble_);
}

}  // namespace bastion::gate
