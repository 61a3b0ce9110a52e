// The text forms of a pin. Computing one from a certificate is not here. Pure.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/policy.h"

namespace happy::config {

// `key-fp:SHA256:BASE64` (ocaml-dns), `sha256:BASE64` and `sha256//BASE64`
// (curl) name a public key, `cert-fp:SHA256:BASE64` a certificate. BASE64 is
// RFC 4648 section 4 with padding, of exactly 32 octets. The error is a
// sentence for the user.
tl::expected<Pin, std::string> parse_pin(std::string_view text);

// The ocaml-dns form.
std::string to_string(const Pin& pin);

}  // namespace happy::config
