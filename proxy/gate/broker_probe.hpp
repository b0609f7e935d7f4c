// Whether the broker can be reached, for /readyz.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "policy/policy.hpp"
#include "proxy/net/asio.hpp"

namespace bastion::gate {

/// Connects to the broker and hangs up. An answer is good for a second, and questions that come while one is under way share
/// its answer, so that whoever asks for readiness can't make the gate knock without end.
class BrokerProbe {
 public:
  /// Empty: reachable; otherwise why not.
  using Answer = std::function<void(const std::string& trouble)>;

  explicit BrokerProbe(net::IoContext& context);
  ~BrokerProbe();
  BrokerProbe(const BrokerProbe&) = delete;
  BrokerProbe& operator=(const BrokerProbe&) = delete;

  /// Waits for `connect_timeout` at most.
  void ask(const UpstreamPolicy& upstream, Answer answer);

 private:
  void conclude(std::string trouble);

  net::Descriptor socket_;
  net::Timer timer_;
  std::vector<Answer> waiting_;
  std::string trouble_;
  net::Clock::time_point good_until_{};
};

}  // namespace bastion::gate
