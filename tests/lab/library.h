// The library as a program under test gets it: environment, policy and trace.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/lab/child.h"

namespace happy::lab {

struct LibraryUse {
  std::string policy{};  // file; empty: none is named
  std::string trace{};   // file; empty: no trace
  std::string log = "error";
  std::string also_preload{};  // for instance an allocator, loaded after
};

// LD_PRELOAD and the HAPPY_ variables. HAPPY_TEST_LIBRARY, if set, names
// another libhappy.so than the built one, for instance a defective one. With a
// sanitizer build its runtime is preloaded first, since the host has none.
Environment library_environment(const LibraryUse& use);

// The same with `more` over it, for a run whose trace begins empty.
Environment begin_use(const LibraryUse& use, const Environment& more);

// Whether the build has a sanitizer: times are then longer, and hosts with
// symbols of their own (node) cannot be tested.
bool sanitized();

// A strict policy for *.lab.test at one resolver that is known by its pin.
nlohmann::json strict_policy(const std::string& address, uint16_t port,
                             const std::string& pin);

// The lines of a trace file; broken lines are left out.
std::vector<nlohmann::json> read_trace(const std::string& file);
// Those whose `event` is the given one.
std::vector<nlohmann::json> events_of(const std::vector<nlohmann::json>& trace,
                                      const std::string& event);
// Whether there is an answer with addresses for the name, and every such answer
// came over an authenticated DoT connection.
bool answered_by_dot(const std::vector<nlohmann::json>& trace,
                     const std::string& name);

}  // namespace happy::lab
