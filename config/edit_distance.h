// Finds the word that a user most likely meant. Knows nothing of policies.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace happy::config {

// Changes of one octet each (insert, delete, replace, swap two neighbours)
// that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `words` (the first among equals) if it is near enough to be
// meant: a third of its length, at least 1. Empty if none is, or if `typed` is
// implausibly long.
std::string_view nearest(std::string_view typed,
                         const std::vector<std::string_view>& words);

// `; did you mean "WORD"?`, or nothing.
std::string suggestion(std::string_view typed,
                       const std::vector<std::string_view>& words);

}  // namespace happy::config
