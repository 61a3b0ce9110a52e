// One IP packet on the wire of a namespace lab: who, when, what kind, and what
// became of it. A log of them, as the client's side sees them, answers the
// questions of the tests.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"

namespace happy::lab {

// What became of a packet.
enum class Fate : uint8_t {
  kUnderWay,
  kDelivered,
  kLost,       // by the path's share of losses
  kSwallowed,  // by a black hole, or after the connection was cut
  kRefused,    // answered by the wire with a reset or an ICMP error
};

struct Packet {
  Endpoint source, destination;  // port 0 where the protocol has none
  uint8_t protocol = 0;          // IPPROTO_TCP, ...
  bool syn = false, ack = false, fin = false, rst = false;  // of TCP
  uint32_t sequence = 0, acknowledgment = 0;                // of TCP
  uint8_t icmp_type = 0, icmp_code = 0;  // of ICMP and ICMPv6
  size_t payload = 0;                    // octets above TCP or UDP
  bool from_client = false;
  bool by_wire = false;  // a reset or ICMP error that the wire itself made
  Time sent;  // arrival at the wire; for a client's packet its sending
  std::optional<Time> delivered;
  Fate fate = Fate::kUnderWay;

  // A destination cannot be reached, in either family.
  bool unreachable() const;
  // Port 53 or 853 on either side.
  bool dns() const;
  // "192.0.2.2:40000 > 198.51.100.1:80 SYN lost", without the times.
  std::string describe() const;
};

// What a raw IPv4 or IPv6 packet says; nullopt for anything malformed. IPv6
// extension headers are not walked: the labs have none.
std::optional<Packet> parse_packet(std::span<const uint8_t> raw);

// All packets of a lab in the order of arrival. Any thread.
class PacketLog {
 public:
  // Returns the number by which delivered() is told.
  size_t add(const Packet& packet);
  void delivered(size_t number, Time when);
  void fate(size_t number, Fate fate);
  void clear();
  std::vector<Packet> all() const;
  // A line a packet, with milliseconds since the first one: for the message of
  // a failed expectation and for `tcpdump`-like reading.
  std::string describe() const;

  // All SYNs with their retransmissions, all SYN-ACKs, resets of either side,
  // ICMP errors, and packets of DNS (ports 53 and 853).
  std::vector<Packet> syns() const;
  std::vector<Packet> syn_acks() const;
  std::vector<Packet> resets() const;
  std::vector<Packet> unreachables() const;
  std::vector<Packet> dns() const;

  // When the client sent its first SYNs to these addresses, one a connection
  // (retransmissions left out), in order.
  std::vector<Packet> attempts() const;
  // The client's first packet after the SYN-ACK from the address: the moment
  // it has its connection.
  std::optional<Time> connected(const IpAddress& address) const;
  // When the last data of the resolver (TCP port 853) reached the client
  // before `before`.
  std::optional<Time> last_dot_data(Time before) const;
  // Packets with this port on either side, over TCP or UDP.
  size_t count_port(uint16_t port) const;

 private:
  template <typename Holds>
  std::vector<Packet> where(Holds holds) const;

  mutable std::mutex mutex_;
  std::vector<Packet> packets_;
  size_t cleared_ = 0;  // numbers below are of packets no longer here
};

}  // namespace happy::lab
