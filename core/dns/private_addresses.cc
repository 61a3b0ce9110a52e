#include "core/dns/private_addresses.h"

#include <algorithm>
#include <array>

namespace happy::dns {
namespace {

bool is_private_v4(uint8_t a, uint8_t b) {
  return a == 0 || a == 10 || a == 127 ||   // RFC 1122, RFC 1918
         (a == 100 && (b & 0xc0) == 64) ||  // RFC 6598
         (a == 169 && b == 254) ||          // RFC 3927
         (a == 172 && (b & 0xf0) == 16) || (a == 192 && b == 168);
}

// 64:ff9b::/96, RFC 6052 section 2.1.
constexpr std::array<uint8_t, 12> kNat64{0x00, 0x64, 0xff, 0x9b};

bool is_private_v6(const std::array<uint8_t, 16>& octets) {
  if (std::equal(kNat64.begin(), kNat64.end(), octets.begin()))
    return is_private_v4(octets[12], octets[13]);
  const bool zeros = std::all_of(octets.begin(), octets.end() - 1,
                                 [](uint8_t octet) { return octet == 0; });
  if (zeros && octets[15] <= 1) return true;               // :: and ::1
  if ((octets[0] & 0xfe) == 0xfc) return true;             // RFC 4193
  return octets[0] == 0xfe && (octets[1] & 0x80) == 0x80;  // fe80::, fec0::
}

}  // namespace

bool is_private(const IpAddress& address) {
  const IpAddress plain = address.unmapped();
  return plain.family == Family::kIpv4
             ? is_private_v4(plain.bytes[0], plain.bytes[1])
             : is_private_v6(plain.bytes);
}

std::optional<IpAddress> drop_private(Answer* answer) {
  const auto first = std::find_if(answer->addresses.begin(),
                                  answer->addresses.end(), is_private);
  if (first == answer->addresses.end()) return std::nullopt;
  const IpAddress out = *first;
  std::erase_if(answer->addresses, is_private);
  if (answer->addresses.empty()) answer->status = AnswerStatus::kNoData;
  return out;
}

}  // namespace happy::dns
