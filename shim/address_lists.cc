// getaddrinfo(3): the list for an answer of the core, made by libc.
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "core/address_abi.h"
#include "shim/names.h"
#include "shim/real.h"

namespace happy::shim::names {
namespace {

constexpr size_t kMostAddresses = 256;  // of one system look-up, remembered

// What the hints ask of the look-up.
struct Wish {
  addrinfo hints{};
  int family = AF_UNSPEC;  // to look up
  bool map_ipv4 = false;   // AI_V4MAPPED on AF_INET6
  bool all = false;        // ... with AI_ALL
};

const char* loopback_text(int family) {
  return family == AF_INET6 ? "::1" : "127.0.0.1";
}

// Asks libc about a numeric address with the caller's hints: errors in flags,
// family, socket type and service come out as glibc has them, before any name
// is asked for.
int probe(int family, const char* service, addrinfo hints, int extra_flags) {
  hints.ai_family = family;
  hints.ai_flags |= AI_NUMERICHOST | extra_flags;
  addrinfo* list = nullptr;
  const int error =
      real::getaddrinfo(loopback_text(family), service,
                        static_cast<const addrinfo*>(&hints), &list);
  if (error == 0) freeaddrinfo(list);
  return error;
}

// AI_ADDRCONFIG: a family without an address on this host is not asked for.
// libc's own judgement, through a numeric address of that family.
bool has_family(int family) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  return probe(family, nullptr, hints, AI_ADDRCONFIG) == 0;
}

int understand(const char* node, const char* service, const addrinfo* hints,
               Wish* wish) {
  if (hints != nullptr) {
    wish->hints = *hints;
  } else {
    wish->hints.ai_flags = AI_V4MAPPED | AI_ADDRCONFIG;  // getaddrinfo(3)
  }
  wish->hints.ai_addrlen = 0;
  wish->hints.ai_addr = nullptr;
  wish->hints.ai_canonname = nullptr;
  wish->hints.ai_next = nullptr;
  const int flags = wish->hints.ai_flags;
  wish->family = wish->hints.ai_family;
  // One that is none of the two is libc's to refuse, in its turn.
  const int probe_family = wish->family == AF_UNSPEC ? AF_INET : wish->family;
  addrinfo plain = wish->hints;
  plain.ai_flags &= ~(AI_ADDRCONFIG | AI_CANONNAME);
  if (const int error = probe(probe_family, service, plain, 0)) return error;
  if (wish->family == AF_INET6 && (flags & AI_V4MAPPED) != 0) {
    wish->map_ipv4 = true;
    wish->all = (flags & AI_ALL) != 0;
  }
  if ((flags & AI_ADDRCONFIG) != 0) {
    const bool v4 = has_family(AF_INET), v6 = has_family(AF_INET6);
    if (wish->family == AF_INET && !v4 && !crosses_families(node))
      return EAI_NONAME;
    if (wish->family == AF_INET6 && !v6) return EAI_NONAME;
    if (wish->family == AF_UNSPEC && v4 != v6) {
      wish->family = wish->hints.ai_family = v4 ? AF_INET : AF_INET6;
    }
  }
  return 0;
}

bool belongs(const Wish& wish, const happy_lookup& lookup,
             const happy_address& address) {
  if (address.family == AF_INET6 || !wish.map_ipv4) return true;
  if (wish.all) return true;
  for (size_t i = 0; i < lookup.count; ++i) {
    if (lookup.addresses[i].family == AF_INET6) return false;
  }
  return true;
}

// The nodes of one address: libc makes one a socket type, as for any list.
int append(const Wish& wish, const happy_address& address, const char* service,
           addrinfo*** tail) {
  addrinfo hints = wish.hints;
  hints.ai_flags &= ~(AI_ADDRCONFIG | AI_CANONNAME | AI_ALL);
  hints.ai_flags |= AI_NUMERICHOST;
  char text[INET6_ADDRSTRLEN];
  inet_ntop(address.family, address.bytes, text, sizeof text);
  const int error =
      real::getaddrinfo(static_cast<const char*>(text), service,
                        static_cast<const addrinfo*>(&hints), *tail);
  if (error != 0) return error;
  while (**tail != nullptr) *tail = &(**tail)->ai_next;
  return 0;
}

int build(const Wish& wish, const happy_lookup& lookup, const char* service,
          addrinfo** result) {
  addrinfo* list = nullptr;
  addrinfo** tail = &list;
  for (size_t i = 0; i < lookup.count; ++i) {
    if (!belongs(wish, lookup, lookup.addresses[i])) continue;
    if (const int error = append(wish, lookup.addresses[i], service, &tail)) {
      if (list != nullptr) freeaddrinfo(list);
      return error;
    }
  }
  if (list == nullptr) return EAI_NODATA;
  for (addrinfo* node = list; node != nullptr; node = node->ai_next) {
    node->ai_flags = wish.hints.ai_flags;
  }
  if ((wish.hints.ai_flags & AI_CANONNAME) != 0) {
    list->ai_canonname = strdup(lookup.names);
    if (list->ai_canonname == nullptr) {
      freeaddrinfo(list);
      return EAI_MEMORY;
    }
  }
  *result = list;
  return 0;
}

// libc's answer, for the name memory: each address once.
void remember_list(const char* node, int family, const addrinfo* list) {
  happy_address addresses[kMostAddresses];
  IpAddress known[kMostAddresses];
  size_t count = 0;
  for (; list != nullptr && count < kMostAddresses; list = list->ai_next) {
    const auto one = Endpoint::from_sockaddr(list->ai_addr, list->ai_addrlen);
    if (!one || std::count(known, known + count, one->address) != 0) continue;
    addresses[count] = to_abi(one->address);
    known[count++] = one->address;
  }
  remember(node, family, addresses, count);
}

int ask_system(const char* node, const char* service, const addrinfo* hints,
               addrinfo** result) {
  addrinfo changed;
  if (hints != nullptr && hints->ai_family == AF_INET &&
      (hints->ai_flags & AI_ADDRCONFIG) != 0 && crosses_families(node)) {
    changed = *hints;
    changed.ai_flags &= ~AI_ADDRCONFIG;
    hints = &changed;
  }
  const int error = real::getaddrinfo(node, service, hints, result);
  const int saved = errno;
  if (error == 0) {
    remember_list(node, hints != nullptr ? hints->ai_family : AF_UNSPEC,
                  *result);
  }
  errno = saved;
  return error;
}

}  // namespace

int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                addrinfo** result) {
  // A host name under AI_NUMERICHOST is an error that asks nobody; "*" is
  // glibc's other way to say NULL.
  const bool numeric =
      hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0;
  if (numeric || strcmp(node, "*") == 0) {
    return real::getaddrinfo(node, service, hints, result);
  }
  find_nat64(node);
  if (!is_strict(node)) return ask_system(node, service, hints, result);
  Wish wish;
  if (const int error = understand(node, service, hints, &wish)) return error;
  int eai = EAI_FAIL;
  happy_lookup* lookup = look_up(node, wish.map_ipv4 ? AF_UNSPEC : wish.family,
                                 wish.hints.ai_flags, &eai);
  if (lookup == nullptr) return eai;
  const int status = lookup->status;
  int error = lookup->eai;
  if (status == HAPPY_LOOKUP_ANSWER) {
    error = build(wish, *lookup, service, result);
  }
  release(lookup);
  return status == HAPPY_LOOKUP_SYSTEM
             ? ask_system(node, service, hints, result)
             : error;
}

}  // namespace happy::shim::names
