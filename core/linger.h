// Descriptors of the host that are watched once for input: a winner whose old
// stand-in still has sleepers. Safe from any thread, since the host's close()
// must take a descriptor out before its number is used again.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "core/engine.h"
#include "core/net/watch.h"

namespace happy {

class Linger {
 public:
  explicit Linger(const happy_host* host) : host_(host) {}
  ~Linger() = delete;  // leaked with its loop

  // Loop thread, once. 0 or an errno.
  int open(net::Watch* watch);
  // happy_engine::watch and unwatch.
  int add(int descriptor, bool output, void* context);
  int remove(int descriptor, void* context);
  bool is_idle();
  // Undoes open(). False, and nothing done, while something is watched.
  bool close(net::Watch* watch);
  // In the child of a fork.
  void abandon();

 private:
  void fired();

  const happy_host* const host_;
  std::mutex mutex_;
  int epoll_ = -1;
  net::WatchId watched_{};  // of epoll_
  uint64_t next_id_ = 1;
  std::unordered_map<uint64_t, void*> contexts_;
  std::unordered_map<void*, uint64_t> ids_;
};

}  // namespace happy
