// What the library knows about the host's descriptor numbers: the race behind
// one, and the epoll sets it is registered in. Two levels of pages, mapped when
// first needed, so that idle processes pay nothing and no allocator is used.
//
// Entries are written under races::lock(); the pointers may be peeked at
// without it to decide that there is nothing to do.
#pragma once

#include <stdint.h>

#include <atomic>

namespace happy::shim {

struct Race;

// One registration of a descriptor in an epoll set, as the host made it.
struct EpollRegistration {
  int set = -1;
  uint32_t events = 0;
  uint64_t data = 0;
  // A one-shot registration that has fired and was not put into the new file's
  // place: the host's next EPOLL_CTL_MOD re-creates it.
  bool disarmed = false;
  EpollRegistration* next = nullptr;
};

struct FdEntry {
  std::atomic<Race*> race{nullptr};
  std::atomic<EpollRegistration*> registrations{nullptr};
  // An option was set that cannot be read back: no race (mark_uncopyable).
  std::atomic<bool> uncopyable{false};
  std::atomic<uint64_t> disguise{0};  // see disguises.h

  // Whether the number's end would make nothing of this untrue.
  bool is_blank() const {
    return race.load(std::memory_order_relaxed) == nullptr &&
           registrations.load(std::memory_order_relaxed) == nullptr &&
           !uncopyable.load(std::memory_order_relaxed) &&
           disguise.load(std::memory_order_relaxed) == 0;
  }
};

namespace fd_table {

inline constexpr int kPageEntries = 1024;
inline constexpr int kPages = 1024;
inline constexpr int kNumbers = kPageEntries * kPages;

extern std::atomic<FdEntry*> pages[kPages];

// One octet for each number whose file has had another number in this process
// (dup and friends). Written without the lock, and no bits, so that dup(2)
// costs little.
extern uint8_t duplicated[kNumbers];

inline bool is_valid(int fd) { return static_cast<unsigned>(fd) < kNumbers; }
inline bool is_duplicated(int fd) {
  return is_valid(fd) &&
         __atomic_load_n(&duplicated[fd], __ATOMIC_RELAXED) != 0;
}
// Both are valid. Ordered before every later load.
inline void mark_duplicated(int fd, int copy) {
  __atomic_store_n(&duplicated[static_cast<unsigned>(fd)], 1, __ATOMIC_RELAXED);
  __atomic_store_n(&duplicated[static_cast<unsigned>(copy)], 1,
                   __ATOMIC_SEQ_CST);
}
inline void unmark_duplicated(int fd) {
  if (is_duplicated(fd)) __atomic_store_n(&duplicated[fd], 0, __ATOMIC_RELAXED);
}
// The first marked number >= `from`, or -1.
int next_duplicated(int from);

void mark_uncopyable(int fd);
// Also where the file may have been marked under another number.
bool is_uncopyable(int fd);

// nullptr where nothing was ever recorded near `fd`.
inline FdEntry* find(int fd) {
  if (fd < 0 || fd >= kNumbers) return nullptr;
  FdEntry* page = pages[fd / kPageEntries].load(std::memory_order_acquire);
  return page != nullptr ? &page[fd % kPageEntries] : nullptr;
}
// Maps the page if need be; nullptr beyond kNumbers or without memory.
FdEntry* make(int fd);

// Registrations come from a pool that only grows.
EpollRegistration* new_registration();
void free_registration(EpollRegistration*);

}  // namespace fd_table
}  // namespace happy::shim
