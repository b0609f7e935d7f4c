// What has to change in mosquitto.conf, and how a diff says it.
#include "proxy/mosquitto/changes.hpp"

#include <algorithm>
#include <utility>

#include "policy/quantity.hpp"

namespace bastion::mosquitto {
namespace {

constexpr std::size_t name_shown_max = 200;

class Changer {
 public:
  Changer(const Conf& conf, const Plan& plan) : conf_{conf}, plan_{plan} {}

  std::vector<FileChange> make() {
    for (const auto listener : plan_.closed) remove_all(listener);
    for (const auto listener : plan_.to_loopback) move_to_loopback(listener);
    if (plan_.moved == 0U) {
      move_default();
    } else if (plan_.moved) {
      move(*plan_.moved);
    }
    if (plan_.is_new) append({plan_.broker_line});
    for (auto& file : files_) {
      std::sort(file.changes.begin(), file.changes.end(), [](const LineChange& a, const LineChange& b) {
        return std::pair{a.line, a.is_added} < std::pair{b.line, b.is_added};
      });
    }
    return std::move(files_);
  }

 private:
  FileChange& file(const std::string& name) {
    const auto found =
        std::find_if(files_.begin(), files_.end(), [&](const FileChange& other) { return other.file == name; });
    if (found != files_.end()) return *found;
    return files_.emplace_back(FileChange{name, {}});
  }

  void replace(const Statement& statement, std::vector<std::string> after) {
    file(statement.where.file)
        .changes.push_back({statement.where.line, statement.line, !statement.ends_the_file, false, std::move(after)});
  }

  /// At the end of the main file nothing follows that could be taken for the new listener's.
  void append(std::vector<std::string> lines) {
    auto& main = file(conf_.file);
    if (conf_.last_line.empty()) {
      main.changes.push_back({conf_.lines, {}, true, true, std::move(lines)});
      return;
    }
    const auto last = std::find_if(main.changes.begin(), main.changes.end(),
                                   [&](const LineChange& change) { return change.line == conf_.lines; });
    if (last != main.changes.end()) {
      last->after.insert(last->after.end(), lines.begin(), lines.end());
    } else {
      lines.insert(lines.begin(), conf_.last_line);
      main.changes.push_back({conf_.lines, conf_.last_line, false, false, std::move(lines)});
    }
  }

  void remove_all(std::size_t listener) {
    for (const auto& statement : conf_.statements) {
      if (statement.holder == listener) replace(statement, {});
    }
  }

  void move_to_loopback(std::size_t listener) {
    const auto& it = conf_.listeners[listener];
    replace(conf_.statements[it.statement], {"listener " + std::to_string(it.port) + " 127.0.0.1"});
  }

  void move(std::size_t listener) {
    for (const auto& statement : conf_.statements) {
      if (statement.holder == listener && statement.option->name != "listener" && goes_with_the_door(statement)) {
        replace(statement, {});
      }
    }
    replace(conf_.statements[conf_.listeners[listener].statement], {plan_.broker_line});
  }

  /// One setting that stays above all listeners would open the default one again.
  void move_default() {
    std::vector<std::string> block{plan_.broker_line};
    const Statement* place = nullptr;
    for (const auto& statement : conf_.statements) {
      if (statement.holder != 0) continue;
      if (!goes_with_the_door(statement)) block.push_back(statement.line);
      if (place == nullptr || statement.option->name == "port") place = &statement;
    }
    const bool in_place = block.size() == 1 && place->below == 0;
    for (const auto& statement : conf_.statements) {
      if (statement.holder == 0) replace(statement, in_place && &statement == place ? block : std::vector<std::string>{});
    }
    if (!in_place) append(std::move(block));
  }

  const Conf& conf_;
  const Plan& plan_;
  std::vector<FileChange> files_;
};

std::string range(std::uint32_t begin, std::size_t count) {
  return count == 1 ? std::to_string(begin) : std::to_string(begin) + ',' + std::to_string(count);
}

/// A file as the two first lines of its diff name it. A tab tells patch(1) that a blank is part of the name; what would end
/// the line stands in quotes.
std::string diff_name(const std::string& path) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::none_of(path.begin(), path.end(), is_control)) return path.find(' ') == std::string::npos ? path : path + '\t';
  std::string out{'"'};
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_control(c)) {
      for (const unsigned shift : {6U, 3U, 0U}) out += (shift == 6U ? "\\" : "") + std::to_string(byte >> shift & 7U);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

/// Consecutive lines, one hunk.
void append_hunk(std::string& out, const std::string& name, const LineChange* first, const LineChange* end,
                 std::int64_t shift) {
  std::string minus;
  std::string plus;
  std::size_t gone = 0;
  std::size_t come = 0;
  for (const auto* change = first; change != end; ++change) {
    if (!change->is_added) {
      ++gone;
      minus += '-' + change->before + (change->had_newline ? "\n" : "\n\\ No newline at end of file\n");
    }
    come += change->after.size();
    for (const auto& line : change->after) plus += '+' + line + '\n';
  }
  // A side without lines is named by the line before it.
  const auto line = static_cast<std::int64_t>(first->line);
  const auto before = first->is_added ? line : line - 1;
  const auto new_begin = before + shift + (come == 0 ? 0 : 1);
  out += "@@ -" + range(first->line, gone) + " +" + range(static_cast<std::uint32_t>(new_begin), come) + " @@ " +
         one_line(name, name_shown_max) + ':' + std::to_string(std::max<std::int64_t>(line, 1)) + '\n' + minus + plus;
}

}  // namespace

std::vector<FileChange> conf_changes(const Conf& conf, const Plan& plan) {
  return Changer{conf, plan}.make();
}

std::string unified_diff(const std::vector<FileChange>& changes, const std::string& directory) {
  std::string out;
  for (const auto& file : changes) {
    const auto whole = file.file.substr(0, 1) == "/" ? file.file : directory + (directory == "/" ? "" : "/") + file.file;
    out += "--- " + diff_name(whole) + "\n+++ " + diff_name(whole) + '\n';
    std::int64_t shift = 0;
    const auto* const end = file.changes.data() + file.changes.size();
    for (const auto* first = file.changes.data(); first != end;) {
      const auto* last = first + 1;
      while (last != end && !first->is_added && !last->is_added && last->line == (last - 1)->line + 1) ++last;
      append_hunk(out, file.file, first, last, shift);
      for (const auto* change = first; change != last; ++change) {
        shift += static_cast<std::int64_t>(change->after.size()) - (change->is_added ? 0 : 1);
      }
      first = last;
    }
  }
  return out;
}

}  // namespace bastion::mosquitto
