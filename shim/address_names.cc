#include "shim/address_names.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "core/address_abi.h"
#include "core/base/ip.h"
#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/host_content.h"
#include "shim/names.h"
#include "shim/process.h"
#include "shim/real.h"
#include "shim/waiting.h"

namespace happy::shim::address_names {
namespace {

constexpr size_t length_of(int family) { return family == AF_INET6 ? 16 : 4; }

Endpoint endpoint_of(const Address& address) {
  Endpoint out;
  out.address.family =
      address.family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  memcpy(out.address.bytes.data(), address.bytes, length_of(address.family));
  return out;
}

void release(happy_query* query) {
  const CoreCall call;
  core::loaded()->query_release(query);
}

// The names of the address, waited for; nullptr: nobody can be asked.
happy_query* ask(const Address& address) {
  const happy_engine* engine = core::loaded();
  // A vfork child runs in its parent's memory: it may not start anything.
  if (engine == nullptr || process::is_vfork_child()) return nullptr;
  const happy_address plain = to_abi(endpoint_of(address).address);
  happy_query* query = nullptr;
  {
    const CoreCall call;
    query = engine->names_start(&plain);
  }
  const int saved = errno;
  if (query != nullptr) wait_cancellably<release>(query);
  errno = saved;
  return query;
}

bool fill(const happy_query& names, const Address& address, CallerBuffer buffer,
          hostent* entry) {
  const happy_address plain = to_abi(endpoint_of(address).address);
  const char* const text = reinterpret_cast<const char*>(names.message);
  return fill({.names = {text, names.size},
               .family = address.family,
               .addresses = {&plain, 1}},
              buffer, entry);
}

// As libc: every reply is 0, with a name or without; what nobody answered is to
// be tried again.
int failed(const happy_query& names) {
  const bool silent = names.host_error == TRY_AGAIN && names.size == 0;
  return silent ? EAGAIN : 0;
}

// Of this host, with the dot before it; empty where it has none.
const char* own_domain(char (&name)[HOST_NAME_MAX + 1]) {
  name[0] = '\0';
  gethostname(name, HOST_NAME_MAX);
  name[HOST_NAME_MAX] = '\0';
  const char* const dot = strchr(name, '.');
  return dot != nullptr ? dot : "";
}

// The octets of `name` to show.
size_t shown(const char* name, int flags) {
  const size_t length = strlen(name);
  char own[HOST_NAME_MAX + 1];
  if ((flags & NI_NOFQDN) == 0) return length;
  const char* const domain = own_domain(own);
  const size_t cut = strlen(domain);
  const bool below =
      cut > 1 && length > cut && strcmp(name + length - cut, domain) == 0;
  return below ? length - cut : length;
}

// EAI_NONAME: it has no name.
int show_name(const Address& address, char* host, socklen_t size, int flags) {
  happy_query* const names = ask(address);
  if (names == nullptr) return EAI_AGAIN;
  int out = names->host_error == TRY_AGAIN ? EAI_AGAIN : EAI_NONAME;
  if (names->host_error == NETDB_SUCCESS) {
    const auto* const name = reinterpret_cast<const char*>(names->message);
    const size_t length = shown(name, flags);
    out = length < size ? 0 : EAI_OVERFLOW;
    if (out == 0) {
      memcpy(host, name, length);
      host[length] = '\0';
    }
  } else {
    h_errno = names->host_error;
  }
  release(names);
  return out;
}

}  // namespace

bool is_strict(const Address& address) {
  if ((address.family != AF_INET && address.family != AF_INET6) ||
      address.bytes == nullptr || address.length < length_of(address.family))
    return false;
  sockaddr_storage storage;
  const socklen_t used = endpoint_of(address).to_sockaddr(&storage);
  return names::is_strict_address(reinterpret_cast<sockaddr*>(&storage), used);
}

int get_entry(const Address& address, hostent* entry, char* buffer, size_t size,
              hostent** result, int* error) {
  *result = nullptr;
  happy_query* const names = ask(address);
  if (names == nullptr) {
    *error = TRY_AGAIN;
    return EAGAIN;
  }
  int out = 0;
  if (names->host_error != NETDB_SUCCESS) {
    *error = names->host_error;
    out = failed(*names);
  } else if (fill(*names, address, CallerBuffer(buffer, size), entry)) {
    *result = entry;
  } else {
    *error = NETDB_INTERNAL;
    out = ERANGE;
  }
  release(names);
  return out;
}

hostent* get_static_entry(const Address& address) {
  return in_static_storage([&](hostent* entry, char* buffer, size_t size,
                               hostent** result, int* error) {
    return get_entry(address, entry, buffer, size, result, error);
  });
}

int getnameinfo(const sockaddr* address, socklen_t length, char* host,
                socklen_t host_size, char* service, socklen_t service_size,
                int flags) {
  const int numeric = (flags & ~NI_NAMEREQD) | NI_NUMERICHOST;
  // The service, and what libc has against the arguments.
  int out = real::getnameinfo(address, length, static_cast<char*>(nullptr),
                              socklen_t{0}, service, service_size, numeric);
  if (out != 0) return out;
  const auto endpoint = Endpoint::from_sockaddr(address, length);
  if (!endpoint) return EAI_FAMILY;
  const auto& bytes = endpoint->address.bytes;
  const int family = address->sa_family;
  out = show_name(
      {bytes.data(), static_cast<socklen_t>(length_of(family)), family}, host,
      host_size, flags);
  if (out != EAI_NONAME || (flags & NI_NAMEREQD) != 0) return out;
  return real::getnameinfo(address, length, host, host_size,
                           static_cast<char*>(nullptr), socklen_t{0}, numeric);
}

}  // namespace happy::shim::address_names
