// Which network the host is on, as the interface and the gateway of the routes
// that lead to the world, and whether any of them is for IPv4: asked of the
// kernel over netlink, at most once a second. No packet leaves, nothing blocks.
// The caller locks.
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "core/base/time.h"
#include "core/state/address_history.h"

namespace happy::net {

struct Network {
  state::NetworkId id{};
  bool ipv4 = true;  // there is a way to the IPv4 world

  bool operator==(const Network&) const = default;
};

// Where nothing can be asked (no netlink in a sandbox), always the same one.
Network ask_for_network();

class NetworkReader {
 public:
  explicit NetworkReader(std::function<Network()> ask = ask_for_network)
      : ask_(std::move(ask)) {}

  Network current(Time now) {
    if (!asked_ || now - *asked_ >= kLife) {
      network_ = ask_();
      asked_ = now;
    }
    return network_;
  }

 private:
  static constexpr Duration kLife{1'000'000};
  std::function<Network()> ask_;
  std::optional<Time> asked_;
  Network network_{};
};

}  // namespace happy::net
