// Asks the kernel which source address it would use for a destination, by
// connecting a UDP socket and reading its name: no packet leaves, nothing
// blocks. Any thread.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "core/base/time.h"
#include "core/race/destination_order.h"

namespace happy::net {

// Every address with its source, in the order given. An address without a
// route, or any at all where sockets cannot be had, has none. IPv4 prefix
// lengths are looked up where more than one IPv4 address is there to compare.
std::vector<race::Destination> with_sources(
    std::span<const IpAddress> addresses);

// The same, asked of the kernel once a second at most for one list: a look-up
// that the cache answers takes less than that question. The caller locks.
class SourceReader {
 public:
  const std::vector<race::Destination>& of(
      const std::vector<IpAddress>& addresses, Time now);

 private:
  static constexpr Duration kLife{1'000'000};
  static constexpr size_t kMost = 256;
  Time began_{};
  std::map<std::vector<IpAddress>, std::vector<race::Destination>> known_;
};

}  // namespace happy::net
