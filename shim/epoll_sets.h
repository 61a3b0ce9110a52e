// Keeps epoll registrations true while the file behind a number is exchanged:
// epoll knows files, the host knows numbers. All functions need races::lock().
#pragma once

#include <sys/epoll.h>

namespace happy::shim::epoll_sets {

// epoll_ctl(2) for the host, recorded. Returns and errno as libc's.
int control(int set, int operation, int fd, epoll_event* event);
// The number was closed: the kernel has dropped its registrations.
void forget(int fd);
// Before it is closed, where the library has another descriptor of the file, so
// that the kernel would keep them.
void take_out(int fd);
// Before the exchange, while the number is still the old file.
void detach(int fd);
// After it: the same events and data for the new file.
void attach(int fd);

}  // namespace happy::shim::epoll_sets
