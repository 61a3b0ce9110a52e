#include "core/dns/nat64.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/dns/private_addresses.h"

namespace happy::dns {
namespace {

constexpr std::array kLengths{96, 64, 56, 48, 40, 32};
constexpr size_t kReserved = 8;  // octet "u", always zero

constexpr size_t octets(int bits) { return static_cast<size_t>(bits) / 8; }

// RFC 6052 section 2.2: right after the prefix, around the reserved octet.
std::array<size_t, 4> places(int length) {
  std::array<size_t, 4> out{};
  size_t at = octets(length);
  for (size_t& place : out) {
    if (at == kReserved) ++at;
    place = at++;
  }
  return out;
}

bool is_zero_from(const IpAddress& address, size_t first) {
  return std::all_of(address.bytes.begin() + static_cast<ptrdiff_t>(first),
                     address.bytes.end(),
                     [](uint8_t octet) { return octet == 0; });
}

const Nat64Prefix& well_known() {
  static const Nat64Prefix prefix{*IpAddress::parse("64:ff9b::"), 96};
  return prefix;
}

// RFC 7050 section 8.2.
bool is_probe(const IpAddress& address) {
  return address == IpAddress::v4(192, 0, 0, 170) ||
         address == IpAddress::v4(192, 0, 0, 171);
}

// What stands at an IPv4 address's place behind a prefix of that length.
IpAddress embedded(const IpAddress& address, int length) {
  IpAddress out;
  const auto from = places(length);
  for (size_t i = 0; i < from.size(); ++i) {
    out.bytes[i] = address.bytes[from[i]];
  }
  return out;
}

std::optional<Nat64Prefix> prefix_of(const IpAddress& address) {
  if (address.family != Family::kIpv6) return std::nullopt;
  for (const int length : kLengths) {
    if (!is_probe(embedded(address, length))) continue;
    Nat64Prefix out{address, length};
    std::fill(
        out.address.bytes.begin() + static_cast<ptrdiff_t>(octets(length)),
        out.address.bytes.end(), 0);
    if (out.address.bytes[kReserved] == 0) return out;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Nat64Prefix> Nat64Prefix::parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  int length = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (!address || address->family != Family::kIpv6 || error != std::errc() ||
      end != digits.data() + digits.size() ||
      std::find(kLengths.begin(), kLengths.end(), length) == kLengths.end() ||
      !is_zero_from(*address, octets(length)) || address->bytes[kReserved] != 0)
    return std::nullopt;
  return Nat64Prefix{*address, length};
}

std::string Nat64Prefix::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

std::optional<IpAddress> Nat64Prefix::translated(const IpAddress& ipv4) const {
  const uint8_t a = ipv4.bytes[0], b = ipv4.bytes[1];
  constexpr uint8_t kFirstMulticast = 224;
  if (ipv4.family != Family::kIpv4 || a == 0 || a == 127 ||
      (a == 169 && b == 254) || a >= kFirstMulticast)
    return std::nullopt;
  if (*this == well_known() && is_private(ipv4)) return std::nullopt;
  IpAddress out = address;
  const auto to = places(length);
  for (size_t i = 0; i < to.size(); ++i) out.bytes[to[i]] = ipv4.bytes[i];
  return out;
}

std::vector<Nat64Prefix> nat64_prefixes(std::span<const IpAddress> answer) {
  std::vector<Nat64Prefix> out;
  for (const IpAddress& address : answer) {
    const auto prefix = prefix_of(address);
    if (prefix && std::find(out.begin(), out.end(), *prefix) == out.end())
      out.push_back(*prefix);
  }
  return out;
}

}  // namespace happy::dns
