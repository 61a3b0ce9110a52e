// The wire between two namespaces: a thread that carries packets from one TUN
// device to the other with the delay, loss or silence of the far address, and
// logs each. It changes no packet and answers none: a refusal comes from the
// far kernel, on whose address nobody listens.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <queue>
#include <random>
#include <thread>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"
#include "tests/lab/descriptor.h"
#include "tests/lab/packet.h"

namespace happy::lab {

// The way to and from one address of the server side.
struct Path {
  Duration rtt{};           // half of it each way
  Duration jitter{};        // up to this much more each way; order is kept
  double loss = 0;          // share of packets, each way
  bool black_hole = false;  // nothing passes, and nobody says so
};

class Relay {
 public:
  // `paths` by far address; others pass at once. `seed` makes loss and jitter
  // repeatable.
  Relay(Descriptor client, Descriptor server, std::map<IpAddress, Path> paths,
        unsigned seed = 1);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  PacketLog& log() { return log_; }

 private:
  struct Waiting {
    Time due;
    size_t number;  // in the log, and so in order of arrival
    bool from_client;
    std::vector<uint8_t> raw;
    bool operator>(const Waiting& other) const {
      return due != other.due ? due > other.due : number > other.number;
    }
  };

  void serve();
  void read_all(bool from_client);
  void take(std::vector<uint8_t> raw, bool from_client);
  void deliver_due();
  void arm_timer();

  Descriptor client_, server_, stop_, timer_;
  const std::map<IpAddress, Path> paths_;
  std::mt19937 random_;
  std::map<std::pair<IpAddress, bool>, Time> last_due_;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  PacketLog log_;
  std::thread thread_;
};

}  // namespace happy::lab
