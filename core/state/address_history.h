// What is known of addresses from earlier races on the network of the moment:
// RTT, failures, the last win. It says who is near, who has failed lately, how
// long an attempt should be given, and whose turn it is to be measured. Pure:
// time and the network's id are arguments; the caller locks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"

namespace happy::state {

// Names a network, by interface and gateway of the default routes. Opaque.
enum class NetworkId : uint64_t {};

enum class FailureKind : uint8_t {
  kRefused,      // RST: somebody is there
  kUnreachable,  // said by ICMP or by the kernel
  kSilent,       // nothing came back in time
  kUnread,       // an error that was left for the host to read
};

// RFC 6298 section 2, for handshakes instead of retransmissions.
class RttEstimate {
 public:
  RttEstimate() = default;
  RttEstimate(Time last, Duration smoothed, Duration variation)
      : last_(last), smoothed_(smoothed), variation_(variation) {}
  void add(Duration sample, Time now);
  bool known(Time now, Duration life) const;
  const std::optional<Time>& last() const { return last_; }
  Duration smoothed() const { return smoothed_; }
  Duration variation() const { return variation_; }
  // srtt + 4 * rttvar.
  Duration limit() const { return smoothed_ + 4 * variation_; }
  bool operator==(const RttEstimate&) const = default;

 private:
  std::optional<Time> last_;
  Duration smoothed_{};
  Duration variation_{};
};

// All that is known of one network, for other processes.
struct HistorySnapshot {
  struct Failure {
    uint16_t port;
    FailureKind kind;
    Time at;
    bool operator==(const Failure&) const = default;
  };
  struct Entry {
    IpAddress address;
    RttEstimate rtt = {};
    std::optional<Time> won = {};
    std::optional<Time> explored = {};
    std::vector<Failure> failures = {};  // one a port
    Time heard{};
    bool operator==(const Entry&) const = default;
  };
  NetworkId network{};
  RttEstimate rtt = {};
  std::vector<Entry> entries = {};  // the one heard of last first
  bool operator==(const HistorySnapshot&) const = default;
};

class AddressHistory {
 public:
  struct Limits {
    size_t addresses = 1024;     // the one heard of longest ago goes
    Duration life{600'000'000};  // what is older is forgotten
    Duration least_delay{100'000};
    Duration most_delay{2'000'000};
    int races_per_exploration = 8;  // of one unmeasured address
  };

  explicit AddressHistory(const Limits& limits) : limits_(limits) {}
  AddressHistory() : AddressHistory(Limits()) {}

  // The host is on this network now: what was known of another is forgotten,
  // and true returned.
  bool enter(NetworkId network);
  NetworkId network() const { return network_; }

  // What a race that began on `network` has shown. Ignored if the host is
  // elsewhere by now, and for loopback addresses, of which the network says
  // nothing. `rtt`: none if the SYN went out more than once (Karn's rule).
  void connected(NetworkId network, const Endpoint& endpoint,
                 std::optional<Duration> rtt, Time now);
  void failed(NetworkId network, const Endpoint& endpoint, FailureKind kind,
              Time now);
  // An exploring attempt was still without an answer when another won.
  void explored(NetworkId network, const IpAddress& address, Time now);

  // A failure is its port's; that of a silent or unreachable address is every
  // port's until the address has been reached by some other. Port 0: what
  // a look-up asks, before a port is known: whether its last news are bad.
  bool failed_lately(const Endpoint& endpoint, Time now) const;

  // One number for each address, smaller first, equal where nothing tells them
  // apart: the nearest (RTTs within a fifth count as equal), then whoever won
  // last; unmeasured addresses after measured ones.
  std::vector<int> ranks(std::span<const IpAddress> addresses, Time now) const;

  // How long an attempt to the address should be given before the next one:
  // from its own RTT, else from what RTTs are on this network. nullopt: cold.
  std::optional<Duration> attempt_delay(const IpAddress& address,
                                        Time now) const;
  std::optional<Duration> network_delay(Time now) const;

  // Counts one race led by `leader`, and says which of `others` is to be
  // measured beside it: one of its family that has been passed over
  // unmeasured in as many races as Limits says. Of several the last: those in
  // front are the next to be tried anyway.
  std::optional<IpAddress> explore(const IpAddress& leader,
                                   std::span<const IpAddress> others, Time now);

  HistorySnapshot snapshot() const;
  // What others have heard of addresses more lately than this. Ignored if the
  // host is elsewhere by now.
  void join(const HistorySnapshot& others, Time now);

  size_t size() const { return entries_.size(); }

 private:
  using Failure = HistorySnapshot::Failure;
  struct Entry {
    RttEstimate rtt;
    std::optional<Time> won;
    std::optional<Time> explored;
    std::vector<Failure> failures;  // one a port
    int passed_over = 0;
    Time heard{};
  };

  Entry* note(NetworkId network, const IpAddress& address, Time now);
  const Entry* find(const IpAddress& address) const;
  bool fresh(const std::optional<Time>& at, Time now) const;
  Duration bounded(Duration delay) const;
  void make_room(Time now);

  const Limits limits_;
  NetworkId network_{};
  RttEstimate network_rtt_;
  std::unordered_map<IpAddress, Entry> entries_;
};

}  // namespace happy::state
