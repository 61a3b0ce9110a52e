// Plug-ins that the host opens with RTLD_DEEPBIND (PHP opens its extensions so)
// find libc's functions before ours: their look-ups would leave in clear text.
// Their references to hooked functions are pointed at the hooks, as if they had
// been bound in the global scope; every other symbol stays as it was bound.
#pragma once

namespace happy::shim::deep_binding {

// dlopen(3) with RTLD_DEEPBIND in `mode`: what it loads is corrected before it
// returns. Its constructors have run by then.
void* open(const char* file, int mode);

}  // namespace happy::shim::deep_binding
