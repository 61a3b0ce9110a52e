// IP packets that the wire of a namespace lab makes or rewrites: resets, ICMP
// errors, shortened segments, and the two directions of NAT64 (RFC 7915, for
// TCP, UDP and echo). All checksums are right. No fragments, no options of IP.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/ip.h"
#include "tests/lab/packet.h"
#include "tests/lab/path.h"

namespace happy::lab {

using Raw = std::vector<uint8_t>;

// Builds the packet with an IP header of the addresses' family and fills in the
// checksum of TCP, UDP, ICMP or ICMPv6.
Raw make_ip(const IpAddress& source, const IpAddress& destination,
            uint8_t protocol, std::span<const uint8_t> payload);

// A reset, with ACK where `acknowledgment` is given.
Raw make_reset(const Endpoint& source, const Endpoint& destination,
               uint32_t sequence,
               std::optional<uint32_t> acknowledgment = std::nullopt);

// What the destination of a TCP segment says where it knows of no connection
// (RFC 9293 section 3.10.7.1).
Raw make_reset_for(const Packet& packet);

// The error for a packet, from `router`, which is of the packet's family. Not
// for Refusal::kReset.
Raw make_unreachable(std::span<const uint8_t> packet, Refusal why,
                     const IpAddress& router);

// A TCP segment with only the first `keep` octets of its payload, without FIN.
Raw shorten(std::span<const uint8_t> packet, size_t keep);

// RFC 6052 section 2.1: the well-known prefix.
bool is_nat64(const IpAddress& address);
// 64:ff9b::192.0.2.1 from 192.0.2.1, and back.
IpAddress to_nat64(const IpAddress& ipv4);
IpAddress from_nat64(const IpAddress& ipv6);

// A packet to the prefix, as the IPv4 server sees it, and the server's packet
// as the IPv6 client sees it; nullopt for what is not translated.
std::optional<Raw> translate_to_ipv4(std::span<const uint8_t> packet,
                                     const IpAddress& source);
std::optional<Raw> translate_to_ipv6(std::span<const uint8_t> packet,
                                     const IpAddress& destination);

}  // namespace happy::lab
