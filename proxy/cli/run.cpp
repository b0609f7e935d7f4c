// mqtt-bastion run: the gate, and the admin listener beside it.
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "proxy/admin/admin.hpp"
#include "proxy/admin/control.hpp"
#include "proxy/cli/cli.hpp"
#include "proxy/gate/confine.hpp"
#include "proxy/gate/server.hpp"
#include "proxy/gate/signals.hpp"

namespace bastion::cli {
namespace {

std::unique_ptr<admin::Server> open_admin(gate::Server& gate) {
  const auto& address = gate.policy().admin.address.value;
  admin::Sources sources;
  sources.metrics = [&gate](auto reply) { gate.metrics(std::move(reply)); };
  sources.readiness = [&gate](auto reply) {
    gate.readiness([reply = std::move(reply)](const gate::Readiness& readiness) {
      reply({readiness.ready, readiness.why});
    });
  };
  return std::make_unique<admin::Server>(gate.context(), address.address.text(), address.port, admin::Limits{},
                                         std::move(sources));
}

std::unique_ptr<admin::Control> open_control(gate::Server& gate) {
  admin::ControlCommands commands;
  commands.status = [&gate](bool json, auto reply) {
    gate.status([json, reply = std::move(reply)](const account::Status& status) {
      reply(json ? account::status_json(status) : account::status_text(status));
    });
  };
  commands.reload = [&gate](auto reply) {
    gate.reload([reply = std::move(reply)](const gate::ReloadResult& result) {
      std::string lines;
      for (const auto& line : result.lines) lines += line + '\n';
      reply({result.good, std::move(lines)});
    });
  };
  return std::make_unique<admin::Control>(gate.context(), gate.policy().admin.socket->value, admin::ControlLimits{},
                                          std::move(commands));
}

gate::Confinement confinement_for(const RunOptions& options) {
  gate::Confinement confinement;
  confinement.user = options.user;
  if (options.ports_file.empty()) return confinement;
  // It is not the policy's, and is written when the gate is shut in already.
  const auto directory = std::filesystem::path{options.ports_file}.parent_path();
  confinement.written_too.push_back(directory.empty() ? "." : directory.string());
  return confinement;
}

bool write_ports(const std::string& path, const gate::Server& gate, const admin::Server* admin) {
  const auto temporary = path + ".new";
  std::ofstream file{temporary, std::ios::trunc};
  for (const auto& bound : gate.bound()) file << "listener " << bound.listener << ' ' << bound.address.text() << '\n';
  if (admin != nullptr)
    file << "admin " << SocketAddress{gate.policy().admin.address.value.address, admin->port()}.text() << '\n';
  file.close();
  return file && std::rename(temporary.c_str(), path.c_str()) == 0;
}

}  // namespace

int run_command(const RunOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  gate::hold_reload_signal();
  const auto confinement = confinement_for(options);
  auto started = gate::Server::start(options.policy, &confinement);
  if (const auto* failure = std::get_if<gate::StartFailure>(&started)) {
    print(stderr, failure->complaints);
    return failure->bad_policy ? bad_policy : failed;
  }
  const auto gate = std::move(std::get<std::unique_ptr<gate::Server>>(started));

  std::unique_ptr<admin::Server> admin;
  const auto& wanted = gate->policy().admin;
  if (wanted.enabled) {
    try {
      admin = open_admin(*gate);
    } catch (const std::runtime_error& failure) {
      print(stderr, {{wanted.address.where,
                      "can't listen for the admin on " + wanted.address.value.text() + ": " + failure.what() +
                          "; give [admin] address another port, or \"off\"",
                      false}});
      return failed;
    }
  }
  std::unique_ptr<admin::Control> control;
  if (wanted.socket) {
    try {
      control = open_control(*gate);
    } catch (const boost::system::system_error& failure) {
      print(stderr, {{wanted.socket->where,
                      "can't listen on the control socket \"" + wanted.socket->value + "\": " + failure.code().message() +
                          "; is its directory there and yours, and does no other gate run with this policy?",
                      false}});
      return failed;
    }
  }
  if (!options.ports_file.empty() && !write_ports(options.ports_file, *gate, admin.get())) {
    std::fprintf(stderr, "%s: can't write the ports: %s\n", options.ports_file.c_str(),
                 std::generic_category().message(errno).c_str());
    return failed;
  }
  return gate->run();
}

}  // namespace bastion::cli
