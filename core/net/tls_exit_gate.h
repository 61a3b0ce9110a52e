// What keeps the helper out of GnuTLS once the host ends: exit(3) runs the
// destructors of libgnutls and libtasn1, which free what a handshake of that
// very moment is reading.
#pragma once

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

namespace happy::tls {

class ExitGate {
 public:
  // Around each use; one thread at a time. False: the process is ending.
  // Whoever comes second, of this store and shut()'s, sees the first.
  bool enter() {
    inside_ = gettid();
    if (!shut_) return true;
    leave();
    return false;
  }
  void leave() { inside_ = 0; }

  // From now on enter() is false. Waits until the thread inside has left, for
  // `limit` at most, and not for one that a fork left behind in the parent.
  void shut(std::chrono::milliseconds limit) {
    shut_ = true;
    for (auto left = limit / kPause; left > 0 && somebody_is_inside(); --left) {
      const timespec pause{.tv_sec = 0, .tv_nsec = kPause.count()};
      nanosleep(&pause, nullptr);
    }
  }

 private:
  static constexpr std::chrono::nanoseconds kPause{100'000};

  bool somebody_is_inside() const {
    const pid_t thread = inside_;
    return thread != 0 && syscall(SYS_tgkill, getpid(), thread, 0) == 0;
  }

  std::atomic<bool> shut_{false};
  std::atomic<pid_t> inside_{0};  // the thread's number
};

}  // namespace happy::tls
