// Waits of the host's threads for what the core does for them.
#pragma once

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace happy::shim {

// Waits for the futex word of a happy_lookup or happy_query. Cancellation acts
// only inside the system call, where asynchronous cancellation is safe.
template <auto kRelease, typename Handle>
void wait_cancellably(Handle* handle) {
  // A wait that is left by siglongjmp() holds nothing but one reference, which
  // the thread's next wait returns.
  static constinit thread_local Handle* waited_for = nullptr;
  if (waited_for != nullptr) kRelease(waited_for);
  waited_for = handle;
  const auto abandon = [](void* one) {
    waited_for = nullptr;
    kRelease(static_cast<Handle*>(one));
  };
  pthread_cleanup_push(abandon, handle);
  while (__atomic_load_n(&handle->done, __ATOMIC_ACQUIRE) == 0) {
    int type = 0;
    // NOLINTNEXTLINE(concurrency-thread-canceltype-asynchronous): a futex alone
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
    syscall(SYS_futex, &handle->done, FUTEX_WAIT_PRIVATE, 0, nullptr);
    pthread_setcanceltype(type, nullptr);
  }
  pthread_cleanup_pop(0);
  waited_for = nullptr;
}

}  // namespace happy::shim
