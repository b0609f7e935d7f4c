// A directory that goes away with the test.
#pragma once

#include <string>
#include <string_view>

namespace bastion::test {

/// An empty directory of its own, readable by its owner only; removed with all that is in it. Throws where there is none to
/// be had.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(std::string_view name) const { return path_ + '/' + std::string{name}; }
  /// Writes a file, mode 0600, over what was there; returns its path.
  std::string write(std::string_view name, std::string_view content) const;

 private:
  std::string path_;
};

}  // namespace bastion::test
