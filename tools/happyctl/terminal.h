// Whether and how output is coloured. Nothing else in the command knows escape
// sequences.
#pragma once

#include <fmt/color.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace happyctl {

// True for a terminal, unless NO_COLOR is set (https://no-color.org) or TERM is
// `dumb`.
bool use_color(FILE* stream);

// `text` in that style, where `stream` takes colour; else as it is.
std::string painted(std::string_view text, fmt::text_style style, FILE* stream);

}  // namespace happyctl
