// A chart as text for a terminal. Pure: what the terminal can do is told.
#pragma once

#include <string>

#include "tools/happyctl/trace_text.h"

namespace happyctl {

struct WaterfallStyle {
  int width = 80;  // columns; less than 40 counts as 40
  bool unicode = true;
  bool color = false;
};

// Lines, each with its newline.
std::string waterfall(const Chart& chart, const WaterfallStyle& style);

// Of this terminal and locale, for what is written to `stream`: the width from
// COLUMNS or the terminal; no Unicode where the locale has none.
WaterfallStyle style_for(FILE* stream, bool ascii_wanted);

}  // namespace happyctl
