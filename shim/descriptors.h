// The library's own descriptors: moved above 1000, CLOEXEC, and invisible to
// the host's close(), close_range() and friends. A bitmap, so that asking costs
// one load.
#pragma once

#include <atomic>
#include <cstdint>

namespace happy::shim::own {

inline constexpr int kFirst = 1000;  // higher makes fork(2) dearer
inline constexpr int kLimit = 1 << 16;

// No number of the library's is, or ever was, lower.
extern std::atomic<int> lowest;
// `lowest`, or 0 while races are in flight and before the library is
// initialised: a number below is nothing to the library at all.
extern std::atomic<int> attended;
extern std::atomic<uint64_t> bitmap[kLimit / 64];

// One load and comparison, and no for nearly all of the host's.
inline bool may_be(int fd) {
  return fd >= lowest.load(std::memory_order_relaxed);
}
// The same, but yes for all while races are in flight.
inline bool is_attended(int fd) {
  return fd >= attended.load(std::memory_order_relaxed);
}
// Under races::lock(): races are in flight, or not any more.
void attend_to_all(bool all);
// Whether `fd` is the library's.
inline bool is(int fd) {
  if (!may_be(fd) || fd >= kLimit) return false;
  const uint64_t word = bitmap[fd / 64].load(std::memory_order_relaxed);
  return (word >> (fd % 64)) & 1;
}

// Moves `fd` up and registers it; closes the old number. Without room above it
// registers the number as it is. Returns the number in use, -1 for -1.
int take(int fd);
// The same for one that forked children keep. There is one at most.
int take_for_children(int fd);
bool is_for_children(int fd);
// A registered duplicate of `fd`, which stays as it is; -1 and errno on
// failure.
int duplicate(int fd);
// Makes a registered number a plain one again, to be given to the host.
void release(int fd);
// Whether a race may take descriptors: to begin while the library has at most
// 22 per cent of RLIMIT_NOFILE, so that what has begun finds room for a further
// attempt, which may take it to a third. A host that uses up to two thirds
// finds room for all of its own, and some is left where it uses more.
// `lowest_free`: a number the kernel has just given, so that all below it are
// in use. kToGoOn goes by the limit that the last beginning has read.
enum class Share : uint8_t { kToBegin, kToGoOn };
bool leaves_room(int lowest_free, Share share);
// Closes and forgets. -1 is fine.
void close(int fd);
// The first registered number >= `from`, or -1.
int next(int from);

}  // namespace happy::shim::own
