// Reads the `resolvers` of a policy. Types and bounds have been checked by
// check_schema; what the strings say is checked here. Pure.
#pragma once

#include <vector>

#include "config/diagnostics.h"
#include "config/json_document.h"
#include "config/policy.h"

namespace happy::config {

// In the text's order, one for each distinct name, faulty ones too, so that
// rules can be checked against the names.
std::vector<Resolver> read_resolvers(const Value& policy, Diagnostics* out);

}  // namespace happy::config
