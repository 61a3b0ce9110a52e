#include "core/linger.h"

#include <errno.h>
#include <sys/epoll.h>

#include <vector>

namespace happy {

int Linger::open(net::Watch* watch) {
  const int epoll = host_->own_descriptor(epoll_create1(EPOLL_CLOEXEC));
  if (epoll < 0) return errno;
  const auto id = watch->add(epoll, EPOLLIN, [this](uint32_t) { fired(); });
  if (!id) {
    host_->close_descriptor(epoll);
    return id.error();
  }
  const std::lock_guard lock(mutex_);
  epoll_ = epoll;
  watched_ = *id;
  return 0;
}

int Linger::add(int descriptor, bool output, void* context) {
  const std::lock_guard lock(mutex_);
  if (epoll_ < 0) return -1;
  epoll_event event{};
  // One-shot: fires at most once, also if the number is closed behind our back.
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
  if (output) event.events |= EPOLLOUT;
  event.data.u64 = next_id_;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return -1;
  contexts_[next_id_] = context;
  ids_[context] = next_id_++;
  return 0;
}

int Linger::remove(int descriptor, void* context) {
  const std::lock_guard lock(mutex_);
  const auto id = ids_.find(context);
  if (id == ids_.end()) return 0;
  epoll_event unused{};
  epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, &unused);
  contexts_.erase(id->second);
  ids_.erase(id);
  return 1;
}

void Linger::fired() {
  epoll_event events[64];
  const int count = epoll_wait(epoll_, events, 64, 0);
  std::vector<void*> contexts;
  {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < count; ++i) {
      const uint64_t id = events[i].data.u64;  // not aligned where it is
      const auto at = contexts_.find(id);
      if (at == contexts_.end()) continue;
      contexts.push_back(at->second);
      ids_.erase(at->second);
      contexts_.erase(at);
    }
  }
  for (void* context : contexts) host_->watch_fired(context);
}

bool Linger::is_idle() {
  const std::lock_guard lock(mutex_);
  return contexts_.empty();
}

bool Linger::close(net::Watch* watch) {
  const std::lock_guard lock(mutex_);
  if (!contexts_.empty()) return false;
  watch->remove(watched_);
  abandon();
  return true;
}

void Linger::abandon() {
  if (epoll_ >= 0) host_->close_descriptor(epoll_);
  epoll_ = -1;
}

}  // namespace happy
