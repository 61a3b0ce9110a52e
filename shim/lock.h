// A small futex lock. Unlike pthread_mutex_t it may be taken in a fork handler
// and released in the child, and it is constant-initialised. Holders block all
// signals first (SignalBlock), so that no handler can meet it half-way.
#pragma once

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace happy::shim {

class Lock {
 public:
  void lock() {
    uint32_t expected = kFree;
    if (word_.compare_exchange_strong(expected, kHeld,
                                      std::memory_order_acquire)) {
      return;
    }
    const int saved = errno;  // the futex calls' EAGAIN is nobody's business
    while (word_.exchange(kContended, std::memory_order_acquire) != kFree) {
      syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, kContended, nullptr);
    }
    errno = saved;
  }
  void unlock() {
    if (word_.exchange(kFree, std::memory_order_release) == kContended) {
      syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1);
    }
  }
  // In a forked child, where the holder may not exist any more.
  void reset() { word_.store(kFree, std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kFree = 0, kHeld = 1, kContended = 2;
  std::atomic<uint32_t> word_{kFree};
};

// Blocks every signal of the calling thread for its lifetime: what runs inside
// can be neither interrupted nor left by siglongjmp().
class SignalBlock {
 public:
  SignalBlock() { set_mask(&kAllSignals, &before_); }
  ~SignalBlock() { set_mask(&before_, nullptr); }
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  // The kernel's set, not libc's: epoll_ctl(2) takes this way each time.
  using Signals = uint64_t;
  // But for 32 and 33, libc's own for cancellation and setuid(2): as
  // pthread_sigmask(3) has it.
  static constexpr Signals kAllSignals = ~(Signals{3} << 31);

  // NOLINTNEXTLINE(readability-non-const-parameter): the kernel writes it
  static void set_mask(const Signals* mask, Signals* before) {
#ifdef __x86_64__
    long result = SYS_rt_sigprocmask;
    register uint64_t size asm("r10") = sizeof *mask;
    asm volatile("syscall"
                 : "+a"(result)
                 : "D"(SIG_SETMASK), "S"(mask), "d"(before), "r"(size)
                 : "rcx", "r11", "memory");
#else
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, before, sizeof *mask);
#endif
  }

  Signals before_ = 0;
};

// A lock held by a thread whose signals are blocked already: the helper thread,
// and any within a call into the core.
class HelperGuard {
 public:
  explicit HelperGuard(Lock& lock) : lock_(lock) { lock_.lock(); }
  ~HelperGuard() { lock_.unlock(); }
  HelperGuard(const HelperGuard&) = delete;
  HelperGuard& operator=(const HelperGuard&) = delete;

 private:
  Lock& lock_;
};

// A lock held with all signals blocked.
class Guard {
 public:
  explicit Guard(Lock& lock) : guard_(lock) {}

 private:
  SignalBlock signals_;
  HelperGuard guard_;
};

}  // namespace happy::shim
