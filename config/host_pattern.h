// Host names as a policy writes them: plain ones and patterns. Pure.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/policy.h"

namespace happy::config {

// A host name in lower case without the final dot. Labels have 1 to 63 octets
// of letters, digits, "-" and "_", the name at most 253 (RFC 1035 section
// 2.3.4); internationalised labels are A-labels (RFC 5890 section 2.3.2.1).
// Addresses are refused. The error is a sentence for the user.
tl::expected<std::string, std::string> parse_host_name(std::string_view text);

// A host name, `*.name` or `*`.
tl::expected<HostPattern, std::string> parse_host_pattern(
    std::string_view text);

// As a policy writes it.
std::string to_string(const HostPattern& pattern);

}  // namespace happy::config
