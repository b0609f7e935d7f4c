// Replacing a file whole, or not at all.
#include "proxy/cli/file_edit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "passwd_support.hpp"

namespace bastion::cli {
namespace {

using testing::HasSubstr;

bool good(std::string_view) {
  return true;
}

struct FileEditing : testing::Test {
  FileEdit open(bool create = false) {
    auto opened = FileEdit::open(file, create);
    if (auto* fault = std::get_if<EditFault>(&opened)) throw std::runtime_error(fault->message);
    return std::move(std::get<FileEdit>(opened));
  }

  TemporaryDirectory directory;
  std::string file = directory / "file";
};

TEST_F(FileEditing, PutsTheNewTextInTheFilesPlace) {
  put(file, "old");
  auto edit = open();
  EXPECT_EQ(edit.text(), "old");
  EXPECT_FALSE(edit.is_new());
  EXPECT_FALSE(edit.replace("new", good));
  EXPECT_EQ(contents(file), "new");
}

TEST_F(FileEditing, KeepsTheOldFileWhereTheCheckSaysNo) {
  put(file, "old");
  std::string seen;
  const auto fault = open().replace("new", [&](std::string_view text) {
    seen = text;
    return false;
  });
  ASSERT_TRUE(fault);
  EXPECT_THAT(fault->message, HasSubstr("reads back differently"));
  EXPECT_EQ(seen, "new");
  EXPECT_EQ(contents(file), "old");
  EXPECT_EQ(directory.count(), 1);
}

TEST_F(FileEditing, NoticesAnEditorThatKnowsNoLock) {
  put(file, "old");
  auto edit = open();
  std::filesystem::remove(file);
  put(file, "other");
  const auto fault = edit.replace("new", good);
  ASSERT_TRUE(fault);
  EXPECT_THAT(fault->message, HasSubstr("somebody else"));
  EXPECT_EQ(contents(file), "other");
  EXPECT_EQ(directory.count(), 1);
}

TEST_F(FileEditing, NoticesThatANewFileIsThereAlready) {
  auto edit = open(true);
  EXPECT_TRUE(edit.is_new());
  put(file, "other");
  EXPECT_TRUE(edit.replace("new", good));
  EXPECT_EQ(contents(file), "other");
}

TEST_F(FileEditing, TakesAFileInTheWorkingDirectoryByItsBareName) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  auto opened = FileEdit::open("bare", true);
  std::filesystem::current_path(before);
  ASSERT_TRUE(std::holds_alternative<FileEdit>(opened));
  EXPECT_FALSE(std::get<FileEdit>(opened).replace("new", good));
  EXPECT_EQ(contents(directory / "bare"), "new");
}

TEST_F(FileEditing, LeavesReadersOfTheOldFileTheirText) {
  put(file, "old");
  std::ifstream reader(file);
  EXPECT_FALSE(open().replace("new", good));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "old");
}

}  // namespace
}  // namespace bastion::cli
