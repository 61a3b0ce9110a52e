// A trace's entries as JSON: for `happyctl trace --json`, and their charts for
// the page. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/happyctl/trace_model.h"

namespace happyctl {

// Fields as in docs/trace.md, "As JSON".
nlohmann::ordered_json json_of(const TraceEntry& entry);

// One self-contained HTML page: charts that can be filtered. `heading`: one
// line above all.
std::string page(const std::string& heading,
                 const std::vector<TraceEntry>& entries);

}  // namespace happyctl
