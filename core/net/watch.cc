#include "core/net/watch.h"

#include <errno.h>
#include <sys/epoll.h>

#include <array>
#include <utility>

namespace happy::net {
namespace {

constexpr uint64_t pack(uint32_t generation, uint32_t slot) {
  return uint64_t{generation} << 32 | slot;
}
constexpr uint32_t slot_of(uint64_t id) { return static_cast<uint32_t>(id); }
constexpr uint32_t generation_of(uint64_t id) {
  return static_cast<uint32_t>(id >> 32);
}

}  // namespace

int Watch::open(uv_loop_t* loop) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return errno;
  poll_.data = this;
  int error = -uv_poll_init(loop, &poll_, epoll_);
  if (error == 0) error = -uv_poll_start(&poll_, UV_READABLE, &on_poll);
  if (error != 0) abandon();
  return error;
}

tl::expected<WatchId, int> Watch::add(int descriptor, uint32_t events,
                                      Callback callback) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t index = free_.back();
  Slot& slot = slots_[index];
  epoll_event event{.events = events,
                    .data = {.u64 = pack(slot.generation, index)}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    return tl::unexpected(errno);
  }
  free_.pop_back();
  slot.descriptor = descriptor;
  slot.callback = std::move(callback);
  return WatchId{event.data.u64};
}

void Watch::remove(WatchId id) {
  Slot* slot = find(static_cast<uint64_t>(id));
  if (slot == nullptr) return;
  // The event is ignored but must not be NULL before Linux 2.6.9.
  epoll_event none{};
  epoll_ctl(epoll_, EPOLL_CTL_DEL, slot->descriptor, &none);
  slot->descriptor = -1;
  slot->callback = nullptr;
  ++slot->generation;
  free_.push_back(slot_of(static_cast<uint64_t>(id)));
}

void Watch::close() {
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), nullptr);
  abandon();
}

void Watch::abandon() {
  if (epoll_ < 0) return;
  host_->close_descriptor(epoll_);
  epoll_ = -1;
}

void Watch::on_poll(uv_poll_t* poll, int, int) {
  static_cast<Watch*>(poll->data)->dispatch();
}

void Watch::dispatch() {
  // What does not fit stays ready: libuv's own poll is level-triggered.
  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_, events.data(), events.size(), 0);
  for (int i = 0; i < count; ++i) {
    deliver(events[i].data.u64, events[i].events);
  }
}

// The callback may remove itself, add others (which moves the slots), or take
// the slot again for somebody else.
void Watch::deliver(uint64_t id, uint32_t events) {
  Slot* slot = find(id);
  if (slot == nullptr) return;
  Callback callback = std::exchange(slot->callback, nullptr);
  callback(events);
  if (Slot* same = find(id)) same->callback = std::move(callback);
}

Watch::Slot* Watch::find(uint64_t id) {
  if (slot_of(id) >= slots_.size()) return nullptr;
  Slot& slot = slots_[slot_of(id)];
  const bool same =
      slot.generation == generation_of(id) && slot.descriptor >= 0;
  return same ? &slot : nullptr;
}

}  // namespace happy::net
