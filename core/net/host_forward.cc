// The calls of libuv that libhappy.so answers for the helper thread, kept so
// when this object was opened with RTLD_DEEPBIND. Opened plainly, none of these
// is ever called. Part of libhappy-core.so.
#include "core/net/host_process.h"

HAPPY_FORWARD int epoll_create1(int flags) {
  return happy_process.epoll_create1(flags);
}
HAPPY_FORWARD int eventfd(unsigned count, int flags) {
  return happy_process.eventfd(count, flags);
}
HAPPY_FORWARD int pipe2(int ends[2], int flags) {
  return happy_process.pipe2(ends, flags);
}
HAPPY_FORWARD int __register_atfork(void (*prepare)(), void (*parent)(),
                                    void (*child)(), void* object) {
  return happy_process.register_atfork(prepare, parent, child, object);
}
