#include "config/key_table.h"

#include <algorithm>

namespace happy::config {
namespace {

using enum Shape;

constexpr KeySpec kKeys[] = {
    {.scope = Scope::kPolicy,
     .name = "version",
     .shape = kInteger,
     .min = 1,
     .max = 1,
     .required = true},
    {.scope = Scope::kPolicy,
     .name = "resolvers",
     .shape = kNamed,
     .inner = Scope::kResolver},
    {.scope = Scope::kPolicy,
     .name = "defaults",
     .shape = kObject,
     .inner = Scope::kSettings},
    {.scope = Scope::kPolicy,
     .name = "rules",
     .shape = kObjects,
     .inner = Scope::kRule},
    {.scope = Scope::kPolicy,
     .name = "prefetch",
     .shape = kStrings,
     .min = 0,
     .max = 32},
    {.scope = Scope::kPolicy,
     .name = "state",
     .shape = kObject,
     .inner = Scope::kState},
    {Scope::kState, "enabled", kBoolean},

    {.scope = Scope::kResolver,
     .name = "addresses",
     .shape = kStrings,
     .min = 1,
     .max = 8,
     .required = true},
    {.scope = Scope::kResolver,
     .name = "port",
     .shape = kInteger,
     .min = 1,
     .max = 65535},
    {.scope = Scope::kResolver,
     .name = "transport",
     .shape = kString,
     .words = {"tls"}},
    {.scope = Scope::kResolver,
     .name = "auth_name",
     .shape = kString,
     .min = 1},
    {.scope = Scope::kResolver, .name = "pins", .shape = kStrings, .min = 1},
    {.scope = Scope::kResolver,
     .name = "ca_file",
     .shape = kString,
     .min = 1,
     .max = 4095},
    {Scope::kResolver, "tcp_fast_open", kBoolean},
    {Scope::kResolver, "early_data", kBoolean},

    {.scope = Scope::kRule,
     .name = "hosts",
     .shape = kStrings,
     .min = 1,
     .required = true},

    {.scope = Scope::kSettings,
     .name = "resolvers",
     .shape = kStrings,
     .min = 1,
     .max = 8},
    {.scope = Scope::kSettings,
     .name = "profile",
     .shape = kString,
     .words = {"strict", "opportunistic"}},
    {.scope = Scope::kSettings,
     .name = "families",
     .shape = kStrings,
     .min = 1,
     .max = 2,
     .words = {"ipv4", "ipv6"}},
    {.scope = Scope::kSettings,
     .name = "race",
     .shape = kObject,
     .inner = Scope::kRace},
    {.scope = Scope::kSettings,
     .name = "timeouts",
     .shape = kObject,
     .inner = Scope::kTimeouts},
    {.scope = Scope::kSettings,
     .name = "port_alternatives",
     .shape = kPorts,
     .min = 1,
     .max = 8},
    {Scope::kSettings, "https_records", kBoolean},
    {Scope::kSettings, "stale", kBoolean},
    {.scope = Scope::kSettings,
     .name = "private_addresses",
     .shape = kString,
     .words = {"allow", "refuse"}},
    {Scope::kSettings, "nat64", kString},

    {Scope::kRace, "enabled", kBoolean},
    {.scope = Scope::kRace,
     .name = "attempt_delay_ms",
     .shape = kInteger,
     .min = 10,
     .max = 2000},
    {Scope::kRace, "adaptive", kBoolean},
    {.scope = Scope::kRace,
     .name = "resolution_delay_ms",
     .shape = kInteger,
     .min = 0,
     .max = 1000},
    {.scope = Scope::kRace,
     .name = "first_family_count",
     .shape = kInteger,
     .min = 1,
     .max = 8},
    {.scope = Scope::kRace,
     .name = "max_in_flight",
     .shape = kInteger,
     .min = 1,
     .max = 64},
    {Scope::kRace, "cross_family", kBoolean},

    {.scope = Scope::kTimeouts,
     .name = "resolve_ms",
     .shape = kInteger,
     .min = 100,
     .max = 60000},
    {.scope = Scope::kTimeouts,
     .name = "attempt_ms",
     .shape = kInteger,
     .min = 100,
     .max = 120000},
    {.scope = Scope::kTimeouts,
     .name = "connect_ms",
     .shape = kInteger,
     .min = 1000,
     .max = 120000},
};

bool belongs_to(const KeySpec& spec, Scope scope) {
  return spec.scope == scope ||
         (scope == Scope::kRule && spec.scope == Scope::kSettings);
}

}  // namespace

std::span<const KeySpec> key_table() { return kKeys; }

const KeySpec* find_key(Scope scope, std::string_view name) {
  const auto found =
      std::find_if(std::begin(kKeys), std::end(kKeys), [&](const auto& spec) {
        return spec.name == name && belongs_to(spec, scope);
      });
  return found == std::end(kKeys) ? nullptr : found;
}

std::vector<const KeySpec*> keys_of(Scope scope) {
  std::vector<const KeySpec*> out;
  for (const KeySpec& spec : kKeys) {
    if (belongs_to(spec, scope)) out.push_back(&spec);
  }
  return out;
}

std::string_view place_of(Scope scope) {
  switch (scope) {
    case Scope::kPolicy:
      return "";
    case Scope::kState:
      return "state";
    case Scope::kResolver:
      return "resolvers.NAME";
    case Scope::kRule:
    case Scope::kSettings:
      return "rules[]";
    case Scope::kRace:
      return "rules[].race";
    case Scope::kTimeouts:
      break;
  }
  return "rules[].timeouts";
}

std::string path_of(const KeySpec& spec) {
  std::string out(place_of(spec.scope));
  if (!out.empty()) out += ".";
  return out += spec.name;
}

}  // namespace happy::config
