// Whose call is it? Code of the library (the helper thread, and the core while
// a host's thread runs it) must never be taken for the host's own calls.
#pragma once

#include <errno.h>
#include <pthread.h>

#include "shim/lock.h"
#include "shim/settings.h"

namespace happy::shim {

// > 0 while this thread runs the library's own code. Never raised while a
// thread waits or while signals can be delivered, so a handler that leaves by
// siglongjmp() cannot strand it.
extern constinit thread_local int bypass_depth;
// Set in the helper thread: its new descriptors are the library's own.
extern constinit thread_local bool helper_thread;

inline bool bypassed() { return bypass_depth > 0; }

// Everything that a host's thread needs around a call into the core: signals
// blocked, cancellation off, hooks bypassed, errno kept.
class CoreCall {
 public:
  CoreCall() : saved_errno_(errno) {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_);
    ++bypass_depth;
  }
  ~CoreCall() {
    --bypass_depth;
    pthread_setcancelstate(cancel_state_, nullptr);
    errno = saved_errno_;
  }
  CoreCall(const CoreCall&) = delete;
  CoreCall& operator=(const CoreCall&) = delete;

 private:
  SignalBlock signals_;
  int saved_errno_;
  int cancel_state_ = 0;
};

// Left alone by every hook: the library is switched off, or this call is its
// own.
inline bool passes_through() {
  if (bypassed()) return true;
  return !enabled.load(std::memory_order_relaxed) && settings().disabled;
}

}  // namespace happy::shim
