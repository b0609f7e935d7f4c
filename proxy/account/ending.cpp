// The labels of the ends that are nobody's refusal.
#include "proxy/account/ending.hpp"

namespace bastion::account {

std::string_view label(Close close) {
  switch (close) {
    case Close::client_disconnect:
      return "client_disconnect";
    case Close::client_gone:
      return "client_gone";
    case Close::upstream_closed:
      return "upstream_closed";
    case Close::balancer_check:
      return "balancer_check";
    case Close::fault:
    case Close::count_:
      break;
  }
  return "fault";
}

}  // namespace bastion::account
