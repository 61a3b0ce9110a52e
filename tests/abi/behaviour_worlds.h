// The names of behaviour.h as the lab's resolver and policy have them, and the
// listeners behind them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/lab/descriptor.h"
#include "tests/lab/unbound.h"

namespace happy::behaviour {

std::vector<lab::Name> all_names();
// Strict rules for them at a resolver on 127.0.0.1.
nlohmann::json policy_for(uint16_t resolver_port, const std::string& pin);

// Opens all listeners at one port and keeps them to the end of the process;
// before any look-up, since filling a black hole's queue is a connect().
void open_worlds();

}  // namespace happy::behaviour
