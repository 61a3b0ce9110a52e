// Which network the host is on, as the interface and the gateway of the routes
// that lead to the world: asked of the kernel over netlink, at most once a
// second. No packet leaves, nothing blocks. The caller locks.
#pragma once

#include <optional>

#include "core/base/time.h"
#include "core/state/address_history.h"

namespace happy::net {

// Where nothing can be asked (no netlink in a sandbox), always the same one.
state::NetworkId ask_for_network();

class NetworkReader {
 public:
  state::NetworkId current(Time now) {
    if (!asked_ || now - *asked_ >= kLife) {
      id_ = ask_for_network();
      asked_ = now;
    }
    return id_;
  }

 private:
  static constexpr Duration kLife{1'000'000};
  std::optional<Time> asked_;
  state::NetworkId id_{};
};

}  // namespace happy::net
