// Shows what `happyctl resolve` found, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/happyctl/resolve_ask.h"

namespace happyctl {

// Lines for stdout; why nothing came of it is in failure_text().
std::string findings_text(const happy::config::Policy& policy,
                          const Findings& findings);
// Lines for stderr, empty where every question has an answer.
std::string failure_text(const Findings& findings);

nlohmann::ordered_json findings_json(const happy::config::Policy& policy,
                                     const Findings& findings);

}  // namespace happyctl
