// mqtt-bastion check: everything that is wrong with a policy and the files it names.
#include <algorithm>
#include <ctime>

#include "proxy/cli/cli.hpp"
#include "proxy/gate/descriptors.hpp"
#include "proxy/gate/setup.hpp"

namespace bastion::cli {
namespace {

/// `1 user`, `2 users`.
std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

bool leaves_topics_to_broker(const Policy& policy) {
  const auto names_topics = [](const Role& role) { return role.topics.has_value(); };
  return !policy.authorization.acl && std::none_of(policy.roles.begin(), policy.roles.end(), names_topics);
}

bool is_up(const Policy& policy, const Shield& shield) {
  return policy.mqtt.guards.has(shield.guard);
}

/// `Shields: 54 up; off: CVE-2018-12543.`
void print_shields(const Policy& policy) {
  std::size_t up = 0;
  std::string off;
  for (const auto& shield : shields()) {
    if (is_up(policy, shield)) {
      ++up;
    } else {
      off += (off.empty() ? "; off: " : ", ") + std::string{shield.name};
    }
  }
  std::printf("Shields: %zu up%s.\n", up, off.c_str());
}

void list_shields(const Policy& policy) {
  for (const auto& shield : shields()) {
    const auto& guard = info(shield.guard);
    auto how = std::string{label(guard.kind)};
    if (!guard.key.empty()) how += ' ' + std::string{guard.key};
    std::printf("%-4s %-22s %s: %s (%s)\n", is_up(policy, shield) ? "up" : "OFF", std::string{shield.name}.c_str(),
                std::string{shield.affects}.c_str(), std::string{shield.trigger}.c_str(), how.c_str());
  }
}

}  // namespace

void print(std::FILE* to, const std::vector<Complaint>& complaints) {
  for (const auto& complaint : complaints) std::fprintf(to, "%s\n", text(complaint).c_str());
}

int check_command(const CheckOptions& options) {
  const auto loaded = gate::load_setup(options.policy, static_cast<std::int64_t>(std::time(nullptr)));
  print(stderr, loaded.complaints);
  if (!loaded.setup) {
    std::fprintf(stderr, "%s: not usable; the gate would not start with it\n", options.policy.c_str());
    return bad_policy;
  }
  // What the service manager grants may be another matter: a warning.
  if (const auto room = gate::lack_of_room_for(loaded.setup->policy); !room.empty()) {
    print(stderr, {{loaded.setup->policy.place_of("admission.connections_max"), room, true}});
  }
  if (!options.quiet) {
    const auto& policy = loaded.setup->policy;
    const auto users = loaded.setup->passwords ? loaded.setup->passwords->size() : 0;
    std::printf("%s: good. %s, %s, %s; not in the list: refused. Login %s.\n", options.policy.c_str(),
                counted(policy.admission.prefixes.size(), "address rule").c_str(), counted(users, "user").c_str(),
                counted(policy.roles.size(), "role").c_str(), policy.authentication.required ? "required" : "NOT required");
    if (leaves_topics_to_broker(policy)) std::printf("Who may publish and subscribe to what is left to the broker.\n");
    print_shields(policy);
  }
  if (options.shields) list_shields(loaded.setup->policy);
  return done;
}

}  // namespace bastion::cli
