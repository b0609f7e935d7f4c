// The lines of mosquitto.conf to change so that Mosquitto listens for the gate alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/mosquitto/conf.hpp"
#include "proxy/mosquitto/plan.hpp"

namespace bastion::mosquitto {

/// One line goes, and others come in its place.
struct LineChange {
  std::uint32_t line = 0;  ///< from 1; those that come stand from here on
  std::string before;      ///< without its newline
  bool had_newline = true;
  bool is_added = false;  ///< nothing goes: `after` follows the line `line`, which may be 0
  std::vector<std::string> after;
};

struct FileChange {
  std::string file;                 ///< as complaints name it
  std::vector<LineChange> changes;  ///< by line
};

/// Nothing where Mosquitto need not be changed.
[[nodiscard]] std::vector<FileChange> conf_changes(const Conf& conf, const Plan& plan);

/// A unified diff without context, as patch(1) takes it: paths are absolute, so `patch -p1 -d /`. Behind each place stands
/// `file:line`. `directory`: absolute, where relative paths begin.
[[nodiscard]] std::string unified_diff(const std::vector<FileChange>& changes, const std::string& directory);

}  // namespace bastion::mosquitto
