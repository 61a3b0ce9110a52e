// Decides whether the server of a finished handshake is the resolver that the
// user meant: by pins, by name and CA, or by both (RFC 7858 section 4.2,
// RFC 8310 section 8). No network and no policy: a certificate chain in, a
// verdict with its reason out.
#pragma once

#include <string>
#include <vector>

#include "core/net/tls_abi.h"
#include "core/net/tls_certificate.h"

namespace happy::tls {

// What to hold the server against; a copy of happy_tls_config that owns.
struct Authenticators {
  std::string auth_name;  // empty: none
  std::string ca_file;    // empty: the system's bundle
  std::vector<happy_tls_pin> pins;
  bool unauthenticated = false;  // none of it has to hold
};

struct Verdict {
  happy_tls_failure failure = HAPPY_TLS_OK;
  std::string text;  // why not, one sentence without a full stop
};

// Everything that `wanted` asks for holds, or the verdict says what does not.
// `now` is what certificate dates are compared with.
Verdict authenticate(const Chain& chain, const Authenticators& wanted,
                     time_t now);

// "pin", "name and CA", "name, CA and pin", "nobody".
const char* authenticated_by(const Authenticators& wanted);

}  // namespace happy::tls
