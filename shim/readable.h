// Whether the host's memory can be read. A bad pointer is the kernel's to
// refuse with EFAULT, and no reason for the library to end the host.
#pragma once

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace happy::shim {

// Eight octets. rt_sigprocmask(2) reads the mask before it looks at an unknown
// `how`: EFAULT or EINVAL, and nothing is changed. Every sandbox allows the
// call. errno is kept.
inline bool can_read_eight(uintptr_t from) {
  constexpr size_t kMask = 8;  // a signal mask, as the kernel sees it
#ifdef __x86_64__
  // Without the detour through errno: every connect() comes here.
  int64_t result = SYS_rt_sigprocmask;
  register size_t size asm("r10") = kMask;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(-1), "S"(from), "d"(0), "r"(size)
               : "rcx", "r11", "memory");
  return result == -EINVAL;
#else
  const int saved = errno;
  const bool readable =
      syscall(SYS_rt_sigprocmask, ~0, from, nullptr, kMask) == -1 &&
      errno != EFAULT;
  errno = saved;
  return readable;
#endif
}

// Of the octets from `from` on. No for some readable ones shorter than eight:
// whoever asks leaves those to libc.
inline bool is_readable(const void* from, size_t length) {
  constexpr size_t kLeastPage = 4096;
  const auto first = reinterpret_cast<uintptr_t>(from);
  const uintptr_t last = first + length - 8;
  if (!can_read_eight(last)) return false;
  return ((first ^ last) < kLeastPage) || can_read_eight(first);
}

}  // namespace happy::shim
