// Asks the kernel which source address it would use for a destination, by
// connecting a UDP socket and reading its name: no packet leaves, nothing
// blocks. Any thread.
#pragma once

#include <span>
#include <vector>

#include "core/race/destination_order.h"

namespace happy::net {

// Every address with its source, in the order given. An address without a
// route, or any at all where sockets cannot be had, has none. IPv4 prefix
// lengths are looked up where more than one IPv4 address is there to compare.
std::vector<race::Destination> with_sources(
    std::span<const IpAddress> addresses);

}  // namespace happy::net
