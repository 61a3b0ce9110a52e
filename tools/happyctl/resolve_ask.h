// Asks for a name as the library would, for `happyctl resolve`: hosts file,
// special names, search list, rule, resolver. What it found, as a value; it
// prints nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/policy.h"
#include "core/dns/message.h"
#include "core/net/dot_client.h"

namespace happyctl {

struct Inquiry {
  std::string name;  // as typed
  std::vector<uint16_t> types;
  std::optional<std::string> resolver;  // --resolver
};

// The outcome for one type.
struct TypeResult {
  uint16_t type = 0;
  std::optional<happy::net::DotError> error{};  // no reply that can be used
  happy::dns::Message message{};
  happy::net::DotTimings timings{};
  size_t octets = 0;  // of the reply
};

struct Findings {
  enum class Source { kHosts, kSpecial, kSystem, kResolver };
  Source source = Source::kSystem;
  std::string asked;             // the name after the search list
  std::optional<size_t> rule{};  // index; none: no rule or --resolver
  std::string resolver{};        // its name, for kResolver
  std::string note{};            // why, for kSpecial; failures, for kSystem
  std::vector<happy::IpAddress> addresses{};  // all but kResolver
  std::vector<TypeResult> results{};          // kResolver
  // What resolvers before the one in `results` failed with.
  std::vector<std::string> failed_before{};

  bool found() const;  // at least one address or record
};

// Errors: a usage error in words.
tl::expected<Findings, std::string> inquire(const happy::config::Policy& policy,
                                            const Inquiry& inquiry);

// A number of the type, from "AAAA", "aaaa", "TYPE28" or "28".
std::optional<uint16_t> parse_type(std::string text);
std::string type_text(uint16_t type);

}  // namespace happyctl
