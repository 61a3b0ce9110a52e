// Where the functions of <netdb.h> put their entries: into a buffer of the
// caller's, or one of libc's own that the next call overwrites.
#pragma once

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <span>
#include <string_view>

#include "core/engine.h"

namespace happy::shim {

// Takes aligned pieces off a caller's buffer.
class CallerBuffer {
 public:
  CallerBuffer(char* start, size_t size) : at_(start), left_(size) {}
  // nullptr when the buffer is too small.
  char* take(size_t size, size_t alignment);

 private:
  char* at_;
  size_t left_;
};

struct HostContent {
  std::string_view names;  // the canonical one first; each ended by a NUL
  int family;
  std::span<const happy_address>
      addresses;  // those of other families do not go in
};
// False when the buffer is too small.
bool fill(const HostContent& content, CallerBuffer buffer, hostent* entry);

// What `get` finds, as a reentrant function would, in storage of its own.
template <typename Get>
hostent* in_static_storage(const Get& get) {
  static constinit hostent entry{};
  static constinit char* buffer = nullptr;
  static constinit size_t size = 0;
  hostent* result = nullptr;
  int status = ERANGE;
  while (status == ERANGE && size < (size_t{1} << 20)) {
    if (size != 0) status = get(&entry, buffer, size, &result, &h_errno);
    if (status != ERANGE) break;
    const size_t larger = size == 0 ? 1024 : size * 4;
    auto* memory = static_cast<char*>(realloc(buffer, larger));
    if (memory == nullptr) {
      h_errno = NETDB_INTERNAL;
      return nullptr;
    }
    buffer = memory;
    size = larger;
  }
  return result;
}

}  // namespace happy::shim
