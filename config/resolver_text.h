// A resolver in one string, as ocaml-dns has it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/policy.h"

namespace happy::config {

// `tls:ADDRESS[:PORT][!auth_name][!authenticator]`. ADDRESS is IPv4 or IPv6,
// the latter in brackets if a port follows; the authenticator is a pin
// (key-fp:SHA256:BASE64, cert-fp:SHA256:BASE64). auth_name or authenticator is
// needed. The name is the caller's. The error is a sentence for the user.
tl::expected<Resolver, std::string> parse_resolver_text(std::string_view text);

}  // namespace happy::config
