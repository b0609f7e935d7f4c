// One reading at a time, and one more for all who asked meanwhile.
#include "proxy/gate/reloader.hpp"

#include <boost/asio/thread_pool.hpp>
#include <utility>

namespace bastion::gate {

struct Reloader::Reader {
  boost::asio::thread_pool thread{1};
};

Reloader::Reloader(net::IoContext& home, Steps steps)
    : home_{home}, steps_{std::move(steps)}, reader_{std::make_unique<Reader>()} {}

Reloader::~Reloader() {
  reader_->thread.join();
}

void Reloader::ask(Reply reply) {
  if (!stopped_.empty()) {
    if (reply) reply({false, {stopped_}});
    return;
  }
  next_.push_back(std::move(reply));
  if (!is_reading_) begin();
}

void Reloader::begin() {
  current_ = std::exchange(next_, {});
  is_reading_ = true;
  steps_.begin();
  boost::asio::post(reader_->thread, [this] {
    boost::asio::post(home_, [this, loaded = steps_.load()]() mutable { finish(std::move(loaded)); });
  });
}

void Reloader::finish(LoadedSetup loaded) {
  is_reading_ = false;
  if (!stopped_.empty()) return;
  const auto result = steps_.finish(std::move(loaded));
  for (const auto& reply : std::exchange(current_, {})) {
    if (reply) reply(result);
  }
  if (!next_.empty()) begin();
}

void Reloader::stop(const std::string& why) {
  stopped_ = why;
  auto waiting = std::exchange(current_, {});
  for (auto& reply : std::exchange(next_, {})) waiting.push_back(std::move(reply));
  for (const auto& reply : waiting) {
    if (reply) reply({false, {why}});
  }
}

}  // namespace bastion::gate
