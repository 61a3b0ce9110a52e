// Compares what the player printed without and with the library, row by row.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace happy::abi {

// Lines of each row by its name.
using Played = std::map<std::string, std::vector<std::string>>;
Played played_of(const std::string& output);

struct Verdict {
  std::string complaint;       // empty: alike
  std::set<std::string> seen;  // differences that the row showed
};

// Byte for byte, but for steps marked with a known difference, which must show
// exactly that.
Verdict compare(const std::vector<std::string>& plain,
                const std::vector<std::string>& library);

}  // namespace happy::abi
