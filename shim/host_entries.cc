#include "shim/host_entries.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim/names.h"
#include "shim/real.h"

namespace happy::shim::names {
namespace {

constexpr size_t kMostAddresses = 256;

// Takes aligned pieces off a caller's buffer.
class Buffer {
 public:
  Buffer(char* start, size_t size) : at_(start), left_(size) {}
  // nullptr when the buffer is too small.
  char* take(size_t size, size_t alignment) {
    const size_t gap = -reinterpret_cast<uintptr_t>(at_) & (alignment - 1);
    if (gap + size > left_ || gap + size < size) return nullptr;
    char* piece = at_ + gap;
    at_ = piece + size;
    left_ -= gap + size;
    return piece;
  }

 private:
  char* at_;
  size_t left_;
};

int host_error(int eai) {
  switch (eai) {
    case EAI_NONAME:
      return HOST_NOT_FOUND;
    case EAI_NODATA:
      return NO_DATA;
    case EAI_AGAIN:
      return TRY_AGAIN;
    default:
      return NO_RECOVERY;
  }
}

// False when the buffer is too small.
bool fill(const happy_lookup& lookup, int family, Buffer buffer,
          hostent* entry) {
  const size_t length = family == AF_INET6 ? 16 : 4;
  char* pointers =
      buffer.take((lookup.count + 2) * sizeof(char*), alignof(char*));
  char* bytes = buffer.take(lookup.count * length, alignof(uint32_t));
  const size_t name_size = strlen(lookup.canonical_name) + 1;
  char* name = buffer.take(name_size, 1);
  if (pointers == nullptr || bytes == nullptr || name == nullptr) return false;
  memcpy(name, lookup.canonical_name, name_size);
  auto** list = reinterpret_cast<char**>(pointers);
  size_t count = 0;
  for (size_t i = 0; i < lookup.count; ++i) {
    if (lookup.addresses[i].family != family) continue;
    list[count] = bytes + count * length;
    memcpy(list[count++], lookup.addresses[i].bytes, length);
  }
  list[count] = nullptr;
  entry->h_name = name;
  entry->h_addr_list = list;
  entry->h_aliases = list + lookup.count + 1;
  *entry->h_aliases = nullptr;
  entry->h_addrtype = family;
  entry->h_length = static_cast<int>(length);
  return true;
}

int ask_system(const char* name, int family, hostent* entry, char* buffer,
               size_t size, hostent** result, int* error) {
  const int status =
      real::gethostbyname2_r(name, family, entry, buffer, size, result, error);
  const int saved = errno;
  if (status == 0 && *result != nullptr) remember_entry(name, *result);
  errno = saved;
  return status;
}

}  // namespace

int get_host_entry(const char* name, int family, hostent* entry, char* buffer,
                   size_t size, hostent** result, int* error) {
  *result = nullptr;
  if (family != AF_INET && family != AF_INET6) {
    *error = NETDB_INTERNAL;
    return EAFNOSUPPORT;
  }
  int eai = 0;
  happy_lookup* lookup = look_up(name, family, &eai);
  if (lookup == nullptr) {
    *error = host_error(eai);
    return eai == EAI_AGAIN ? EAGAIN : ENOENT;
  }
  int out = 0;
  if (lookup->status == HAPPY_LOOKUP_SYSTEM) {
    release(lookup);
    return ask_system(name, family, entry, buffer, size, result, error);
  }
  if (lookup->status != HAPPY_LOOKUP_ANSWER) {
    *error = host_error(lookup->eai);
    // As glibc: "not found" is 0 with no result, the rest have an errno.
    out = lookup->eai == EAI_AGAIN ? EAGAIN : 0;
  } else if (fill(*lookup, family, Buffer(buffer, size), entry)) {
    *result = entry;
  } else {
    *error = NETDB_INTERNAL;
    out = ERANGE;
  }
  release(lookup);
  return out;
}

hostent* get_static_host_entry(const char* name, int family) {
  static constinit hostent entry{};
  static constinit char* buffer = nullptr;
  static constinit size_t size = 0;
  hostent* result = nullptr;
  int status = ERANGE;
  while (status == ERANGE && size < (size_t{1} << 20)) {
    if (size != 0) {
      status =
          get_host_entry(name, family, &entry, buffer, size, &result, &h_errno);
    }
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

void remember_entry(const char* name, const hostent* entry) {
  happy_address addresses[kMostAddresses];
  size_t count = 0;
  for (char** at = entry->h_addr_list; *at != nullptr; ++at) {
    if (count == kMostAddresses) break;
    happy_address& address = addresses[count++];
    address = {};
    address.family = static_cast<uint16_t>(entry->h_addrtype);
    memcpy(address.bytes, *at, static_cast<size_t>(entry->h_length));
  }
  remember(name, entry->h_addrtype, addresses, count);
}

}  // namespace happy::shim::names
