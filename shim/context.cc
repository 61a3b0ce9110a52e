#include "shim/context.h"

#include "shim/settings.h"

namespace happy::shim {

constinit thread_local int bypass_depth = 0;
constinit thread_local bool helper_thread = false;

bool passes_through() { return bypassed() || settings().disabled; }

}  // namespace happy::shim
