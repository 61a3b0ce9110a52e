#include "tools/happyctl/effective_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace happyctl {
namespace {

using happy::Family;
using happy::config::Policy;
using happy::config::Profile;
using happy::config::Resolver;
using happy::config::Rule;
using Milliseconds = std::chrono::milliseconds;
using Json = nlohmann::ordered_json;

std::string resolver_text(const Resolver& resolver) {
  std::vector<std::string> how;
  for (const auto& address : resolver.addresses) {
    how.push_back(happy::Endpoint{address, resolver.port}.to_string());
  }
  if (!resolver.auth_name.empty()) {
    how.push_back("name " + resolver.auth_name);
    if (!resolver.ca_file.empty()) how.push_back("CAs " + resolver.ca_file);
  }
  if (const size_t pins = resolver.pins.size(); pins != 0) {
    how.push_back(fmt::format("{} pin{}", pins, pins == 1 ? "" : "s"));
  }
  return fmt::format("{} (TLS, {})", resolver.name, fmt::join(how, ", "));
}

constexpr const char* kSystemText = "system (libc's own)";

std::string resolvers_text(const Policy& policy, const Rule& rule) {
  if (rule.resolvers.empty()) return kSystemText;
  std::vector<std::string> each;
  for (const size_t index : rule.resolvers) {
    each.push_back(resolver_text(policy.resolvers[index]));
  }
  if (rule.falls_back_to_system) each.emplace_back(kSystemText);
  return fmt::format("{}", fmt::join(each, ", then "));
}

std::string_view profile_text(Profile profile) {
  switch (profile) {
    case Profile::kSystem:
      return "none (as libc resolves)";
    case Profile::kOpportunistic:
      return "opportunistic (encrypted and authenticated if it can be had)";
    case Profile::kStrict:
      break;
  }
  return "strict (encrypted and authenticated, or no answer)";
}

std::string_view name_of(Family family) {
  return family == Family::kIpv4 ? "ipv4" : "ipv6";
}

std::string families_text(const std::vector<Family>& families) {
  if (families.empty()) return "both, ordered by RFC 6724";
  if (families.size() == 1) return fmt::format("{} only", name_of(families[0]));
  return fmt::format("{} before {}", name_of(families[0]),
                     name_of(families[1]));
}

std::string time_text(const std::optional<Milliseconds>& time) {
  return time ? fmt::format("{}", time->count()) : "none (the kernel's)";
}

Json time_json(const std::optional<Milliseconds>& time) {
  return time ? Json(time->count()) : Json(nullptr);
}

std::string nat64_text(const std::optional<happy::config::Nat64>& nat64) {
  if (!nat64) return "none";
  return nat64->prefix ? nat64->prefix->to_string() : "discover";
}

}  // namespace

std::string settings_text(const Policy& policy, const Rule& rule) {
  std::string out;
  const auto line = [&out](std::string_view key, const auto& value) {
    out += fmt::format("  {:<25} {}\n", key, value);
  };
  line("resolvers", resolvers_text(policy, rule));
  line("profile", profile_text(rule.profile));
  line("families", families_text(rule.families));
  line("stale", rule.stale);
  line("private_addresses", rule.refuse_private ? "refuse" : "allow");
  line("https_records", rule.https_records);
  line("nat64", nat64_text(rule.nat64));
  line("race.enabled", rule.race.enabled);
  line("race.attempt_delay_ms", rule.race.attempt_delay.count());
  line("race.adaptive", rule.race.adaptive);
  line("race.resolution_delay_ms", rule.race.resolution_delay.count());
  line("race.first_family_count", rule.race.first_family_count);
  line("race.max_in_flight", rule.race.max_in_flight);
  line("race.cross_family", rule.race.cross_family);
  for (const auto& [port, raced] : rule.port_alternatives) {
    line("port_alternatives",
         fmt::format("{}: {}", port, fmt::join(raced, ", ")));
  }
  line("timeouts.resolve_ms", rule.timeouts.resolve.count());
  line("timeouts.attempt_ms", time_text(rule.timeouts.attempt));
  line("timeouts.connect_ms", time_text(rule.timeouts.connect));
  if (!rule.race_loopback) line("loopback destinations", "not raced");
  return out;
}

Json settings_json(const Policy& policy, const Rule& rule) {
  Json resolvers = Json::array();
  for (const size_t index : rule.resolvers) {
    resolvers.push_back(policy.resolvers[index].name);
  }
  if (resolvers.empty() || rule.falls_back_to_system)
    resolvers.push_back("system");
  Json families;  // null
  for (const Family family : rule.families) families.push_back(name_of(family));
  Json ports = Json::object();
  for (const auto& [port, raced] : rule.port_alternatives) {
    ports[std::to_string(port)] = raced;
  }
  Json profile, nat64;  // null
  if (rule.nat64) nat64 = nat64_text(rule.nat64);
  if (rule.profile == Profile::kStrict) profile = "strict";
  if (rule.profile == Profile::kOpportunistic) profile = "opportunistic";
  return {{"resolvers", resolvers},
          {"profile", profile},
          {"families", families},
          {"stale", rule.stale},
          {"private_addresses", rule.refuse_private ? "refuse" : "allow"},
          {"https_records", rule.https_records},
          {"nat64", nat64},
          {"race",
           {{"enabled", rule.race.enabled},
            {"attempt_delay_ms", rule.race.attempt_delay.count()},
            {"adaptive", rule.race.adaptive},
            {"resolution_delay_ms", rule.race.resolution_delay.count()},
            {"first_family_count", rule.race.first_family_count},
            {"max_in_flight", rule.race.max_in_flight},
            {"cross_family", rule.race.cross_family}}},
          {"port_alternatives", ports},
          {"timeouts",
           {{"resolve_ms", rule.timeouts.resolve.count()},
            {"attempt_ms", time_json(rule.timeouts.attempt)},
            {"connect_ms", time_json(rule.timeouts.connect)}}}};
}

}  // namespace happyctl
