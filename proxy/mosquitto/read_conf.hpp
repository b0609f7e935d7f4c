// mosquitto.conf with the files that it includes, to Conf, or everything that is wrong with it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/parse.hpp"
#include "proxy/mosquitto/conf.hpp"

namespace bastion::mosquitto {

/// The names in a directory, in any order, or why they can't be read.
using ListDirectory = std::function<std::variant<std::vector<std::string>, FileError>(const std::string& path)>;

/// How the files that `include_dir` names are reached. Paths come as they stand in the file.
struct Files {
  ReadFile read;
  ListDirectory list;
};

struct ReadConf {
  std::optional<Conf> conf;  ///< nothing where any complaint is more than a warning
  std::vector<Complaint> complaints;
};

/// Reads as Mosquitto 2.0 does: a comment is a line that *begins* with `#`; the first word is the option, blanks (not tabs)
/// part words; each included file begins below no listener. What Mosquitto itself would refuse is complained of where it
/// matters here; an option that nobody knows is a warning, since it may be a newer Mosquitto's.
[[nodiscard]] ReadConf read_conf(std::string_view text, const std::string& file, const Files& files);

inline constexpr std::size_t conf_bytes_max = std::size_t{4} << 20;  ///< of one file
inline constexpr std::size_t conf_line_bytes_max = 65'535;           ///< Mosquitto takes no longer value
inline constexpr std::size_t conf_files_max = 1'000;
inline constexpr std::size_t conf_statements_max = 20'000;
inline constexpr std::size_t conf_listeners_max = 32;

}  // namespace bastion::mosquitto
