// The policy as a value: what the user's JSON file says, checked and with
// defaults filled in. Parsing is here; deciding what to do with it is not.
// Pure: text in, Policy or errors out. docs/policy.md describes every key.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "core/base/ip.h"
#include "core/dns/nat64.h"

namespace happy::config {

// A SHA-256 fingerprint of a certificate's SubjectPublicKeyInfo (kKey) or of
// the whole certificate in DER (kCertificate). RFC 7858 section 4.2.
struct Pin {
  enum class Kind : uint8_t { kKey, kCertificate };
  Kind kind = Kind::kKey;
  std::array<uint8_t, 32> sha256{};

  bool operator==(const Pin&) const = default;
};

// An encrypted resolver. `auth_name` or `pins` is non-empty; if both are, both
// must hold.
struct Resolver {
  std::string name{};
  std::vector<IpAddress> addresses{};  // 1 to 8
  uint16_t port = 853;
  std::string auth_name{};  // lower case A-label form, or empty
  std::vector<Pin> pins{};
  std::string ca_file{};  // PEM; empty: the system's bundle
  bool tcp_fast_open = false;
  bool early_data = false;  // TLS 1.3: the question in the first flight
  // False: whoever answers is believed. Never so in a policy: what a rule with
  // the profile kOpportunistic makes of its resolver.
  bool authenticated = true;

  bool operator==(const Resolver&) const = default;
};

// One entry of `hosts`: `name`, `*.name` (any depth below it, not itself) or
// `*`. Stored in lower case without the final dot.
struct HostPattern {
  enum class Kind : uint8_t { kExact, kBelow, kAny };
  Kind kind = Kind::kAny;
  std::string name{};  // empty for kAny

  bool operator==(const HostPattern&) const = default;
  // `host` in any case, with or without a final dot.
  bool matches(std::string_view host) const;
};

struct RaceSettings {
  bool enabled = true;
  std::chrono::milliseconds attempt_delay{250};
  bool adaptive = true;  // the attempt delay follows history
  std::chrono::milliseconds resolution_delay{50};
  int first_family_count = 1;
  int max_in_flight = 32;
  bool cross_family = false;  // an AF_INET caller's race may use IPv6

  bool operator==(const RaceSettings&) const = default;
};

struct Timeouts {
  std::chrono::milliseconds resolve{5000};
  std::optional<std::chrono::milliseconds> attempt{};  // none: the kernel's
  std::optional<std::chrono::milliseconds> connect{};  // none: the kernel's

  bool operator==(const Timeouts&) const = default;
};

// Where and how a rule's names are resolved.
enum class Profile : uint8_t {
  kSystem,  // libc's own resolver; the list of resolvers is empty
  kStrict,  // encrypted and authenticated, or no answer
  // RFC 8310 section 5: the same if it can be had, else encrypted by whoever
  // answers, else by libc's resolver where the rule says so.
  kOpportunistic,
};

// How IPv4 addresses are reached from a network without IPv4.
struct Nat64 {
  std::optional<dns::Nat64Prefix> prefix{};  // none: discovered, RFC 7050

  bool operator==(const Nat64&) const = default;
};

struct Rule {
  std::vector<HostPattern> hosts{};
  std::vector<size_t> resolvers{};  // indices into Policy::resolvers
  Profile profile = Profile::kSystem;
  bool falls_back_to_system = false;  // kOpportunistic only
  // A filter and an order; empty: both, ordered by RFC 6724.
  std::vector<Family> families{};
  RaceSettings race;
  Timeouts timeouts;
  bool stale = true;            // expired answers serve where resolvers fail
  bool refuse_private = false;  // the guard against DNS rebinding
  bool https_records = false;   // RFC 9460, for connects to port 443
  std::optional<Nat64> nat64{};
  // The ports that a connect() to the key's port races, in this order.
  std::map<uint16_t, std::vector<uint16_t>> port_alternatives{};
  // Whether no name of the rule may ever leave in clear text.
  bool forbids_clear_text() const {
    return profile != Profile::kSystem && !falls_back_to_system;
  }
  // Races to loopback destinations: off only in the embedded default policy.
  bool race_loopback = true;

  bool operator==(const Rule&) const = default;
};

struct Policy {
  std::vector<Resolver> resolvers{};
  std::vector<Rule> rules{};            // first match wins
  std::vector<std::string> prefetch{};  // names, looked up at load
  bool shares_state = true;             // with other processes of this user

  // The first rule that names `host`, or nullptr: then the host is libc's.
  const Rule* match(std::string_view host) const;
  // The same as an index into `rules`.
  std::optional<size_t> match_index(std::string_view host) const;
  // Whether any rule wants the network's NAT64 prefix discovered.
  bool discovers_nat64() const;
  // Whether any rule resolves by an encrypted resolver.
  bool uses_encrypted_resolver() const;
};

// One fault in a policy file. `line` and `column` count from 1, columns in
// octets; `key` is a path such as "rules[0].race.attempt_delay_ms", empty for
// faults of JSON itself.
struct PolicyError {
  int line = 0;
  int column = 0;
  std::string key{};
  std::string message{};

  // "policy.json:12:27: rules[0].race.attempt_delay_ms: must be ..., not 5"
  std::string to_string(std::string_view file) const;
};

// Errors: at least one, ordered by place in the text.
tl::expected<Policy, std::vector<PolicyError>> parse_policy(
    std::string_view text);

// What applies where no policy file exists: every host name, resolver
// `system`, race on, kernel time-outs, loopback destinations not raced.
Policy embedded_default_policy();

}  // namespace happy::config
