// The table of functions that the shim gives the core (core/engine.h).
#pragma once

#include "core/engine.h"

namespace happy::shim {

// Filled at the first call. `deep_bind`: how the core was opened.
const happy_host* host_for_core(bool deep_bind);

}  // namespace happy::shim
