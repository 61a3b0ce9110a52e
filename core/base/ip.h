// Internet addresses as values: an IPv4 or IPv6 address, and an address with a
// port. Text and sockaddr forms are converted here and nowhere else. Pure: no
// look-ups, no sockets.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace happy {

enum class Family : uint8_t { kIpv4, kIpv6 };

// An address in network byte order. IPv4 uses the first four octets of
// `bytes`; the rest are zero. `scope_id` is the interface index of an IPv6
// link-local address (RFC 4007), else 0.
struct IpAddress {
  Family family = Family::kIpv4;
  std::array<uint8_t, 16> bytes{};
  uint32_t scope_id = 0;

  auto operator<=>(const IpAddress&) const = default;

  // 127.0.0.0/8, ::1, and the v4-mapped form of the first.
  bool is_loopback() const;
  // ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
  bool is_v4_mapped() const;
  // The IPv4 address inside a v4-mapped one; anything else unchanged.
  IpAddress unmapped() const;
  // ::ffff:a.b.c.d for an IPv4 address; an IPv6 address unchanged.
  IpAddress mapped() const;

  // The form of inet_ntop(3), with %N appended for a scope.
  std::string to_string() const;
  // Accepts dotted-quad IPv4 and IPv6 text (inet_pton(3)); no scope.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;  // host byte order

  auto operator<=>(const Endpoint&) const = default;

  // "192.0.2.1:80" or "[2001:db8::1]:80".
  std::string to_string() const;
  // Fills `out` and returns the length in use: sockaddr_in or sockaddr_in6.
  socklen_t to_sockaddr(sockaddr_storage* out) const;
  // nullopt unless AF_INET or AF_INET6 with a sufficient length.
  static std::optional<Endpoint> from_sockaddr(const sockaddr* address,
                                               socklen_t length);
};

}  // namespace happy

template <>
struct std::hash<happy::IpAddress> {
  size_t operator()(const happy::IpAddress& address) const noexcept;
};
