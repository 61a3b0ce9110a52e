// Whether the folder in which programs share what they learn can be used. Looks
// only: the library makes the folder, not this.
#pragma once

#include <string>

#include "tools/happyctl/checkup.h"

namespace happyctl {

// `path`: as find_state_folder() gives it; empty: none.
Finding state_finding(const std::string& path);

}  // namespace happyctl
