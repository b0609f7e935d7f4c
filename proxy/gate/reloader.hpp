// Reading the policy again while the gate goes on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/gate/reload_result.hpp"
#include "proxy/gate/setup.hpp"
#include "proxy/net/asio.hpp"

namespace bastion::gate {

/// One reload after the other. Files are read on a thread of its own, so that whoever is on the home thread, a signal to
/// stop before all, never waits for them. However many ask while a policy is being read, it is read once more for all of
/// them: what they want read may have been written after the reading began.
class Reloader {
 public:
  using Reply = std::function<void(const ReloadResult&)>;
  struct Steps {
    std::function<void()> begin;                      ///< on the home thread
    std::function<LoadedSetup()> load;                ///< on a thread of its own
    std::function<ReloadResult(LoadedSetup)> finish;  ///< on the home thread
  };

  Reloader(net::IoContext& home, Steps steps);
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;
  /// Waits for a reading that is under way. The context must not be run any more.
  ~Reloader();

  // --- on the home thread ---

  /// Reads the policy, or reads it once more after the reading that is under way. `reply` may be empty.
  void ask(Reply reply);
  /// From now on nothing is read; what is being read is not put in force. Whoever has asked, or will ask, is told `why`.
  void stop(const std::string& why);

 private:
  struct Reader;

  void begin();
  void finish(LoadedSetup loaded);

  net::IoContext& home_;
  Steps steps_;
  std::unique_ptr<Reader> reader_;
  std::vector<Reply> current_;  ///< those who are answered by the reading that is under way
  std::vector<Reply> next_;     ///< those who have asked since
  std::string stopped_;         ///< why; empty: it is not
  bool is_reading_ = false;
};

}  // namespace bastion::gate
