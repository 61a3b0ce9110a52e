// The life of the process around the library: fork, vfork and what a child
// must forget. See docs/architecture.md, "fork".
#pragma once

namespace happy::shim::process {

// At the first load of the core: fork handlers and the wipe-on-fork page.
void prepare();
// Whether this is a child that shares its parent's memory (vfork): then
// nothing may be touched. Costs a getpid(2); asked only where state would
// change.
bool is_vfork_child();
// In a child made without fork handlers (clone(2), _Fork), forget what the
// parent had in flight. One load when there is nothing to do.
void notice_fork();

}  // namespace happy::shim::process
