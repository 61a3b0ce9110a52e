#include "shim/descriptors.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>

#include "shim/real.h"

namespace happy::shim::own {

constinit std::atomic<int> lowest{INT_MAX};
constinit std::atomic<int> attended{0};
constinit std::atomic<uint64_t> bitmap[kLimit / 64];

namespace {

constinit std::atomic<int> registered{0};
constinit std::atomic<int> for_children{-1};
constexpr rlim_t kMost = 1 << 30;  // RLIM_INFINITY, times 100, would overflow

void lower(std::atomic<int>& bound, int fd) {
  int known = bound.load();
  while (fd < known && !bound.compare_exchange_weak(known, fd)) {
  }
}

int enlist(int fd) {
  if (fd < 0 || fd >= kLimit) return fd;
  const uint64_t bit = uint64_t{1} << (fd % 64);
  if ((bitmap[fd / 64].fetch_or(bit) & bit) == 0) registered.fetch_add(1);
  lower(lowest, fd);
  lower(attended, fd);
  return fd;
}

// The library's numbers below `end`.
int count_to(int end) {
  int count = 0;
  for (int fd = 0; fd < end && fd < kLimit; fd += 64) {
    uint64_t word = bitmap[fd / 64].load(std::memory_order_relaxed);
    if (end - fd < 64) word &= (uint64_t{1} << (end - fd)) - 1;
    count += __builtin_popcountll(word);
  }
  return count;
}

// Per cent of the limit: the library's numbers, and all that are in use.
struct Shares {
  rlim_t ours, everybodys;
};
Shares shares(Share share) {
  return share == Share::kToBegin ? Shares{22, 80} : Shares{33, 95};
}

}  // namespace

void attend_to_all(bool all) {
  attended.store(all ? 0 : lowest.load());
  // Another thread may have lowered it meanwhile, in vain.
  if (!all) lower(attended, lowest.load());
}

int take(int fd) {
  if (fd < 0) return fd;
  if (fd >= kFirst) return enlist(fd);
  const int saved = errno;
  const int moved = real::fcntl(fd, F_DUPFD_CLOEXEC, kFirst);
  errno = saved;
  if (moved < 0) return enlist(fd);
  enlist(moved);
  real::close(fd);
  return moved;
}

int take_for_children(int fd) {
  const int taken = take(fd);
  if (taken >= 0) for_children.store(taken);
  return taken;
}

bool is_for_children(int fd) { return for_children.load() == fd; }

int duplicate(int fd) {
  int copy = real::fcntl(fd, F_DUPFD_CLOEXEC, kFirst);
  // RLIMIT_NOFILE may lie below kFirst (EINVAL), or leave no room above it
  // (EMFILE): then wherever there is room.
  if (copy < 0 && (errno == EINVAL || errno == EMFILE)) {
    copy = real::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  }
  return enlist(copy);
}

void release(int fd) {
  if (fd < 0 || fd >= kLimit) return;
  int kept = fd;
  for_children.compare_exchange_strong(kept, -1);
  const uint64_t bit = uint64_t{1} << (fd % 64);
  if ((bitmap[fd / 64].fetch_and(~bit) & bit) != 0) registered.fetch_sub(1);
}

bool leaves_room(int lowest_free, Share share) {
  static constinit std::atomic<rlim_t> last_read{0};
  rlimit limit{.rlim_cur = last_read.load(), .rlim_max = 0};
  if (share == Share::kToBegin || limit.rlim_cur == 0) {
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    last_read.store(limit.rlim_cur);
  }
  const auto [ours, everybodys] = shares(share);
  const rlim_t end = limit.rlim_cur < kMost ? limit.rlim_cur : kMost;
  const auto own = static_cast<rlim_t>(registered.load());
  const auto hosts = static_cast<rlim_t>(lowest_free - count_to(lowest_free));
  return own * 100 <= end * ours && (own + hosts) * 100 <= end * everybodys;
}

void close(int fd) {
  if (fd < 0) return;
  release(fd);
  const int saved = errno;
  real::close(fd);
  errno = saved;
}

int next(int from) {
  for (int fd = from < 0 ? 0 : from; fd < kLimit; ++fd) {
    if (fd % 64 == 0 && bitmap[fd / 64].load() == 0) {
      fd += 63;
      continue;
    }
    if (is(fd)) return fd;
  }
  return -1;
}

}  // namespace happy::shim::own
