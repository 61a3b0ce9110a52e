// What the benchmarks share: medians, and timing a process from spawn to exit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/lab/child.h"

namespace happy::bench {

// One number a line, as the measuring programs print them.
std::vector<double> numbers(const std::string& text);
// Nothing where there is nothing to take it of. Sorts a copy.
std::optional<double> median(std::vector<double> values);
// "12.3", or "-" without a value.
std::string text(std::optional<double> value, int digits = 1);

// Milliseconds from posix_spawn() to the end, with exactly this environment
// and no output. Throws where the program fails.
double time_process(const std::vector<std::string>& arguments,
                    const lab::Environment& environment);

// Each prints its own table.
void exec_cost();
void races();
void loopback_connects();
void sleepers();
void crowd();
void look_ups();
void instructions();
void lazy_eye();
void race_costs();

}  // namespace happy::bench
