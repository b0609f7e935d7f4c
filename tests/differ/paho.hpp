// Another reader of what a broker sends: the parsers inside Eclipse Paho's C client, called without its sockets.
#pragma once

#include "tests/differ/reading.hpp"

namespace bastion::differ {

class Paho {
 public:
  /// Sets the library up; throws where it is another than was looked into. One at a time.
  Paho();
  ~Paho();
  Paho(const Paho&) = delete;
  Paho& operator=(const Paho&) = delete;

  /// `stream`: a server's.
  [[nodiscard]] Reading read(const Stream& stream) const;

 private:
  void* client_ = nullptr;
};

}  // namespace bastion::differ
