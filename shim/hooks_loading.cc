// The hook of dlopen(3): it acts on RTLD_DEEPBIND alone.
#include <dlfcn.h>

#include "shim/context.h"
#include "shim/deep_binding.h"
#include "shim/export.h"
#include "shim/process.h"
#include "shim/real.h"

using namespace happy;
using namespace happy::shim;

// libc looks at who calls (its DT_RUNPATH, its namespace): the call must leave
// by a jump, as the last thing that is done here.
HAPPY_EXPORT void* dlopen(const char* file, int mode) __THROWNL {
  if ((mode & RTLD_DEEPBIND) == 0 || passes_through() ||
      process::is_vfork_child()) [[likely]]
    return real::dlopen(file, mode);
  return deep_binding::open(file, mode);
}
