// Changing a small file as a whole: under a lock, by a new file in its place, durable before it counts.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace bastion::cli {

/// Why a file can't be changed, in words that begin with its name and say what to do.
struct EditFault {
  std::string message;
  bool usage = false;  ///< the command was wrong, not the world
};

/// A file that nobody else edits by this class as long as the object lives: its directory is locked (flock), which needs
/// no lock file and outlives the rename. Editors that know no lock are noticed when it is replaced.
class FileEdit {
 public:
  /// Reads the file at `path`, following symbolic links, at most 64 MiB. Where it is missing, `create` decides. Waits at
  /// most 10 seconds for the lock.
  [[nodiscard]] static std::variant<FileEdit, EditFault> open(const std::string& path, bool create);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool is_new() const { return !before_; }

  /// Puts `text` in the file's place with its owner and mode (0600 and the caller's for a new one). `check` sees what a
  /// reader of the new file will see; where it is false, or anything fails, the old file stands as it was.
  [[nodiscard]] std::optional<EditFault> replace(std::string_view text, const std::function<bool(std::string_view)>& check);

 private:
  /// Closes a descriptor; so ends the lock too.
  struct Descriptor {
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();
    int number_;
  };

  FileEdit(std::string path, std::string name, Descriptor directory);
  [[nodiscard]] EditFault fault(std::string_view what, int error) const;
  [[nodiscard]] std::optional<EditFault> read(bool create);
  [[nodiscard]] std::optional<EditFault> write_beside(const std::string& name, std::string_view text,
                                                      const std::function<bool(std::string_view)>& check) const;
  [[nodiscard]] bool is_as_before() const;

  std::string path_;  ///< as the operator said it
  std::string name_;  ///< in `directory_`
  Descriptor directory_;
  std::string text_;
  std::optional<struct stat> before_;
};

}  // namespace bastion::cli
