#include "shim/epoll_sets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shim/fd_table.h"
#include "shim/real.h"

namespace happy::shim::epoll_sets {
namespace {

constexpr uint32_t kModifiers =
    EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE;

EpollRegistration* find(const FdEntry* entry, int set) {
  if (entry == nullptr) return nullptr;
  EpollRegistration* at = entry->registrations.load(std::memory_order_relaxed);
  while (at != nullptr && at->set != set) at = at->next;
  return at;
}

EpollRegistration* add(int fd, int set) {
  FdEntry* entry = fd_table::make(fd);
  if (entry == nullptr) return nullptr;
  EpollRegistration* registration = fd_table::new_registration();
  if (registration == nullptr) return nullptr;
  registration->set = set;
  registration->next = entry->registrations.load(std::memory_order_relaxed);
  entry->registrations.store(registration, std::memory_order_release);
  return registration;
}

// `known`: what find() gave.
void record(int fd, int set, EpollRegistration* known,
            const epoll_event& event) {
  EpollRegistration* registration = known != nullptr ? known : add(fd, set);
  if (registration == nullptr) return;
  registration->events = event.events;
  registration->data = event.data.u64;
  registration->disarmed = false;
}

void drop(FdEntry* entry, EpollRegistration* registration) {
  EpollRegistration* at = entry->registrations.load(std::memory_order_relaxed);
  if (at == registration) {
    entry->registrations.store(at->next, std::memory_order_release);
  } else {
    while (at->next != registration) at = at->next;
    at->next = registration->next;
  }
  fd_table::free_registration(registration);
}

// Whether a one-shot registration has fired already: the kernel then keeps it
// with no event left but the modifiers. /proc/self/fdinfo is slow (2 ms at
// 1,000 entries), so only one-shots are looked up.
bool has_fired(const EpollRegistration& registration, int fd) {
  if ((registration.events & EPOLLONESHOT) == 0) return false;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", registration.set);
  FILE* file = fopen(path, "re");
  if (file == nullptr) return false;
  char line[256];
  bool fired = false;
  while (fgets(line, sizeof line, file) != nullptr) {
    int number;
    unsigned events;
    if (sscanf(line, "tfd: %d events: %x", &number, &events) == 2 &&
        number == fd && (events & ~kModifiers) == 0) {
      fired = true;
    }
  }
  real::fclose(file);
  return fired;
}

}  // namespace

int control(int set, int operation, int fd, epoll_event* event) {
  FdEntry* entry = fd_table::find(fd);
  EpollRegistration* known = find(entry, set);
  if (known != nullptr && known->disarmed) {
    if (operation == EPOLL_CTL_DEL) {
      drop(entry, known);
      return 0;
    }
    if (operation == EPOLL_CTL_ADD) {
      errno = EEXIST;
      return -1;
    }
    if (operation == EPOLL_CTL_MOD) operation = EPOLL_CTL_ADD;
  }
  const int result = real::epoll_ctl(set, operation, fd, event);
  if (result != 0) return result;
  if (operation == EPOLL_CTL_DEL) {
    if (known != nullptr) drop(entry, known);
  } else if (event != nullptr) {
    record(fd, set, known, *event);
  }
  return result;
}

void forget(int fd) {
  FdEntry* entry = fd_table::find(fd);
  if (entry == nullptr) return;
  while (EpollRegistration* at =
             entry->registrations.load(std::memory_order_relaxed)) {
    drop(entry, at);
  }
}

void take_out(int fd) {
  FdEntry* entry = fd_table::find(fd);
  if (entry == nullptr) return;
  while (EpollRegistration* at =
             entry->registrations.load(std::memory_order_relaxed)) {
    epoll_event unused{};
    if (!at->disarmed) real::epoll_ctl(at->set, EPOLL_CTL_DEL, fd, &unused);
    drop(entry, at);
  }
}

void detach(int fd) {
  FdEntry* entry = fd_table::find(fd);
  if (entry == nullptr) return;
  EpollRegistration* at = entry->registrations.load(std::memory_order_relaxed);
  while (at != nullptr) {
    EpollRegistration* following = at->next;
    if (!at->disarmed) {
      const bool fired = has_fired(*at, fd);
      epoll_event unused{};
      // The set may be closed or its number another file's: not ours any more.
      if (real::epoll_ctl(at->set, EPOLL_CTL_DEL, fd, &unused) != 0) {
        drop(entry, at);
      } else {
        at->disarmed = fired;
      }
    }
    at = following;
  }
}

void attach(int fd) {
  FdEntry* entry = fd_table::find(fd);
  if (entry == nullptr) return;
  EpollRegistration* at = entry->registrations.load(std::memory_order_relaxed);
  for (; at != nullptr; at = at->next) {
    if (at->disarmed) continue;
    epoll_event event{};
    event.events = at->events;
    event.data.u64 = at->data;
    if (real::epoll_ctl(at->set, EPOLL_CTL_ADD, fd, &event) != 0 &&
        errno == EEXIST) {
      real::epoll_ctl(at->set, EPOLL_CTL_MOD, fd, &event);
    }
  }
}

}  // namespace happy::shim::epoll_sets
