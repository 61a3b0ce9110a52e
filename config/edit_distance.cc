#include "config/edit_distance.h"

#include <algorithm>
#include <numeric>

namespace happy::config {

size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment: row[j] turns the first i octets of a into the
  // first j of b.
  std::vector<size_t> before_last, last(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1, i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      const bool swapped =
          i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::move(last);
    last = std::move(row);
  }
  return last.back();
}

std::string_view nearest(std::string_view typed,
                         const std::vector<std::string_view>& words) {
  constexpr size_t kImplausible = 64;
  if (typed.size() > kImplausible) return {};
  std::string_view best;
  size_t best_distance = kImplausible;
  for (const std::string_view word : words) {
    const size_t distance = edit_distance(typed, word);
    const size_t bound = std::max<size_t>(1, word.size() / 3);
    if (distance > bound || distance >= best_distance) continue;
    best = word;
    best_distance = distance;
  }
  return best;
}

std::string suggestion(std::string_view typed,
                       const std::vector<std::string_view>& words) {
  const std::string_view word = nearest(typed, words);
  if (word.empty()) return {};
  return "; did you mean \"" + std::string(word) + "\"?";
}

}  // namespace happy::config
