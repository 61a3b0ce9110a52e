// The constructor: what must be decided at load, and nothing else. Hooks that
// run before it (constructors of other libraries) decide it themselves.
#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/descriptors.h"
#include "shim/real.h"
#include "shim/report.h"
#include "shim/settings.h"

namespace happy::shim {
namespace {

__attribute__((constructor(101))) void at_load() {
  real::load();
  own::attend_to_all(false);
  if (settings().disabled) return;
  report::at_load();
  if (settings().eager || settings().may_prefetch()) core::engine();
}

}  // namespace
}  // namespace happy::shim
