// What `defaults` or one rule says, before the two are merged: each setting
// optional and with its place, so that a conflict between the two can be
// reported where the user can mend it. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/diagnostics.h"
#include "config/json_document.h"
#include "config/policy.h"

namespace happy::config {

template <typename T>
struct Setting {
  T value;
  Position at;
  std::string path;
  bool inherited = false;  // taken from `defaults` by merged()
};

template <typename T>
using Maybe = std::optional<Setting<T>>;

struct ResolverChoice {
  struct Place {
    Position at;
    std::string path;
  };
  std::vector<size_t> encrypted;  // indices into Policy::resolvers
  std::optional<Place> system;    // "system" stands there
  bool system_is_last = false;
  bool faulty = false;  // already reported: draw no conclusions
};

struct RuleSettings {
  Maybe<ResolverChoice> resolvers;
  Maybe<Profile> profile;
  Maybe<std::vector<Family>> families;
  Maybe<bool> stale;
  Maybe<bool> refuse_private;
  Maybe<bool> https_records;
  Maybe<std::optional<Nat64>> nat64;  // no value: faulty
  Maybe<bool> enabled;
  Maybe<std::map<uint16_t, std::vector<uint16_t>>> port_alternatives;
  Maybe<int64_t> attempt_delay_ms;
  Maybe<bool> adaptive;
  Maybe<int64_t> resolution_delay_ms;
  Maybe<int64_t> first_family_count;
  Maybe<int64_t> max_in_flight;
  Maybe<bool> cross_family;
  Maybe<int64_t> resolve_ms;
  Maybe<int64_t> attempt_ms;
  Maybe<int64_t> connect_ms;
};

// `object` is `defaults` or a rule, at `path`. Anything unusable is left out;
// check_schema has reported it.
RuleSettings read_settings(const Value& object, const std::string& path,
                           const std::vector<Resolver>& resolvers,
                           Diagnostics* out);

// `rule` where it says something, else `defaults`; objects key by key.
RuleSettings merged(RuleSettings rule, const RuleSettings& defaults);

// The rule that the merged settings make, without its hosts. Adds conflicts
// between them.
Rule make_rule(const RuleSettings& settings, Diagnostics* out);

}  // namespace happy::config
