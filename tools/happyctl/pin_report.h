// Shows what `happyctl pin` saw of a server, for people and for programs, and
// writes the resolver that a policy would have for it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/base/ip.h"
#include "tools/happyctl/tls_probe.h"

namespace happyctl {

// {"NAME": {...}}: what belongs under `resolvers`. `ca_file` as looked with.
nlohmann::ordered_json resolvers_json(const happy::Endpoint& place,
                                      const SeenServer& seen,
                                      const std::string& ca_file);

std::string seen_text(const happy::Endpoint& place, const SeenServer& seen,
                      const std::string& ca_file);
nlohmann::ordered_json seen_json(const happy::Endpoint& place,
                                 const SeenServer& seen,
                                 const std::string& ca_file);

// Why nobody should believe it without another look; ends its line.
std::string first_use_warning();

}  // namespace happyctl
