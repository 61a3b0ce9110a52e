// Names of the reverse map: the question of a PTR look-up says which address it
// is about (RFC 1035 section 3.5, RFC 3596 section 2.5).
#pragma once

#include <optional>
#include <string>

#include "core/base/ip.h"
#include "core/dns/name.h"

namespace happy::dns {

// The address behind "1.2.0.192.in-addr.arpa" or 32 nibbles below ip6.arpa;
// nullopt for any other name, also for one of a whole network.
std::optional<IpAddress> reverse_mapped(const Name& name);

// That name of an address, without the final dot.
std::string reverse_name(const IpAddress& address);

}  // namespace happy::dns
