// Configurations of Mosquitto in memory.
#include "tests/support/mosquitto_tree.hpp"

#include <stdexcept>
#include <utility>
#include <variant>

#include "policy/parse.hpp"

namespace bastion::mosquitto::test {
namespace {

std::string lines_of(const std::vector<Complaint>& complaints) {
  std::string out;
  for (const auto& complaint : complaints) out += bastion::text(complaint) + '\n';
  return out;
}

/// The text with its lines changed, as patch(1) would.
std::string with_changes(const std::string& text, const FileChange& file) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::string out;
  const auto add = [&](const std::vector<std::string>& more) {
    for (const auto& line : more) out += line + '\n';
  };
  auto change = file.changes.begin();
  for (std::uint32_t number = 0; number <= lines.size(); ++number) {
    bool goes = false;
    std::vector<std::string> after;
    for (; change != file.changes.end() && change->line == number; ++change) {
      if (!change->is_added && change->before != lines.at(number - 1))
        throw std::runtime_error("not the line: " + change->before);
      goes = goes || !change->is_added;
      after.insert(after.end(), change->after.begin(), change->after.end());
    }
    if (number > 0 && !goes) out += lines[number - 1] + '\n';
    add(after);
  }
  if (change != file.changes.end()) throw std::runtime_error("a change beyond the end, or out of order");
  return out;
}

}  // namespace

Tree::Tree(std::string main, std::map<std::string, std::string> included) : files_{std::move(included)} {
  files_[main_file] = std::move(main);
}

ReadConf Tree::read() const {
  const Files files{[this](const std::string& path) -> std::variant<std::string, FileError> {
                      const auto found = files_.find(path);
                      if (found == files_.end()) return FileError{"No such file or directory", true};
                      return found->second;
                    },
                    [this](const std::string& path) -> std::variant<std::vector<std::string>, FileError> {
                      std::vector<std::string> names;
                      for (const auto& [name, text] : files_) {
                        if (name.substr(0, path.size() + 1) == path + '/') names.push_back(name.substr(path.size() + 1));
                      }
                      if (names.empty()) return FileError{"No such file or directory", true};
                      return names;
                    }};
  return read_conf(files_.at(main_file), main_file, files);
}

Conf Tree::conf() const {
  auto read = this->read();
  if (!read.conf) throw std::runtime_error(lines_of(read.complaints));
  return std::move(*read.conf);
}

std::string Tree::complaints() const {
  return lines_of(read().complaints);
}

Tree Tree::changed(const ImportOptions& options) const {
  const auto conf = this->conf();
  Tree out = *this;
  for (const auto& file : conf_changes(conf, make_plan(conf, options))) {
    out.files_.at(file.file) = with_changes(out.files_.at(file.file), file);
  }
  return out;
}

Imported::Imported(const Tree& tree, const ImportOptions& options)
    : conf{tree.conf()}, plan{make_plan(conf, options)}, text{policy_text(conf, plan, options)} {
  auto parsed = parse_policy(text.toml, options.policy_directory + "/policy.toml", {});
  warnings = lines_of(parsed.complaints);
  if (!parsed.policy) throw std::runtime_error(warnings + text.toml);
  policy = std::move(*parsed.policy);
}

std::vector<std::string> doors(const Conf& conf) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < conf.listeners.size(); ++i) {
    const auto& listener = conf.listeners[i];
    if (!listener.is_open) continue;
    out.push_back((i == 0 ? "default " : "listener ") +
                  (listener.unix_path.empty() ? std::to_string(listener.port) : "0 " + listener.unix_path) +
                  (listener.host.empty() ? "" : ' ' + listener.host));
  }
  return out;
}

std::vector<std::string> doors(const Policy& policy) {
  std::vector<std::string> out;
  for (const auto& listener : policy.listeners) {
    auto& door = out.emplace_back(listener.name);
    for (const auto& address : listener.addresses) door += ' ' + address.value.text();
  }
  return out;
}

}  // namespace bastion::mosquitto::test
