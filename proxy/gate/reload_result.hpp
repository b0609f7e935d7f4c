// What came of reading the policy again.
#pragma once

#include <string>
#include <vector>

namespace bastion::gate {

struct ReloadResult {
  bool good = false;
  std::vector<std::string> lines;  ///< complaints, and what is in force now
};

}  // namespace bastion::gate
