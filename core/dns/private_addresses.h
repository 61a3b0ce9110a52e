// The guard against DNS rebinding: which addresses a name of the public DNS has
// no business to have, and an answer without them. Pure.
#pragma once

#include <optional>

#include "core/base/ip.h"
#include "core/dns/answer.h"

namespace happy::dns {

// Of this machine or the networks around it: loopback, link-local, private
// (RFC 1918, RFC 4193), shared (RFC 6598) and unspecified addresses, also as
// IPv6 forms of IPv4 addresses (mapped, and RFC 6052's well-known prefix).
bool is_private(const IpAddress& address);

// Takes them out; an answer without any left is kNoData. The first of them, or
// nullopt: there was none.
std::optional<IpAddress> drop_private(Answer* answer);

}  // namespace happy::dns
