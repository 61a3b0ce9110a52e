#include "tests/lab/packet.h"

#include <netinet/in.h>

#include <algorithm>
#include <set>

namespace happy::lab {
namespace {

constexpr uint16_t kDotPort = 853;

uint16_t big_endian(std::span<const uint8_t> raw, size_t at) {
  return static_cast<uint16_t>(raw[at] << 8 | raw[at + 1]);
}

IpAddress address_at(std::span<const uint8_t> raw, size_t at, Family family) {
  IpAddress address{.family = family};
  const size_t size = family == Family::kIpv4 ? 4 : 16;
  std::copy_n(raw.begin() + static_cast<ptrdiff_t>(at), size,
              address.bytes.begin());
  return address;
}

// Ports, flags and payload of what follows the IP header.
void parse_transport(std::span<const uint8_t> raw, Packet* packet) {
  if (packet->protocol == IPPROTO_UDP && raw.size() >= 8) {
    packet->payload = raw.size() - 8;
  } else if (packet->protocol == IPPROTO_TCP && raw.size() >= 20) {
    const size_t header = static_cast<size_t>(raw[12] >> 4) * 4;
    packet->payload = raw.size() > header ? raw.size() - header : 0;
    packet->fin = (raw[13] & 0x01) != 0;
    packet->syn = (raw[13] & 0x02) != 0;
    packet->rst = (raw[13] & 0x04) != 0;
    packet->ack = (raw[13] & 0x10) != 0;
  } else {
    return;
  }
  packet->source.port = big_endian(raw, 0);
  packet->destination.port = big_endian(raw, 2);
}

}  // namespace

std::optional<Packet> parse_packet(std::span<const uint8_t> raw) {
  Packet packet;
  if (raw.size() >= 20 && raw[0] >> 4 == 4) {
    const size_t header = static_cast<size_t>(raw[0] & 15) * 4;
    const size_t total = big_endian(raw, 2);
    if (header < 20 || total < header || total > raw.size())
      return std::nullopt;
    packet.protocol = raw[9];
    packet.source.address = address_at(raw, 12, Family::kIpv4);
    packet.destination.address = address_at(raw, 16, Family::kIpv4);
    parse_transport(raw.subspan(header, total - header), &packet);
    return packet;
  }
  if (raw.size() >= 40 && raw[0] >> 4 == 6) {
    packet.protocol = raw[6];
    packet.source.address = address_at(raw, 8, Family::kIpv6);
    packet.destination.address = address_at(raw, 24, Family::kIpv6);
    const size_t total = 40U + big_endian(raw, 4);
    if (total > raw.size()) return std::nullopt;
    parse_transport(raw.subspan(40, total - 40), &packet);
    return packet;
  }
  return std::nullopt;
}

size_t PacketLog::add(const Packet& packet) {
  const std::lock_guard lock(mutex_);
  packets_.push_back(packet);
  return packets_.size() - 1;
}

void PacketLog::delivered(size_t number, Time when) {
  const std::lock_guard lock(mutex_);
  if (number < packets_.size()) packets_[number].delivered = when;
}

void PacketLog::clear() {
  const std::lock_guard lock(mutex_);
  packets_.clear();
}

std::vector<Packet> PacketLog::all() const {
  const std::lock_guard lock(mutex_);
  return packets_;
}

std::vector<Packet> PacketLog::attempts() const {
  std::vector<Packet> found;
  std::set<std::pair<Endpoint, Endpoint>> seen;
  for (const auto& packet : all()) {
    if (!packet.from_client || !packet.syn || packet.ack) continue;
    if (packet.destination.port == kDotPort) continue;
    if (seen.emplace(packet.source, packet.destination).second)
      found.push_back(packet);
  }
  return found;
}

std::optional<Time> PacketLog::connected(const IpAddress& address) const {
  for (const auto& packet : all())
    if (packet.from_client && packet.ack && !packet.syn && !packet.rst &&
        packet.destination.address == address)
      return packet.sent;
  return std::nullopt;
}

std::optional<Time> PacketLog::last_dot_data(Time before) const {
  std::optional<Time> last;
  for (const auto& packet : all())
    if (!packet.from_client && packet.source.port == kDotPort &&
        packet.payload > 0 && packet.delivered && *packet.delivered < before)
      last = packet.delivered;
  return last;
}

size_t PacketLog::count_port(uint16_t port) const {
  const auto packets = all();
  return static_cast<size_t>(
      std::count_if(packets.begin(), packets.end(), [port](const Packet& p) {
        return p.source.port == port || p.destination.port == port;
      }));
}

}  // namespace happy::lab
