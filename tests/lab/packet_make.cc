#include "tests/lab/packet_make.h"

#include <netinet/in.h>

#include <algorithm>

namespace happy::lab {
namespace {

constexpr uint8_t kEcho4 = 8, kEchoReply4 = 0, kEcho6 = 128, kEchoReply6 = 129;
constexpr std::array<uint8_t, 12> kNat64Prefix{0x00, 0x64, 0xff, 0x9b};

void put16(Raw* out, unsigned value) {
  out->push_back(static_cast<uint8_t>(value >> 8));
  out->push_back(static_cast<uint8_t>(value));
}

void put32(Raw* out, uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

void set16(Raw* out, size_t at, unsigned value) {
  (*out)[at] = static_cast<uint8_t>(value >> 8);
  (*out)[at + 1] = static_cast<uint8_t>(value);
}

size_t size_of(const IpAddress& address) {
  return address.family == Family::kIpv4 ? 4 : 16;
}

void put_address(Raw* out, const IpAddress& address) {
  out->insert(out->end(), address.bytes.begin(),
              address.bytes.begin() + static_cast<ptrdiff_t>(size_of(address)));
}

// RFC 1071, without the final complement.
uint32_t sum(std::span<const uint8_t> octets, uint32_t before = 0) {
  for (size_t i = 0; i < octets.size(); ++i)
    before += i % 2 == 0 ? uint32_t{octets[i]} << 8 : octets[i];
  while (before > 0xffff) before = (before & 0xffff) + (before >> 16);
  return before;
}

std::optional<size_t> checksum_place(uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return 16;
    case IPPROTO_UDP:
      return 6;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return 2;
    default:
      return std::nullopt;
  }
}

// Over the pseudo header too, but for ICMP over IPv4 (RFC 4443 section 2.3).
void fill_checksum(const IpAddress& source, const IpAddress& destination,
                   uint8_t protocol, Raw* payload) {
  const auto place = checksum_place(protocol);
  if (!place || payload->size() < *place + 2) return;
  Raw pseudo;
  if (protocol != IPPROTO_ICMP) {
    put_address(&pseudo, source);
    put_address(&pseudo, destination);
    put32(&pseudo, static_cast<uint32_t>(payload->size()));
    put32(&pseudo, protocol);
  }
  set16(payload, *place, 0);
  const uint32_t total = ~sum(*payload, sum(pseudo)) & 0xffff;
  set16(payload, *place,
        total == 0 && protocol == IPPROTO_UDP ? 0xffff : total);
}

// Where the transport's header starts, and the protocol; for parsed packets.
size_t header_size(std::span<const uint8_t> packet) {
  return packet[0] >> 4 == 4 ? static_cast<size_t>(packet[0] & 15) * 4 : 40;
}

std::span<const uint8_t> above_ip(std::span<const uint8_t> packet) {
  return packet.subspan(header_size(packet));
}

// Code of "destination unreachable": RFC 792 and 1812, RFC 4443 section 3.1.
uint8_t code_of(Refusal why, Family family) {
  const bool ipv4 = family == Family::kIpv4;
  switch (why) {
    case Refusal::kReset:
    case Refusal::kNetUnreachable:
      return 0;
    case Refusal::kHostUnreachable:
      return ipv4 ? 1 : 3;
    case Refusal::kPortUnreachable:
      return ipv4 ? 3 : 4;
    case Refusal::kAdminProhibited:
      return ipv4 ? 13 : 1;
  }
  return 0;
}

// Only echo has the same form in both (RFC 7915 sections 4.2 and 5.2).
std::optional<uint8_t> translate_icmp(uint8_t protocol, Raw* payload) {
  if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) return protocol;
  if (payload->size() < 8) return std::nullopt;
  uint8_t& type = payload->front();
  if (protocol == IPPROTO_ICMP && (type == kEcho4 || type == kEchoReply4)) {
    type = type == kEcho4 ? kEcho6 : kEchoReply6;
    return IPPROTO_ICMPV6;
  }
  if (protocol == IPPROTO_ICMPV6 && (type == kEcho6 || type == kEchoReply6)) {
    type = type == kEcho6 ? kEcho4 : kEchoReply4;
    return IPPROTO_ICMP;
  }
  return std::nullopt;
}

}  // namespace

Raw make_ip(const IpAddress& source, const IpAddress& destination,
            uint8_t protocol, std::span<const uint8_t> payload) {
  Raw above(payload.begin(), payload.end());
  fill_checksum(source, destination, protocol, &above);
  Raw out;
  if (source.family == Family::kIpv4) {
    put16(&out, 0x4500);
    put16(&out, static_cast<unsigned>(20 + above.size()));
    put32(&out, 0x4000);  // "don't fragment"
    out.insert(out.end(), {64, protocol, 0, 0});
    put_address(&out, source);
    put_address(&out, destination);
    set16(&out, 10, ~sum(out) & 0xffff);
  } else {
    put32(&out, 0x60000000);
    put16(&out, static_cast<unsigned>(above.size()));
    out.insert(out.end(), {protocol, 64});
    put_address(&out, source);
    put_address(&out, destination);
  }
  out.insert(out.end(), above.begin(), above.end());
  return out;
}

Raw make_reset(const Endpoint& source, const Endpoint& destination,
               uint32_t sequence, std::optional<uint32_t> acknowledgment) {
  Raw tcp;
  put16(&tcp, source.port);
  put16(&tcp, destination.port);
  put32(&tcp, sequence);
  put32(&tcp, acknowledgment.value_or(0));
  put16(&tcp, acknowledgment ? 0x5014 : 0x5004);
  put16(&tcp, 0);  // window
  put32(&tcp, 0);  // checksum, urgent pointer
  return make_ip(source.address, destination.address, IPPROTO_TCP, tcp);
}

Raw make_reset_for(const Packet& packet) {
  if (packet.ack)
    return make_reset(packet.destination, packet.source, packet.acknowledgment);
  const auto length = static_cast<uint32_t>(packet.payload) +
                      (packet.syn ? 1 : 0) + (packet.fin ? 1 : 0);
  return make_reset(packet.destination, packet.source, 0,
                    packet.sequence + length);
}

Raw make_unreachable(std::span<const uint8_t> packet, Refusal why,
                     const IpAddress& router) {
  const bool ipv4 = router.family == Family::kIpv4;
  const IpAddress client = parse_packet(packet).value().source.address;
  Raw icmp{static_cast<uint8_t>(ipv4 ? 3 : 1), code_of(why, router.family)};
  put16(&icmp, 0);
  put32(&icmp, 0);
  // As much of the packet as fits into what every host takes: 576 octets
  // (RFC 1812 section 4.3.2.3) or 1,280 (RFC 4443 section 2.4 c).
  const size_t most = ipv4 ? 576 - 28 : 1280 - 48;
  const auto quoted = packet.first(std::min(packet.size(), most));
  icmp.insert(icmp.end(), quoted.begin(), quoted.end());
  const int protocol = ipv4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  return make_ip(router, client, static_cast<uint8_t>(protocol), icmp);
}

Raw shorten(std::span<const uint8_t> packet, size_t keep) {
  const Packet parsed = parse_packet(packet).value();
  const auto segment = above_ip(packet);
  const size_t header = static_cast<size_t>(segment[12] >> 4) * 4;
  Raw tcp(segment.begin(),
          segment.begin() + static_cast<ptrdiff_t>(header + keep));
  tcp[13] &= 0xfe;
  return make_ip(parsed.source.address, parsed.destination.address, IPPROTO_TCP,
                 tcp);
}

bool is_nat64(const IpAddress& address) {
  return address.family == Family::kIpv6 &&
         std::ranges::equal(std::span(address.bytes).first(12), kNat64Prefix);
}

IpAddress to_nat64(const IpAddress& ipv4) {
  IpAddress out{.family = Family::kIpv6};
  std::ranges::copy(kNat64Prefix, out.bytes.begin());
  std::copy_n(ipv4.bytes.begin(), 4, out.bytes.begin() + 12);
  return out;
}

IpAddress from_nat64(const IpAddress& ipv6) {
  return IpAddress::v4(ipv6.bytes[12], ipv6.bytes[13], ipv6.bytes[14],
                       ipv6.bytes[15]);
}

std::optional<Raw> translate_to_ipv4(std::span<const uint8_t> packet,
                                     const IpAddress& source) {
  const Packet parsed = parse_packet(packet).value();
  const auto above = above_ip(packet);
  Raw payload(above.begin(), above.end());
  const auto protocol = translate_icmp(parsed.protocol, &payload);
  if (!protocol) return std::nullopt;
  return make_ip(source, from_nat64(parsed.destination.address), *protocol,
                 payload);
}

std::optional<Raw> translate_to_ipv6(std::span<const uint8_t> packet,
                                     const IpAddress& destination) {
  const Packet parsed = parse_packet(packet).value();
  if (((packet[6] << 8 | packet[7]) & 0x3fff) != 0) return std::nullopt;
  const auto above = above_ip(packet);
  Raw payload(above.begin(), above.end());
  const auto protocol = translate_icmp(parsed.protocol, &payload);
  if (!protocol) return std::nullopt;
  return make_ip(to_nat64(parsed.source.address), destination, *protocol,
                 payload);
}

}  // namespace happy::lab
