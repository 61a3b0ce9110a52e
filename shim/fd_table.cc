#include "shim/fd_table.h"

#include <stddef.h>
#include <sys/mman.h>

namespace happy::shim::fd_table {

constinit std::atomic<FdEntry*> pages[kPages];
constinit std::atomic<uint64_t> duplicated[kNumbers / 64];

namespace {

constinit EpollRegistration* free_list = nullptr;

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

void unmark_duplicated(int fd) {
  if (!is_duplicated(fd)) return;
  const auto number = static_cast<unsigned>(fd);
  duplicated[number / 64].fetch_and(~(uint64_t{1} << (number % 64)));
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
