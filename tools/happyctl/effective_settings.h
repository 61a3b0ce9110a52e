// Shows the settings that a rule has once `defaults` are merged in, for people
// and for programs. Decides nothing.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "config/policy.h"

namespace happyctl {

// Lines of "  key  value", with policy keys.
std::string settings_text(const happy::config::Policy& policy,
                          const happy::config::Rule& rule);

// The same as a rule of a policy would say it, each key with its value; null
// where the value is the kernel's, RFC 6724's or libc's.
nlohmann::ordered_json settings_json(const happy::config::Policy& policy,
                                     const happy::config::Rule& rule);

}  // namespace happyctl
