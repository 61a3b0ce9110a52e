#include "shim/context.h"

namespace happy::shim {

constinit thread_local int bypass_depth = 0;
constinit thread_local bool helper_thread = false;

}  // namespace happy::shim
