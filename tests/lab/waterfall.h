// Draws one race of a trace as text: a bar a step, in milliseconds.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace happy::lab {

// The last race for `name` with its look-up; empty where the trace has none.
std::string draw_race(const std::vector<nlohmann::json>& trace,
                      const std::string& name);

}  // namespace happy::lab
