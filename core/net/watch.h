// Watches descriptors that libuv must not touch: uv_poll_init() sets O_NONBLOCK
// on the open file, which may be the caller's blocking socket. One epoll set of
// the library's own holds them all and is itself polled by libuv. It never
// reads, writes or closes what it watches. Loop thread only.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <tl/expected.hpp>
#include <vector>

#include "core/engine.h"

namespace happy::net {

// One registration; never used twice in the life of a Watch.
enum class WatchId : uint64_t {};

class Watch {
 public:
  // `events` as epoll_wait(2) gave them. May add and remove, also itself.
  using Callback = std::function<void(uint32_t events)>;

  explicit Watch(const happy_host* host) : host_(host) {}
  // Only once the loop has closed its handles; the library leaks it instead.
  ~Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Returns 0 or an errno (EMFILE, ENOMEM), with nothing left behind. Fits
  // Loop's SetUp.
  [[nodiscard]] int open(uv_loop_t* loop);

  // Calls `callback` whenever one of `events` (EPOLLIN, EPOLLOUT, EPOLLRDHUP),
  // a hang-up or an error is there: level-triggered. The error is an errno;
  // EEXIST if this number is being watched already.
  [[nodiscard]] tl::expected<WatchId, int> add(int descriptor, uint32_t events,
                                               Callback callback);
  // No call comes any more, also not for an event already fetched. Must precede
  // the closing of the number: epoll follows the open file, not the number.
  // Unknown and repeated ids are ignored.
  void remove(WatchId id);

  // Undoes open(); nothing is watched any more.
  void close();

  // In the child of a fork: closes the set, touches nothing else.
  void abandon();

 private:
  struct Slot {
    uint32_t generation = 0;
    int descriptor = -1;  // -1: free
    Callback callback;
  };

  static void on_poll(uv_poll_t* poll, int status, int events);
  void dispatch();
  void deliver(uint64_t id, uint32_t events);
  Slot* find(uint64_t id);

  const happy_host* const host_;
  int epoll_ = -1;
  uv_poll_t poll_{};
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace happy::net
