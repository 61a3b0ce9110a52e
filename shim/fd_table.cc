#include "shim/fd_table.h"

#include <stddef.h>
#include <sys/mman.h>

namespace happy::shim::fd_table {

constinit std::atomic<FdEntry*> pages[kPages];
alignas(uint64_t) constinit uint8_t duplicated[kNumbers];

namespace {

constinit EpollRegistration* free_list = nullptr;
// Some number is marked; one could not be.
constinit std::atomic<bool> any_uncopyable{false}, all_uncopyable{false};

// Zeroed memory: every field of the two structs means "nothing" as zero but
// EpollRegistration::set, which new_registration() fills in.
void* map(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory != MAP_FAILED ? memory : nullptr;
}

}  // namespace

FdEntry* make(int fd) {
  if (FdEntry* entry = find(fd)) return entry;
  if (fd < 0 || fd >= kNumbers) return nullptr;
  constexpr size_t kSize = sizeof(FdEntry) * kPageEntries;
  auto* fresh = static_cast<FdEntry*>(map(kSize));
  if (fresh == nullptr) return nullptr;
  FdEntry* expected = nullptr;
  if (!pages[fd / kPageEntries].compare_exchange_strong(expected, fresh)) {
    munmap(fresh, kSize);  // another thread was first
  }
  return find(fd);
}

int next_duplicated(int from) {
  constexpr int kWord = sizeof(uint64_t);
  const auto* words = reinterpret_cast<const uint64_t*>(duplicated);
  for (int fd = from; fd < kNumbers; ++fd) {
    if (fd % kWord == 0 &&
        __atomic_load_n(&words[fd / kWord], __ATOMIC_RELAXED) == 0) {
      fd += kWord - 1;
    } else if (is_duplicated(fd)) {
      return fd;
    }
  }
  return -1;
}

void mark_uncopyable(int fd) {
  FdEntry* const entry = make(fd);
  if (entry == nullptr) all_uncopyable.store(true);
  if (entry != nullptr) entry->uncopyable.store(true);
  any_uncopyable.store(true);
}

bool is_uncopyable(int fd) {
  if (!any_uncopyable.load()) return false;
  const FdEntry* const entry = find(fd);
  return all_uncopyable.load() || is_duplicated(fd) ||
         (entry != nullptr && entry->uncopyable.load());
}

EpollRegistration* new_registration() {
  if (free_list == nullptr) {
    constexpr size_t kCount = 256;
    auto* block = static_cast<EpollRegistration*>(
        map(sizeof(EpollRegistration) * kCount));
    if (block == nullptr) return nullptr;
    for (size_t i = 0; i < kCount; ++i) free_registration(&block[i]);
  }
  EpollRegistration* out = free_list;
  free_list = out->next;
  *out = EpollRegistration{};
  return out;
}

void free_registration(EpollRegistration* registration) {
  registration->next = free_list;
  free_list = registration;
}

}  // namespace happy::shim::fd_table
