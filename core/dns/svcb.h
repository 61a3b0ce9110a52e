// One HTTPS record (RFC 9460): its rdata, from bytes that may be hostile, as a
// value. It says what the record says and whether a client may use it; which
// endpoints a set of them makes is service_lookup.h's business. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/ip.h"
#include "core/dns/name.h"

namespace happy::dns {

struct ServiceRecord {
  uint16_t priority = 0;  // 0: AliasMode, which has nothing but a target
  Name target{};          // the root, ".", has a meaning of its own
  // Octets from the network, as they came.
  std::vector<std::string> alpn{};
  bool no_default_alpn = false;
  std::optional<uint16_t> port{};
  std::vector<IpAddress> hints{};  // IPv4 before IPv6
  // How long the configuration for Encrypted ClientHello is, in octets. It is
  // the program's business, and not kept.
  std::optional<size_t> ech_size{};
  // Not if it demands what this client does not do (section 8), or contradicts
  // itself (section 2.4.3).
  bool usable = true;

  bool is_alias() const { return priority == 0; }
  bool operator==(const ServiceRecord&) const = default;
};

// nullopt where section 2.2 calls it malformed: then the whole set is.
std::optional<ServiceRecord> read_service(std::span<const uint8_t> rdata);

}  // namespace happy::dns
