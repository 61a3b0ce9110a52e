#include "shim/host_entries.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "shim/host_content.h"
#include "shim/names.h"
#include "shim/real.h"

namespace happy::shim::names {
namespace {

constexpr size_t kMostAddresses = 256;

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
  happy_lookup* lookup = look_up(name, family, 0, &eai);
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
  } else if (fill({.names = {lookup->names, lookup->names_size},
                   .family = family,
                   .addresses = {lookup->addresses, lookup->count}},
                  CallerBuffer(buffer, size), entry)) {
    *result = entry;
  } else {
    *error = NETDB_INTERNAL;
    out = ERANGE;
  }
  release(lookup);
  return out;
}

hostent* get_static_host_entry(const char* name, int family) {
  return in_static_storage([&](hostent* entry, char* buffer, size_t size,
                               hostent** result, int* error) {
    return get_host_entry(name, family, entry, buffer, size, result, error);
  });
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
