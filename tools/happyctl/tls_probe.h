// Looks at a TLS server without believing it: connects, shakes hands, keeps
// what it presented, and asks libhappy-tls.so what it would say of it. It sends
// no query, stores nothing and prints nothing.
#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/policy.h"
#include "core/base/ip.h"
#include "core/base/time.h"
#include "core/net/dot_error.h"

namespace happyctl {

struct SeenCertificate {
  std::optional<happy::config::Pin> key{};  // none: of an unknown kind
  happy::config::Pin certificate{};
  std::string subject{}, issuer{};       // safe for a terminal
  std::vector<std::string> dns_names{};  // as it has them, made safe
  time_t valid_from = 0, valid_until = 0;
  // Whether a pin of the key would let this server in: always the leaf's; that
  // of another where the chain proves that it issued the leaf.
  bool key_holds = false;
};

struct SeenServer {
  std::string tls_version{}, cipher{};
  happy::Duration connect{}, handshake{};
  std::vector<SeenCertificate> chain{};  // leaf first; not empty
  // The name that was asked of the CAs: the one looked for, else the first that
  // the leaf has and a policy may name. Empty: there is none.
  std::string name{};
  std::string why_not_by_ca{};  // empty: they vouch for `name`
  bool by_ca() const { return !name.empty() && why_not_by_ca.empty(); }
};

struct LookWish {
  std::string name{};     // sent as SNI and looked for; may be empty
  std::string ca_file{};  // PEM; empty: the system's CAs are asked
  std::chrono::milliseconds patience{5000};
};

// Errors are sentences without the address.
tl::expected<SeenServer, happy::net::DotError> look_at(
    const happy::Endpoint& place, const LookWish& wish);

}  // namespace happyctl
