// A host name to addresses, as the policy says, within the caller's patience.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "connect/failure.h"
#include "connect/patience.h"
#include "core/base/ip.h"

namespace happy::direct {

// The addresses in the order to try them; never none. `family`: AF_UNSPEC,
// AF_INET or AF_INET6. The engine then knows them as those of `host` (an
// address as text is a name with one), for the calling thread.
[[nodiscard]] tl::expected<std::vector<IpAddress>, Failure> look_up(
    const std::string& host, int family, const Patience& patience);

}  // namespace happy::direct
