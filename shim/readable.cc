#include "shim/readable.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace happy::shim {
namespace {

constexpr size_t kMask = 8;  // a signal mask, as the kernel sees it

// rt_sigprocmask(2) reads the mask before it looks at an unknown `how`: EFAULT
// or EINVAL, and nothing is changed. Every sandbox allows the call.
bool can_read_mask(uintptr_t from) {
  return syscall(SYS_rt_sigprocmask, ~0, from, nullptr, kMask) == -1 &&
         errno != EFAULT;
}

}  // namespace

bool is_readable(const void* from, size_t length) {
  const int saved = errno;
  const auto first = reinterpret_cast<uintptr_t>(from);
  const bool readable =
      can_read_mask(first) &&
      (length <= kMask || can_read_mask(first + length - kMask));
  errno = saved;
  return readable;
}

}  // namespace happy::shim
