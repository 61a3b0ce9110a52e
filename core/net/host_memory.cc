// Memory stays the host's even when this object was opened with RTLD_DEEPBIND,
// which binds it and its libraries past the host's own allocator while libc's
// strdup() and friends still allocate from that. Opened plainly, none of these
// is ever called. Part of libhappy-core.so and libhappy-tls.so.
#include <errno.h>
#include <stddef.h>

#include "core/net/host_process.h"

HAPPY_FORWARD void* malloc(size_t size) { return happy_process.malloc(size); }
HAPPY_FORWARD void free(void* memory) { happy_process.free(memory); }
HAPPY_FORWARD void* calloc(size_t count, size_t size) {
  return happy_process.calloc(count, size);
}
HAPPY_FORWARD void* realloc(void* memory, size_t size) {
  return happy_process.realloc(memory, size);
}
HAPPY_FORWARD void* reallocarray(void* memory, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  return happy_process.realloc(memory, total);
}
HAPPY_FORWARD int posix_memalign(void** out, size_t alignment, size_t size) {
  return happy_process.posix_memalign(out, alignment, size);
}
HAPPY_FORWARD void* aligned_alloc(size_t alignment, size_t size) {
  return happy_process.aligned_alloc(alignment, size);
}
HAPPY_FORWARD void* memalign(size_t alignment, size_t size) {
  return happy_process.memalign(alignment, size);
}
HAPPY_FORWARD size_t malloc_usable_size(void* memory) {
  return happy_process.malloc_usable_size(memory);
}
