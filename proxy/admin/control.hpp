// The control socket: what `mqtt-bastion status` and `reload` ask of a running gate.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace bastion::admin {

struct ControlLimits {
  unsigned connections_max = 8;
  std::chrono::milliseconds question_timeout{1'000};  ///< from accept to the end of the question, which programs ask
  std::chrono::milliseconds answer_timeout{10'000};   ///< from there to the end of the answer
};

/// What is answered. Each is called on the control's thread and answers there, later or at once.
struct ControlCommands {
  std::function<void(bool json, std::function<void(std::string)>)> status;
  struct Reloaded {
    bool good = false;
    std::string message;  ///< lines: complaints, or what is in force now
  };
  std::function<void(std::function<void(Reloaded)>)> reload;
};

/// Listens on a Unix socket of mode 0660. A client says one line, `status text`, `status json` or `reload`; the answer is a
/// line `ok` or `failed`, what there is to say, and the end. Peer credentials are checked too: everything is answered to
/// root and to the gate's own user, `status` also to members of its group by their main one; others hear nothing. Where all
/// connections are taken, the one that has been silent for longest makes room, and where none is silent the newcomer is told
/// so. The context must be run by one thread and outlive the server.
class Control {
 public:
  /// Takes the place of a socket that nobody listens on any more. Throws boost::system::system_error where the path can't
  /// be bound; `address_in_use` where another gate answers there, or where something stands there that is no socket.
  Control(boost::asio::io_context& context, const std::string& path, ControlLimits limits, ControlCommands commands);
  /// Removes the socket if it is still its own.
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace bastion::admin
