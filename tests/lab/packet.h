// One IP packet as the relay between two namespaces saw it: who, when, what
// kind. A log of them answers the questions of the tests.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"

namespace happy::lab {

struct Packet {
  Endpoint source, destination;  // port 0 where the protocol has none
  uint8_t protocol = 0;          // IPPROTO_TCP, ...
  bool syn = false, ack = false, fin = false, rst = false;  // of TCP
  size_t payload = 0;  // octets above TCP or UDP
  bool from_client = false;
  Time sent;  // arrival at the relay; for a client's packet its sending
  std::optional<Time> delivered;  // none: dropped, or still under way
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
  void clear();
  std::vector<Packet> all() const;

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
  mutable std::mutex mutex_;
  std::vector<Packet> packets_;
};

}  // namespace happy::lab
