#include "core/base/ip.h"

#include <algorithm>
#include <cstring>

namespace happy {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0,    0,
                                                   0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool IpAddress::is_loopback() const {
  const IpAddress plain = unmapped();
  if (plain.family == Family::kIpv4) return plain.bytes[0] == 127;
  return std::all_of(bytes.begin(), bytes.end() - 1,
                     [](uint8_t b) { return b == 0; }) &&
         bytes[15] == 1;
}

bool IpAddress::is_v4_mapped() const {
  return family == Family::kIpv6 &&
         std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

IpAddress IpAddress::unmapped() const {
  if (!is_v4_mapped()) return *this;
  return v4(bytes[12], bytes[13], bytes[14], bytes[15]);
}

IpAddress IpAddress::mapped() const {
  if (family == Family::kIpv6) return *this;
  IpAddress out{.family = Family::kIpv6};
  std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), out.bytes.begin());
  std::copy_n(bytes.begin(), 4, out.bytes.begin() + 12);
  return out;
}

IpAddress IpAddress::v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return {.family = Family::kIpv4, .bytes = {a, b, c, d}};
}

socklen_t Endpoint::to_sockaddr(sockaddr_storage* out) const {
  *out = {};
  if (address.family == Family::kIpv4) {
    auto* in = reinterpret_cast<sockaddr_in*>(out);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    std::memcpy(&in->sin_addr, address.bytes.data(), 4);
    return sizeof(sockaddr_in);
  }
  auto* in6 = reinterpret_cast<sockaddr_in6*>(out);
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(port);
  in6->sin6_scope_id = address.scope_id;
  std::memcpy(&in6->sin6_addr, address.bytes.data(), 16);
  return sizeof(sockaddr_in6);
}

std::optional<Endpoint> Endpoint::from_sockaddr(const sockaddr* address,
                                                socklen_t length) {
  if (address == nullptr || length < sizeof(sa_family_t)) return std::nullopt;
  Endpoint out;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof in);
    std::memcpy(out.address.bytes.data(), &in.sin_addr, 4);
    out.port = ntohs(in.sin_port);
    return out;
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in6;
    std::memcpy(&in6, address, sizeof in6);
    out.address.family = Family::kIpv6;
    std::memcpy(out.address.bytes.data(), &in6.sin6_addr, 16);
    out.address.scope_id = in6.sin6_scope_id;
    out.port = ntohs(in6.sin6_port);
    return out;
  }
  return std::nullopt;
}

}  // namespace happy

size_t std::hash<happy::IpAddress>::operator()(
    const happy::IpAddress& address) const noexcept {
  size_t seed = 0xcbf29ce484222325u + static_cast<size_t>(address.family);
  for (const uint8_t byte : address.bytes) {
    seed = (seed ^ byte) * 0x100000001b3u;
  }
  return seed ^ address.scope_id;
}
