// What happens to packets between the two sides of a namespace lab: delay,
// jitter, loss, rate, silence, resets, ICMP errors, NAT64, and the log of it
// all. Pure: it is told the time, and holds packets until they are due; the
// relay carries them. Not for more than one thread, but for change() and log().
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <queue>
#include <random>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"
#include "tests/lab/packet.h"
#include "tests/lab/packet_make.h"
#include "tests/lab/path.h"

namespace happy::lab {

struct WireWish {
  std::map<IpAddress, Path> paths{};  // by far address; others pass at once
  // Makes loss and jitter repeatable: the fate of the n-th packet of a
  // direction of an address depends on nothing else.
  unsigned seed = 1;
  // 64:ff9b::/96 leads to the IPv4 servers, as seen from `nat64_source`. The
  // path is that of the IPv6 address where it has one, else of the IPv4 one.
  bool nat64 = false;
  IpAddress nat64_source = IpAddress::v4(192, 0, 2, 64);
  IpAddress router4 = IpAddress::v4(192, 0, 2, 1);
  IpAddress router6 = IpAddress::parse("2001:db8:c::1").value();
};

struct Delivery {
  Time due;
  size_t number;  // in the log, and so in order of arrival
  bool to_client;
  Raw raw;
  bool operator>(const Delivery& other) const {
    return due != other.due ? due > other.due : number > other.number;
  }
};

class Wire {
 public:
  explicit Wire(WireWish wish) : wish_(std::move(wish)) {}

  // A packet that came in; what is no IP packet is ignored.
  void take(Raw raw, bool from_client, Time now);
  // When the next packet is due, and the packet if that is not after `now`.
  std::optional<Time> next() const;
  std::optional<Delivery> deliver(Time now);

  // Packets that come in at `from` or later find the address so. Any thread.
  void change(const IpAddress& far, const Path& path, Time from);
  PacketLog& log() { return log_; }

 private:
  // One direction of one address.
  struct Lane {
    std::mt19937 random;
    Time last_due, free;  // free: when the rate lets the next packet start
  };
  struct Change {
    Time from;
    IpAddress far;
    Path path;
  };
  // One TCP connection, as long as its path cuts connections.
  struct Connection {
    uint32_t first = 0;  // of the server's data
    bool cut = false;
  };
  using ConnectionKey = std::pair<Endpoint, Endpoint>;  // client, server

  void apply_changes(Time now);
  const Path& path_of(const IpAddress& far) const;
  Lane& lane(const IpAddress& far, bool from_client);
  Time due_after(const IpAddress& far, bool from_client, Time sent,
                 size_t size);
  bool lost(const IpAddress& far, bool from_client);
  void take_from_client(Raw raw, const Packet& packet);
  void take_from_server(Raw raw, const Packet& packet);
  void refuse(const Raw& raw, const Packet& packet, Refusal why);
  // False: the packet does not go on.
  bool cut(Raw* raw, const Packet& packet, uint64_t after);
  void push_to_client(Raw raw, Time sent, Time due, bool by_wire);
  std::optional<Raw> as_client_sees(Raw raw, const IpAddress& to) const;

  const WireWish wish_;
  std::map<IpAddress, Path> paths_ = wish_.paths;
  std::mutex changes_mutex_;
  std::vector<Change> changes_;
  std::map<std::pair<IpAddress, bool>, Lane> lanes_;
  std::map<ConnectionKey, Connection> connections_;
  std::optional<IpAddress> nat64_client_;
  std::priority_queue<Delivery, std::vector<Delivery>, std::greater<>> waiting_;
  PacketLog log_;
};

}  // namespace happy::lab
