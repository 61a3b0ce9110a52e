// Look-ups of host names: which go to the core, and its answers in the forms
// of libc. Lists for getaddrinfo() are built by libc itself from numeric
// addresses, so that every field, flag and allocation is glibc's own.
#pragma once

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/engine.h"
#include "shim/readable.h"

namespace happy::shim::names {

// Addresses that look-ups gave: one bit each. Two hashes' worth of a Bloom
// filter would buy little: a false positive costs a few microseconds, never a
// wrong answer.
namespace filter {

inline constexpr int kBitsLog = 16;
inline constexpr size_t kBits = size_t{1} << kBitsLog;
extern std::atomic<uint64_t> bits[kBits / 64];
extern std::atomic<bool> any;

inline size_t bit_of(uint64_t value) {
  constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
  return (value * kGoldenRatio) >> (64 - kBitsLog);
}
inline bool holds(size_t bit) {
  return (bits[bit / 64].load(std::memory_order_relaxed) >> (bit % 64)) & 1;
}
// For other families than AF_INET; `address` is readable.
bool maybe_holds_other(const sockaddr* address, socklen_t length);

}  // namespace filter

// Whether an address may have come from a look-up seen here. The filter forgets
// nothing, but may say yes too often. One load where nothing was looked up.
inline bool maybe_known(const sockaddr* address, socklen_t length) {
  if (!filter::any.load(std::memory_order_acquire)) return false;
  // Else EINVAL.
  constexpr socklen_t kShortest = sizeof(sockaddr_in);
  constexpr socklen_t kLongest = sizeof(sockaddr_storage);
  if (length - kShortest > kLongest - kShortest) return false;
  const socklen_t used =
      length < sizeof(sockaddr_in6) ? length : socklen_t{sizeof(sockaddr_in6)};
  if (!is_readable(address, used)) return false;
  if (address->sa_family != AF_INET) {
    return filter::maybe_holds_other(address, length);
  }
  const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(address);
  return filter::holds(filter::bit_of(ipv4->sin_addr.s_addr));
}
// An address was handed to the host, or may come to its sight.
void note_known(const happy_address& address);
void note_known(const sockaddr* address, socklen_t length);

// Whether the address came from a look-up of a strict name.
bool is_strict_address(const sockaddr* address, socklen_t length);

// Whether the library has anything to do with this look-up: a host name (not
// NULL, not numeric) outside of our own code.
bool concerns_us(const char* node);

// getaddrinfo(3) for a host name.
int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                addrinfo** result);

// Before a look-up by name: where the name's rule wants it and it is not known
// yet, libc's resolver is asked for this network's NAT64 prefix (RFC 7050).
void find_nat64(const char* name);
// Whether the name's IPv4 addresses may be reached over IPv6, by sockets of
// IPv4: they are of use on a host without IPv4, then.
bool crosses_families(const char* name);

// Whether the core must answer for this name: a rule with an encrypted resolver
// covers it, or the library fails closed. Loads the core.
bool is_strict(const char* name);
// Whether libc must not be asked for such a name even where the core cannot.
bool forbids_clear_text(const char* name);
// The same for the question in a DNS message.
bool is_strict_query(const unsigned char* message, int size);
// A look-up of a strict name by the core, waited for; the caller releases it.
// nullptr: out of memory or no core; `*eai` then is the error to return.
happy_lookup* look_up(const char* name, int family, int flags, int* eai);
void release(happy_lookup* lookup);
// Tells the core what libc answered to a look-up of a name that is not strict.
void remember(const char* name, int family, const happy_address* addresses,
              size_t count);

}  // namespace happy::shim::names
