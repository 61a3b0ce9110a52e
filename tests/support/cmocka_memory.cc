// test_malloc() and its sisters: blocks between two guards, remembered until
// they are freed.
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "tests/support/cmocka_step.h"

namespace happy::cmocka {
namespace {

constexpr size_t kGuard = 64;  // keeps malloc's alignment
constexpr unsigned char kGuardByte = 0xEF, kFreshByte = 0xBA, kFreedByte = 0xCD;

struct Block {
  Place place;
  size_t size;
  size_t serial;
};

std::map<char*, Block>& blocks() {
  static std::map<char*, Block> all;
  return all;
}

size_t last_serial = 0;

bool intact(const char* guard) {
  for (size_t i = 0; i < kGuard; ++i) {
    if (static_cast<unsigned char>(guard[i]) != kGuardByte) return false;
  }
  return true;
}

std::string describe(const Block& block) {
  return "a block of " + std::to_string(block.size) + " bytes from " +
         block.place.file + ":" + std::to_string(block.place.line);
}

// Empty, or what is wrong with freeing `memory`.
std::string free_problem(char* memory) {
  const auto found = blocks().find(memory);
  if (found == blocks().end()) return "this memory is not from test_malloc()";
  if (intact(memory - kGuard) && intact(memory + found->second.size)) return "";
  return "guard bytes overwritten around " + describe(found->second);
}

void give_back(std::map<char*, Block>::iterator at) {
  char* whole = at->first - kGuard;
  memset(whole, kFreedByte, at->second.size + 2 * kGuard);
  std::free(whole);
  blocks().erase(at);
}

}  // namespace

void* allocate(Place place, size_t size) {
  auto* whole = static_cast<char*>(
      size + 2 * kGuard > size ? std::malloc(size + 2 * kGuard) : nullptr);
  if (whole == nullptr) fail_step(place, "out of memory");
  char* memory = whole + kGuard;
  memset(whole, kGuardByte, kGuard);
  memset(memory, kFreshByte, size);
  memset(memory + size, kGuardByte, kGuard);
  blocks()[memory] = {place, size, ++last_serial};
  return memory;
}

void* allocate_zeroed(Place place, size_t number, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(number, size, &bytes)) {
    fail_step(place, "out of memory");
  }
  return memset(allocate(place, bytes), 0, bytes);
}

void release(Place place, void* pointer) {
  if (pointer == nullptr) return;
  auto* memory = static_cast<char*>(pointer);
  const auto problem = free_problem(memory);
  if (!problem.empty()) fail_step(place, problem);
  give_back(blocks().find(memory));
}

void* reallocate(Place place, void* pointer, size_t size) {
  if (pointer == nullptr) return allocate(place, size);
  if (size == 0) {
    release(place, pointer);
    return nullptr;
  }
  const auto old = blocks().find(static_cast<char*>(pointer));
  if (old == blocks().end()) {
    fail_step(place, "this memory is not from test_malloc()");
  }
  const size_t kept = old->second.size < size ? old->second.size : size;
  void* fresh = allocate(place, size);
  memcpy(fresh, pointer, kept);
  release(place, pointer);
  return fresh;
}

size_t memory_check_point() { return last_serial; }

bool all_blocks_freed(size_t check_point) {
  bool all = true;
  for (auto it = blocks().begin(); it != blocks().end();) {
    const auto at = it++;
    if (at->second.serial <= check_point) continue;
    report(at->second.place, "leaked: " + describe(at->second));
    give_back(at);
    all = false;
  }
  return all;
}

}  // namespace happy::cmocka
