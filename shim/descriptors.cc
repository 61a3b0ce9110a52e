#include "shim/descriptors.h"

#include <errno.h>
#include <limits.h>

#include "shim/real.h"

namespace happy::shim::own {

constinit std::atomic<int> lowest{INT_MAX};
constinit std::atomic<int> attended{0};
constinit std::atomic<uint64_t> bitmap[kLimit / 64];

namespace {

void lower(std::atomic<int>& bound, int fd) {
  int known = bound.load();
  while (fd < known && !bound.compare_exchange_weak(known, fd)) {
  }
}

int enlist(int fd) {
  if (fd < 0 || fd >= kLimit) return fd;
  const uint64_t bit = uint64_t{1} << (fd % 64);
  bitmap[fd / 64].fetch_or(bit);
  lower(lowest, fd);
  lower(attended, fd);
  return fd;
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

int duplicate(int fd) {
  int copy = real::fcntl(fd, F_DUPFD_CLOEXEC, kFirst);
  // RLIMIT_NOFILE may lie below kFirst (EINVAL): then wherever there is room.
  if (copy < 0 && errno == EINVAL) copy = real::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return enlist(copy);
}

void release(int fd) {
  if (fd < 0 || fd >= kLimit) return;
  const uint64_t bit = uint64_t{1} << (fd % 64);
  bitmap[fd / 64].fetch_and(~bit);
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
