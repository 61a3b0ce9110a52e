#include "tests/lab/packet.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

namespace happy::lab {
namespace {

constexpr uint16_t kDnsPort = 53, kDotPort = 853;

uint16_t big_endian(std::span<const uint8_t> raw, size_t at) {
  return static_cast<uint16_t>(raw[at] << 8 | raw[at + 1]);
}

uint32_t big_endian_32(std::span<const uint8_t> raw, size_t at) {
  return uint32_t{big_endian(raw, at)} << 16 | big_endian(raw, at + 2);
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
    packet->sequence = big_endian_32(raw, 4);
    packet->acknowledgment = big_endian_32(raw, 8);
  } else if ((packet->protocol == IPPROTO_ICMP ||
              packet->protocol == IPPROTO_ICMPV6) &&
             raw.size() >= 8) {
    packet->icmp_type = raw[0];
    packet->icmp_code = raw[1];
    return;
  } else {
    return;
  }
  packet->source.port = big_endian(raw, 0);
  packet->destination.port = big_endian(raw, 2);
}

const char* word(Fate fate) {
  switch (fate) {
    case Fate::kUnderWay:
      return " under way";
    case Fate::kDelivered:
      return "";
    case Fate::kLost:
      return " lost";
    case Fate::kSwallowed:
      return " swallowed";
    case Fate::kRefused:
      return " refused";
  }
  return "";
}

}  // namespace

bool Packet::unreachable() const {
  return (protocol == IPPROTO_ICMP && icmp_type == 3) ||
         (protocol == IPPROTO_ICMPV6 && icmp_type == 1);
}

bool Packet::dns() const {
  for (const uint16_t port : {source.port, destination.port})
    if (port == kDnsPort || port == kDotPort) return true;
  return false;
}

std::string Packet::describe() const {
  std::string text = source.to_string() + " > " + destination.to_string();
  const std::array<std::pair<bool, const char*>, 4> flags{
      {{syn, " SYN"}, {ack && syn, " ACK"}, {fin, " FIN"}, {rst, " RST"}}};
  for (const auto& [set, name] : flags)
    if (set) text += name;
  if (protocol == IPPROTO_UDP) text += " UDP";
  if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
    text +=
        " ICMP " + std::to_string(icmp_type) + "/" + std::to_string(icmp_code);
  if (payload > 0) text += " " + std::to_string(payload) + " octets";
  return text + (by_wire ? " by the wire" : "") + word(fate);
}

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
  return cleared_ + packets_.size() - 1;
}

void PacketLog::delivered(size_t number, Time when) {
  const std::lock_guard lock(mutex_);
  if (number < cleared_) return;
  packets_.at(number - cleared_).delivered = when;
  packets_.at(number - cleared_).fate = Fate::kDelivered;
}

void PacketLog::fate(size_t number, Fate fate) {
  const std::lock_guard lock(mutex_);
  if (number >= cleared_) packets_.at(number - cleared_).fate = fate;
}

void PacketLog::clear() {
  const std::lock_guard lock(mutex_);
  cleared_ += packets_.size();
  packets_.clear();
}

std::vector<Packet> PacketLog::all() const {
  const std::lock_guard lock(mutex_);
  return packets_;
}

std::string PacketLog::describe() const {
  const auto packets = all();
  std::string text;
  for (const auto& packet : packets) {
    const Duration since = packet.sent - packets.front().sent;
    std::array<char, 32> time{};
    std::snprintf(time.data(), time.size(), "%9.3f ms  ",
                  static_cast<double>(since.count()) / 1000);
    text += time.data();
    text += packet.describe() + "\n";
  }
  return text;
}

template <typename Holds>
std::vector<Packet> PacketLog::where(Holds holds) const {
  std::vector<Packet> found;
  for (const auto& packet : all())
    if (holds(packet)) found.push_back(packet);
  return found;
}

std::vector<Packet> PacketLog::syns() const {
  return where([](const Packet& it) { return it.syn && !it.ack; });
}

std::vector<Packet> PacketLog::syn_acks() const {
  return where([](const Packet& it) { return it.syn && it.ack; });
}

std::vector<Packet> PacketLog::resets() const {
  return where([](const Packet& it) { return it.rst; });
}

std::vector<Packet> PacketLog::unreachables() const {
  return where([](const Packet& it) { return it.unreachable(); });
}

std::vector<Packet> PacketLog::dns() const {
  return where([](const Packet& it) { return it.dns(); });
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
