// gai.conf(5) as a policy table for destination_order.h. Text in, values out;
// the caller reads the file. `label` and `precedence` lines count, as in glibc
// each kind replaces its defaults as a whole; `scopev4` and `reload` do not.
#pragma once

#include <string_view>
#include <vector>

#include "core/race/destination_order.h"

namespace happy::race {

// Never fails: lines that cannot be understood are skipped, as glibc does.
// Without any line that counts: the defaults.
std::vector<PrefixPolicy> parse_gai_conf(std::string_view text);

}  // namespace happy::race
