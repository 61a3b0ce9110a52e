#include "shim/real.h"

#include <dlfcn.h>

namespace happy::real {

constinit Table table;
constinit std::atomic<bool> loaded{false};

void load() {
  if (loaded.load(std::memory_order_acquire)) return;
// Two threads may both do this; they write the same values.
#define HAPPY_RESOLVE(name) table.name = dlsym(RTLD_NEXT, #name);
  HAPPY_REAL_FUNCTIONS(HAPPY_RESOLVE)
#undef HAPPY_RESOLVE
  loaded.store(true, std::memory_order_release);
}

}  // namespace happy::real
