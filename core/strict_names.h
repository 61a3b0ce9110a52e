// Which names are strict: asked of the policy's encrypted resolvers and of
// nobody else. Shared by the library and happyctl.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/policy.h"
#include "core/dns/search.h"

namespace happy {

struct StrictNames {
  dns::SearchList list;       // in the order to try them
  std::vector<size_t> rules;  // of list.names, by index into the policy's
};

// The expansions of a name that have a rule with an encrypted resolver, or
// nullopt if none has. The others of such a list are left out: they hold the
// strict name as a part, and would carry it to the system's resolver. An empty
// list: no name that anybody may be asked for.
std::optional<StrictNames> strict_names(const config::Policy& policy,
                                        std::string_view asked,
                                        const dns::ResolvConf& conf);

}  // namespace happy
