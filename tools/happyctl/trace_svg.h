// Charts as one SVG picture, readable on light and dark ground, without
// scripts. Pure.
#pragma once

#include <string>
#include <vector>

#include "tools/happyctl/trace_text.h"

namespace happyctl {

// `heading`: one line above all.
std::string svg(const std::string& heading, const std::vector<Chart>& charts);

}  // namespace happyctl
