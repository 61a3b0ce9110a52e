// The life of the process around the library: fork, vfork and what a child
// must forget. See docs/architecture.md, "fork".
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace happy::shim::process {

// A word that the kernel zeroes in every forked child (MADV_WIPEONFORK), also
// where process ids repeat across pid namespaces. nullptr before prepare().
extern std::atomic<uint32_t*> alive;
extern pid_t owner;

// At the first load of the core: fork handlers and the wipe-on-fork page.
void prepare();
// Whether this is a child that shares its parent's memory (vfork): then
// nothing may be touched. Costs a getpid(2); asked only where state would
// change.
inline bool is_vfork_child() {
  const uint32_t* word = alive.load(std::memory_order_acquire);
  return word != nullptr && *word != 0 && getpid() != owner;
}
// In a child made without fork handlers (clone(2), _Fork), forget what the
// parent had in flight. One load when there is nothing to do.
void notice_fork();

}  // namespace happy::shim::process
