// What the core and libhappy-tls.so share with the host (core/engine.h): seen
// from here these names mean the host's own, or this library's hooks.
#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/engine.h"
#include "shim/export.h"

HAPPY_EXPORT int __register_atfork(void (*)(), void (*)(), void (*)(), void*);

HAPPY_EXPORT constinit const happy_process_functions happy_process = {
    &malloc,         &free,          &calloc,   &realloc,
    &posix_memalign, &aligned_alloc, &memalign, &malloc_usable_size,
    &epoll_create1,  &eventfd,       &pipe2,    &__register_atfork};
