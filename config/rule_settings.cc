#include "config/rule_settings.h"

#include "config/edit_distance.h"
#include "config/schema_check.h"

namespace happy::config {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kSystem = "system";
constexpr std::string_view kDiscover = "discover";

class SettingsReader {
 public:
  // `object` may be nullptr: then there is nothing to read.
  SettingsReader(const Value* object, Scope scope, std::string path)
      : object_(object), scope_(scope), path_(std::move(path)) {}

  // `convert` makes the setting's value from the JSON value.
  template <typename T, typename Convert>
  Maybe<T> read(std::string_view key, Convert convert) const {
    const Value* const value = find(key);
    if (value == nullptr) return std::nullopt;
    return Setting<T>{convert(*value), value->at, child(path_, key)};
  }
  Maybe<int64_t> integer(std::string_view key) const {
    return read<int64_t>(key, [](const Value& v) { return v.integer; });
  }
  Maybe<bool> boolean(std::string_view key) const {
    return read<bool>(key, [](const Value& v) { return v.boolean; });
  }
  SettingsReader inner(std::string_view key, Scope scope) const {
    return {find(key), scope, child(path_, key)};
  }

 private:
  const Value* find(std::string_view key) const {
    return object_ ? usable(*object_, scope_, key) : nullptr;
  }

  const Value* const object_;
  const Scope scope_;
  const std::string path_;
};

class ResolverChooser {
 public:
  ResolverChooser(const std::vector<Resolver>& resolvers, std::string path,
                  Diagnostics* out)
      : resolvers_(resolvers), path_(std::move(path)), out_(*out) {}

  ResolverChoice choose(const Value& list) {
    for (size_t i = 0; i < list.elements.size(); ++i) {
      element(list.elements[i], i);
    }
    choice_.system_is_last =
        !list.elements.empty() && list.elements.back().text == kSystem;
    return choice_;
  }

 private:
  void element(const Value& value, size_t index) {
    if (!is_usable_string(value)) {
      choice_.faulty = true;
    } else if (value.text == kSystem) {
      choice_.system = {value.at, child(path_, index)};
    } else {
      encrypted(value, index);
    }
  }
  void encrypted(const Value& value, size_t index) {
    std::vector<std::string_view> names{kSystem};
    for (size_t i = 0; i < resolvers_.size(); ++i) {
      if (resolvers_[i].name == value.text) {
        return choice_.encrypted.push_back(i);
      }
      names.push_back(resolvers_[i].name);
    }
    fault(value, index,
          "unknown resolver " + quote(value.text) +
              suggestion(value.text, names));
  }
  void fault(const Value& value, size_t index, std::string message) {
    choice_.faulty = true;
    out_.add(value.at, child(path_, index), std::move(message));
  }

  const std::vector<Resolver>& resolvers_;
  const std::string path_;
  Diagnostics& out_;
  ResolverChoice choice_;
};

std::vector<Family> to_families(const Value& list) {
  std::vector<Family> out;
  for (const Value& element : list.elements) {
    out.push_back(element.text == "ipv4" ? Family::kIpv4 : Family::kIpv6);
  }
  return out;
}

std::map<uint16_t, std::vector<uint16_t>> to_ports(const Value& object) {
  std::map<uint16_t, std::vector<uint16_t>> out;
  for (const Member& member : object.members) {
    const auto port = to_port(member.key);
    if (!port) continue;  // reported by check_schema
    for (const Value& element : member.value.elements) {
      out[*port].push_back(static_cast<uint16_t>(element.integer));
    }
  }
  return out;
}

std::optional<Nat64> to_nat64(const Value& value, const std::string& path,
                              Diagnostics* out) {
  if (value.text == kDiscover) return Nat64{};
  const auto prefix = dns::Nat64Prefix::parse(value.text);
  if (prefix) return Nat64{prefix};
  out->add(value.at, path,
           "must be \"discover\" or a prefix of 32, 40, 48, 56, 64 or 96 bits "
           "such as \"64:ff9b::/96\", not " +
               quote(value.text));
  return std::nullopt;
}

template <typename T>
void inherit(Maybe<T>* rule, const Maybe<T>& defaults) {
  if (rule->has_value() || !defaults) return;
  *rule = defaults;
  (*rule)->inherited = true;
}

template <typename T>
void report(const Setting<T>& setting, const std::string& message,
            Diagnostics* out) {
  out->add(setting.at, setting.path, message);
}

// RFC 8310 section 5: strict means encrypted and authenticated, which libc's
// resolver is not; the other profile needs something to fall back from.
void check_profile(const RuleSettings& s, Diagnostics* out) {
  if (!s.profile) return;
  if (s.resolvers &&
      (s.resolvers->value.faulty || !s.resolvers->value.encrypted.empty())) {
    return;
  }
  if (s.profile->value == Profile::kOpportunistic) {
    if (s.profile->inherited) return;  // a rule of libc's own
    return report(*s.profile,
                  "\"opportunistic\" needs an encrypted resolver in "
                  "\"resolvers\"; \"system\" is none",
                  out);
  }
  if (s.profile->inherited && s.resolvers && !s.resolvers->inherited) {
    return report(*s.resolvers,
                  "\"system\" cannot be strict, as \"defaults\" demands; "
                  "choose an encrypted resolver",
                  out);
  }
  report(*s.profile,
         "\"strict\" needs an encrypted resolver in \"resolvers\"; \"system\" "
         "is none",
         out);
}

bool is_opportunistic(const RuleSettings& s) {
  return s.profile && s.profile->value == Profile::kOpportunistic;
}

// libc's resolver may stand behind encrypted ones for those who said so.
void check_system(const RuleSettings& s, Diagnostics* out) {
  if (!s.resolvers || s.resolvers->value.faulty) return;
  const ResolverChoice& choice = s.resolvers->value;
  if (!choice.system || choice.encrypted.empty()) return;
  if (!is_opportunistic(s)) {
    out->add(choice.system->at, choice.system->path,
             "\"system\" beside an encrypted resolver needs the profile "
             "\"opportunistic\"");
  } else if (!choice.system_is_last) {
    out->add(choice.system->at, choice.system->path,
             "\"system\" is asked when no other answers; it must be the last");
  }
}

// Its own answers are all that the library can take addresses out of.
void check_private(const RuleSettings& s, Diagnostics* out) {
  if (!s.refuse_private || !s.refuse_private->value) return;
  if (s.resolvers &&
      (s.resolvers->value.faulty ||
       (!s.resolvers->value.encrypted.empty() && !s.resolvers->value.system))) {
    return;
  }
  if (s.refuse_private->inherited && s.resolvers && !s.resolvers->inherited) {
    return report(*s.resolvers,
                  "\"system\" cannot refuse private addresses, as "
                  "\"defaults\" demands; choose an encrypted resolver",
                  out);
  }
  report(*s.refuse_private,
         "\"refuse\" needs an encrypted resolver in \"resolvers\"; the answers "
         "of \"system\" are libc's",
         out);
}

void check_timeouts(const RuleSettings& s, Diagnostics* out) {
  if (!s.attempt_ms || !s.connect_ms) return;
  const int64_t attempt = s.attempt_ms->value;
  const int64_t connect = s.connect_ms->value;
  if (attempt <= connect) return;
  // At the one the rule itself says, if only one is its own.
  if (s.attempt_ms->inherited && !s.connect_ms->inherited) {
    return report(*s.connect_ms,
                  "must be at least the attempt_ms of \"defaults\", " +
                      std::to_string(attempt) + ", not " +
                      std::to_string(connect),
                  out);
  }
  report(*s.attempt_ms,
         "must be at most connect_ms, " + std::to_string(connect) + ", not " +
             std::to_string(attempt),
         out);
}

}  // namespace

RuleSettings read_settings(const Value& object, const std::string& path,
                           const std::vector<Resolver>& resolvers,
                           Diagnostics* out) {
  RuleSettings s;
  const SettingsReader top(&object, Scope::kSettings, path);
  ResolverChooser chooser(resolvers, child(path, "resolvers"), out);
  s.resolvers = top.read<ResolverChoice>(
      "resolvers", [&](const Value& v) { return chooser.choose(v); });
  s.profile = top.read<Profile>("profile", [](const Value& v) {
    return v.text == "strict" ? Profile::kStrict : Profile::kOpportunistic;
  });
  s.families = top.read<std::vector<Family>>("families", to_families);

  s.stale = top.boolean("stale");
  s.refuse_private = top.read<bool>(
      "private_addresses", [](const Value& v) { return v.text == "refuse"; });
  s.https_records = top.boolean("https_records");
  s.nat64 = top.read<std::optional<Nat64>>("nat64", [&](const Value& v) {
    return to_nat64(v, child(path, "nat64"), out);
  });
  s.port_alternatives = top.read<std::map<uint16_t, std::vector<uint16_t>>>(
      "port_alternatives", to_ports);

  const SettingsReader race = top.inner("race", Scope::kRace);
  s.enabled = race.boolean("enabled");
  s.attempt_delay_ms = race.integer("attempt_delay_ms");
  s.adaptive = race.boolean("adaptive");
  s.resolution_delay_ms = race.integer("resolution_delay_ms");
  s.first_family_count = race.integer("first_family_count");
  s.max_in_flight = race.integer("max_in_flight");
  s.cross_family = race.boolean("cross_family");

  const SettingsReader timeouts = top.inner("timeouts", Scope::kTimeouts);
  s.resolve_ms = timeouts.integer("resolve_ms");
  s.attempt_ms = timeouts.integer("attempt_ms");
  s.connect_ms = timeouts.integer("connect_ms");
  return s;
}

RuleSettings merged(RuleSettings rule, const RuleSettings& defaults) {
  inherit(&rule.resolvers, defaults.resolvers);
  inherit(&rule.profile, defaults.profile);
  inherit(&rule.families, defaults.families);
  inherit(&rule.stale, defaults.stale);
  inherit(&rule.refuse_private, defaults.refuse_private);
  inherit(&rule.https_records, defaults.https_records);
  inherit(&rule.nat64, defaults.nat64);
  inherit(&rule.enabled, defaults.enabled);
  inherit(&rule.attempt_delay_ms, defaults.attempt_delay_ms);
  inherit(&rule.adaptive, defaults.adaptive);
  inherit(&rule.port_alternatives, defaults.port_alternatives);
  inherit(&rule.resolution_delay_ms, defaults.resolution_delay_ms);
  inherit(&rule.first_family_count, defaults.first_family_count);
  inherit(&rule.max_in_flight, defaults.max_in_flight);
  inherit(&rule.cross_family, defaults.cross_family);
  inherit(&rule.resolve_ms, defaults.resolve_ms);
  inherit(&rule.attempt_ms, defaults.attempt_ms);
  inherit(&rule.connect_ms, defaults.connect_ms);
  return rule;
}

Rule make_rule(const RuleSettings& s, Diagnostics* out) {
  check_profile(s, out);
  check_system(s, out);
  check_timeouts(s, out);
  check_private(s, out);
  Rule rule;
  if (s.resolvers) rule.resolvers = s.resolvers->value.encrypted;
  if (!rule.resolvers.empty()) {
    rule.profile =
        is_opportunistic(s) ? Profile::kOpportunistic : Profile::kStrict;
    rule.falls_back_to_system =
        is_opportunistic(s) && s.resolvers->value.system.has_value();
  }
  if (s.families) rule.families = s.families->value;

  if (s.stale) rule.stale = s.stale->value;
  if (s.refuse_private) rule.refuse_private = s.refuse_private->value;
  if (s.https_records) rule.https_records = s.https_records->value;
  if (s.nat64) rule.nat64 = s.nat64->value;
  if (s.port_alternatives) rule.port_alternatives = s.port_alternatives->value;

  RaceSettings& race = rule.race;
  if (s.enabled) race.enabled = s.enabled->value;
  if (s.attempt_delay_ms) {
    race.attempt_delay = milliseconds(s.attempt_delay_ms->value);
  }
  if (s.adaptive) race.adaptive = s.adaptive->value;
  if (s.resolution_delay_ms) {
    race.resolution_delay = milliseconds(s.resolution_delay_ms->value);
  }
  if (s.first_family_count) {
    race.first_family_count = static_cast<int>(s.first_family_count->value);
  }
  if (s.max_in_flight) {
    race.max_in_flight = static_cast<int>(s.max_in_flight->value);
  }
  if (s.cross_family) race.cross_family = s.cross_family->value;
  Timeouts& timeouts = rule.timeouts;
  if (s.resolve_ms) timeouts.resolve = milliseconds(s.resolve_ms->value);
  if (s.attempt_ms) timeouts.attempt = milliseconds(s.attempt_ms->value);
  if (s.connect_ms) timeouts.connect = milliseconds(s.connect_ms->value);
  return rule;
}

}  // namespace happy::config
