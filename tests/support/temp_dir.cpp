// A directory that goes away with the test.
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace bastion::test {

TempDir::TempDir() : path_{(std::filesystem::temp_directory_path() / "bastion-test-XXXXXX").string()} {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::write(std::string_view name, std::string_view content) const {
  const auto file = path(name);
  {
    std::ofstream out{file, std::ios::binary | std::ios::trunc};
    out << content;
    if (!out.flush()) throw std::runtime_error{"can't write " + file};
  }
  ::chmod(file.c_str(), 0600);
  return file;
}

}  // namespace bastion::test
