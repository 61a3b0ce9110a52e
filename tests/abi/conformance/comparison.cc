#include "tests/abi/conformance/comparison.h"

#include <algorithm>
#include <sstream>

#include "tests/abi/conformance/differences.h"

namespace happy::abi {
namespace {

constexpr const char* kArrow = " => ";

struct Line {
  std::string step, result;
};

Line split(const std::string& text) {
  const size_t arrow = text.find(kArrow);
  if (arrow == std::string::npos) return {text, ""};
  return {text.substr(0, arrow), text.substr(arrow + 4)};
}

// The ID of a mark "~ID" in the step.
std::string mark_of(const std::string& step) {
  const size_t mark = step.find('~');
  if (mark == std::string::npos) return "";
  return step.substr(mark + 1, step.find(' ', mark) - mark - 1);
}

std::string both(const std::string& plain, const std::string& library) {
  return "  plain:   " + plain + "\n  library: " + library + "\n";
}

// Complaint about one step, or nothing.
std::string compare_step(const std::string& plain, const std::string& library,
                         std::set<std::string>* seen) {
  const Line one = split(plain), other = split(library);
  for (const char* broken : {"bad step", "no such step"})
    if (one.result.starts_with(broken) || other.result.starts_with(broken))
      return "  cannot be played\n" + both(plain, library);
  const std::string mark = mark_of(one.step);
  if (mark.empty() || one.step != other.step)
    return plain == library ? "" : both(plain, library);
  const Difference* known = find_difference(mark);
  if (known == nullptr) return "  no such difference: " + mark + "\n";
  if (one.result != known->plain || other.result != known->library)
    return "  not the difference " + mark + "\n" + both(plain, library);
  seen->insert(mark);
  return "";
}

}  // namespace

Played played_of(const std::string& output) {
  Played rows;
  std::istringstream in(output);
  std::vector<std::string>* row = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("row "))
      row = &rows[line.substr(4, line.find(' ', 4) - 4)];
    else if (row != nullptr)
      row->push_back(line);
  }
  return rows;
}

Verdict compare(const std::vector<std::string>& plain,
                const std::vector<std::string>& library) {
  Verdict verdict;
  for (size_t i = 0; i < std::max(plain.size(), library.size()); ++i)
    verdict.complaint += compare_step(
        i < plain.size() ? plain[i] : "  nothing",
        i < library.size() ? library[i] : "  nothing", &verdict.seen);
  return verdict;
}

}  // namespace happy::abi
