#include "shim/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <atomic>

#include "core/address_abi.h"
#include "core/base/ip.h"
#include "shim/blocking.h"
#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/process.h"
#include "shim/real.h"
#include "shim/settings.h"
#include "shim/waiting.h"

namespace happy::shim::names {
namespace {

// Of sixteen octets that are not a v4-mapped address.
size_t ipv6_bit(const void* octets) {
  uint64_t halves[2];
  memcpy(halves, octets, sizeof halves);
  return filter::bit_of(halves[0] * 31 + halves[1]);
}

size_t filter_bit(const IpAddress& address) {
  const IpAddress plain = address.unmapped();
  if (plain.family == Family::kIpv6) return ipv6_bit(plain.bytes.data());
  uint32_t octets;
  memcpy(&octets, plain.bytes.data(), sizeof octets);
  return filter::bit_of(octets);
}

bool is_numeric(const char* node) {
  in_addr v4;
  if (inet_aton(node, &v4) != 0) return true;
  // Every IPv6 literal, with a scope or without, has a colon; no name has.
  return strchr(node, ':') != nullptr;
}

// A wait of libc's own, as that for a system name.
void tell_nat64(const happy_engine& engine, const char* probe) {
  constexpr size_t kMost = 16;
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (real::getaddrinfo(probe, static_cast<const char*>(nullptr),
                        static_cast<const addrinfo*>(&hints), &list) != 0)
    list = nullptr;
  happy_address addresses[kMost];
  size_t count = 0;
  for (const addrinfo* one = list; one != nullptr && count < kMost;
       one = one->ai_next) {
    const auto endpoint =
        Endpoint::from_sockaddr(one->ai_addr, one->ai_addrlen);
    if (endpoint) addresses[count++] = to_abi(endpoint->address);
  }
  if (list != nullptr) freeaddrinfo(list);
  const CoreCall call;
  engine.nat64_probed(addresses, count);
}

}  // namespace

namespace filter {

constinit std::atomic<uint64_t> bits[kBits / 64];
constinit std::atomic<bool> any{false};

bool maybe_holds_other(const sockaddr* address, socklen_t length) {
  const auto endpoint = Endpoint::from_sockaddr(address, length);
  return endpoint && holds(filter_bit(endpoint->address));
}

}  // namespace filter

void note_known(const happy_address& address) {
  const size_t bit = filter_bit(from_abi(address));
  filter::bits[bit / 64].fetch_or(uint64_t{1} << (bit % 64));
  filter::any.store(true, std::memory_order_release);
}

void note_known(const sockaddr* address, socklen_t length) {
  const auto endpoint = Endpoint::from_sockaddr(address, length);
  if (endpoint) note_known(to_abi(endpoint->address));
}

bool concerns_us(const char* node) {
  return node != nullptr && !passes_through() && !is_numeric(node);
}

bool is_strict(const char* name) {
  blocking::reap_abandoned();
  process::notice_fork();
  const happy_engine* engine = core::engine();
  // A broken installation must not become a leak.
  if (engine == nullptr) return settings().policy_configured();
  const CoreCall call;
  return engine->is_strict(name) != 0;
}

bool forbids_clear_text(const char* name) {
  const happy_engine* engine = core::engine();
  if (engine == nullptr) return settings().policy_configured();
  const CoreCall call;
  return engine->forbids_clear_text(name) != 0;
}

bool is_strict_address(const sockaddr* address, socklen_t length) {
  if (passes_through() || !maybe_known(address, length)) return false;
  const happy_engine* engine = core::loaded();
  const auto endpoint = Endpoint::from_sockaddr(address, length);
  if (engine == nullptr || !endpoint) return false;
  const happy_address plain = to_abi(endpoint->address);
  const CoreCall call;
  return engine->is_strict_address(&plain) != 0;
}

bool is_strict_query(const unsigned char* message, int size) {
  if (passes_through() || message == nullptr || size <= 0) return false;
  const happy_engine* engine = core::engine();
  if (engine == nullptr) return settings().policy_configured();
  const CoreCall call;
  return engine->is_strict_query(message, static_cast<size_t>(size)) != 0;
}

void find_nat64(const char* name) {
  const happy_engine* engine = core::engine();
  if (engine == nullptr || engine->discovers_nat64() == 0 ||
      process::is_vfork_child())
    return;
  const int saved = errno;
  const char* probe = nullptr;
  {
    const CoreCall call;
    probe = engine->nat64_probe(name);
  }
  if (probe != nullptr) tell_nat64(*engine, probe);
  errno = saved;
}

bool crosses_families(const char* name) {
  const happy_engine* engine = core::engine();
  if (engine == nullptr) return false;
  const CoreCall call;
  return engine->crosses_families(name) != 0;
}

happy_lookup* look_up(const char* name, int family, int flags, int* eai) {
  const happy_engine* engine = core::loaded();
  *eai = engine == nullptr ? EAI_FAIL : EAI_MEMORY;
  // A vfork child runs in its parent's memory: it may not start anything.
  if (process::is_vfork_child()) *eai = EAI_AGAIN;
  if (engine == nullptr || *eai == EAI_AGAIN) return nullptr;
  const int saved = errno;
  happy_lookup* lookup = nullptr;
  {
    const CoreCall call;
    lookup = engine->lookup_start(name, family, flags);
  }
  if (lookup == nullptr) return nullptr;
  wait_cancellably<release>(lookup);
  for (size_t i = 0; i < lookup->count; ++i) note_known(lookup->addresses[i]);
  errno = saved;
  return lookup;
}

void release(happy_lookup* lookup) {
  const CoreCall call;
  core::loaded()->lookup_release(lookup);
}

void remember(const char* name, int family, const happy_address* addresses,
              size_t count) {
  const happy_engine* engine = core::loaded();
  if (engine == nullptr || process::is_vfork_child()) return;
  for (size_t i = 0; i < count; ++i) note_known(addresses[i]);
  const CoreCall call;
  engine->remember(name, family, addresses, count);
}

}  // namespace happy::shim::names
