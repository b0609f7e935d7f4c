// Places in the operator's files, and what is wrong there.
#pragma once

#include <cstdint>
#include <string>

namespace bastion {

/// Where in the operator's files something was said. Lines and columns count from 1; line 0 means "nowhere: a default".
struct Location {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// One thing that is wrong with the operator's files.
struct Complaint {
  Location where;
  std::string message;   ///< what is wrong and what to write instead; no secrets
  bool warning = false;  ///< true: the policy is usable all the same
};
/// `file:line:column: message`; parts that are not known are left out.
[[nodiscard]] std::string text_without_level(const Complaint& complaint);
/// `file:line:column: message`, `file:line:column: warning: message`; parts that are not known are left out.
[[nodiscard]] std::string text(const Complaint& complaint);

/// A value of the policy and where it was said, for those who use it later (a file that can't be read, `explain`).
template <class T>
struct Located {
  T value{};
  Location where{};
};

}  // namespace bastion
