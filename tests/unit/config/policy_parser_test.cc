// Good policies: what comes out, what is merged, which rule a host gets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/policy.h"

namespace happy::config {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

Policy good(std::string_view text) {
  const auto policy = parse_policy(text);
  if (policy) return *policy;
  ADD_FAILURE() << policy.error().front().to_string("policy");
  return {};
}

constexpr std::string_view kDesignExample = R"({ "version": 1,
  "resolvers": { "uncensored": { "addresses": ["89.233.43.71", "2a01:3a0:53:53::"],
      "auth_name": "unicast.uncensoreddns.org",
      "pins": ["key-fp:SHA256:INSZEZpDoWKiavosV2/xVT8O83vk/RRwS+LTiL+IpHs="] } },
  "rules": [ { "hosts": ["ygg.re", "*.example.com"], "resolvers": ["uncensored"],
      "timeouts": { "attempt_ms": 5000, "connect_ms": 10000 } } ] })";

TEST(Policy, ReadsResolvers) {
  const Policy policy = good(kDesignExample);
  ASSERT_EQ(policy.resolvers.size(), 1u);
  const Resolver& resolver = policy.resolvers[0];
  EXPECT_EQ(resolver.name, "uncensored");
  EXPECT_THAT(resolver.addresses,
              ElementsAre(IpAddress::v4(89, 233, 43, 71),
                          *IpAddress::parse("2a01:3a0:53:53::")));
  EXPECT_EQ(resolver.port, 853);
  EXPECT_EQ(resolver.auth_name, "unicast.uncensoreddns.org");
  ASSERT_EQ(resolver.pins.size(), 1u);
  EXPECT_EQ(resolver.pins[0].kind, Pin::Kind::kKey);
  EXPECT_EQ(resolver.pins[0].sha256[0], 0x20);
  EXPECT_EQ(resolver.ca_file, "");
}

TEST(Policy, ReadsRules) {
  const Policy policy = good(kDesignExample);
  ASSERT_EQ(policy.rules.size(), 1u);
  const Rule& rule = policy.rules[0];
  using Kind = HostPattern::Kind;
  EXPECT_THAT(rule.hosts,
              ElementsAre(HostPattern{Kind::kExact, "ygg.re"},
                          HostPattern{Kind::kBelow, "example.com"}));
  EXPECT_THAT(rule.resolvers, ElementsAre(0u));
  EXPECT_EQ(rule.profile, Profile::kStrict);
  EXPECT_THAT(rule.families, IsEmpty());
  EXPECT_EQ(rule.race, RaceSettings{});
  EXPECT_EQ(rule.timeouts, (Timeouts{.attempt = milliseconds(5000),
                                     .connect = milliseconds(10000)}));
  EXPECT_TRUE(rule.race_loopback);
}

TEST(Policy, ReadsEveryKeyOfAResolver) {
  const Policy policy = good(R"({"version": 1, "resolvers": {"own": {
      "addresses": ["192.0.2.1"], "port": 8853, "transport": "tls",
      "auth_name": "DoT.Example.", "ca_file": "/etc/own.pem"}}})");
  ASSERT_EQ(policy.resolvers.size(), 1u);
  EXPECT_EQ(policy.resolvers[0].port, 8853);
  EXPECT_EQ(policy.resolvers[0].auth_name, "dot.example");
  EXPECT_EQ(policy.resolvers[0].ca_file, "/etc/own.pem");
}

TEST(Policy, ReadsWhatIsForEncryptedResolversOnly) {
  const Policy policy = good(R"({"version": 1,
      "resolvers": {"own": {"addresses": ["::1"], "auth_name": "a"}},
      "defaults": {"resolvers": ["own"], "private_addresses": "refuse"},
      "rules": [{"hosts": ["a"], "stale": false, "https_records": true},
                {"hosts": ["b"], "private_addresses": "allow"}]})");
  ASSERT_EQ(policy.rules.size(), 2u);
  EXPECT_TRUE(policy.rules[0].refuse_private);
  EXPECT_FALSE(policy.rules[0].stale);
  EXPECT_TRUE(policy.rules[0].https_records);
  EXPECT_FALSE(policy.rules[1].https_records);
  EXPECT_FALSE(policy.rules[1].refuse_private);
  EXPECT_TRUE(policy.rules[1].stale);
}

TEST(Policy, ReadsEveryKeyOfARule) {
  const Policy policy = good(R"({"version": 1, "rules": [{"hosts": ["*"],
      "resolvers": ["system"], "families": ["ipv6", "ipv4"],
      "race": {"enabled": false, "attempt_delay_ms": 10,
               "resolution_delay_ms": 0, "first_family_count": 8,
               "max_in_flight": 64, "adaptive": false, "cross_family": true},
      "nat64": "64:ff9b::/96",
      "port_alternatives": {"587": [465, 587], "1": [65535]},
      "timeouts": {"resolve_ms": 60000, "attempt_ms": 120000,
                   "connect_ms": 120000}}]})");
  ASSERT_EQ(policy.rules.size(), 1u);
  const Rule& rule = policy.rules[0];
  EXPECT_EQ(rule.profile, Profile::kSystem);
  EXPECT_THAT(rule.families, ElementsAre(Family::kIpv6, Family::kIpv4));
  EXPECT_EQ(rule.race, (RaceSettings{.enabled = false,
                                     .attempt_delay = milliseconds(10),
                                     .adaptive = false,
                                     .resolution_delay = milliseconds(0),
                                     .first_family_count = 8,
                                     .max_in_flight = 64,
                                     .cross_family = true}));
  EXPECT_EQ(rule.nat64, Nat64{dns::Nat64Prefix::parse("64:ff9b::/96")});
  EXPECT_FALSE(policy.discovers_nat64());
  EXPECT_EQ(rule.timeouts, (Timeouts{.resolve = milliseconds(60000),
                                     .attempt = milliseconds(120000),
                                     .connect = milliseconds(120000)}));
  using Ports = std::map<uint16_t, std::vector<uint16_t>>;
  EXPECT_EQ(rule.port_alternatives, (Ports{{1, {65535}}, {587, {465, 587}}}));
}

TEST(Policy, OpportunisticRulesMayFallBackToTheSystem) {
  const Policy policy = good(R"({"version": 1,
      "resolvers": {"own": {"addresses": ["::1"], "auth_name": "a"}},
      "defaults": {"profile": "opportunistic", "resolvers": ["own"]},
      "rules": [{"hosts": ["a"]},
                {"hosts": ["b"], "resolvers": ["own", "system"]},
                {"hosts": ["c"], "resolvers": ["system"]},
                {"hosts": ["d"], "profile": "strict"}]})");
  ASSERT_EQ(policy.rules.size(), 4u);
  EXPECT_EQ(policy.rules[0].profile, Profile::kOpportunistic);
  EXPECT_TRUE(policy.rules[0].forbids_clear_text());
  EXPECT_EQ(policy.rules[1].profile, Profile::kOpportunistic);
  EXPECT_FALSE(policy.rules[1].forbids_clear_text());
  EXPECT_THAT(policy.rules[1].resolvers, ElementsAre(0u));
  EXPECT_EQ(policy.rules[2].profile, Profile::kSystem);
  EXPECT_EQ(policy.rules[3].profile, Profile::kStrict);
}

TEST(Policy, TheNat64PrefixMayBeLeftToTheNetwork) {
  const Policy policy = good(R"({"version": 1,
      "defaults": {"nat64": "discover"}, "rules": [{"hosts": ["a"]}]})");
  EXPECT_EQ(policy.rules.at(0).nat64, Nat64{});
  EXPECT_TRUE(policy.discovers_nat64());
}

TEST(Policy, OnlyTheVersionIsNeeded) {
  const Policy policy = good(R"({"version": 1})");
  EXPECT_THAT(policy.resolvers, IsEmpty());
  EXPECT_EQ(policy.match("example.com"), nullptr);
}

TEST(Policy, RulesWithoutResolversUseTheSystem) {
  const Policy policy = good(R"({"version": 1, "rules": [{"hosts": ["a"]}]})");
  EXPECT_EQ(policy.rules.at(0).profile, Profile::kSystem);
  EXPECT_FALSE(policy.uses_encrypted_resolver());
}

TEST(Policy, SpeaksOfEncryptionWhenARuleUsesIt) {
  EXPECT_TRUE(good(kDesignExample).uses_encrypted_resolver());
}

constexpr std::string_view kMerging = R"({ "version": 1,
  "resolvers": {
    "a": { "addresses": ["192.0.2.1"], "auth_name": "a.example" },
    "b": { "addresses": ["192.0.2.2"], "auth_name": "b.example" } },
  "defaults": { "resolvers": ["a", "b"], "families": ["ipv4"],
    "port_alternatives": { "80": [8080, 80] },
    "race": { "attempt_delay_ms": 100, "max_in_flight": 4 },
    "timeouts": { "attempt_ms": 700, "resolve_ms": 900 } },
  "rules": [
    { "hosts": ["all.inherited"] },
    { "hosts": ["own"], "resolvers": ["b"], "families": ["ipv6", "ipv4"],
      "race": { "attempt_delay_ms": 200, "first_family_count": 2 },
      "timeouts": { "connect_ms": 1000 } },
    { "hosts": ["plain"], "resolvers": ["system"] } ] })";

TEST(Merging, ARuleWithoutSettingsHasThoseOfDefaults) {
  const Rule rule = good(kMerging).rules.at(0);
  EXPECT_THAT(rule.resolvers, ElementsAre(0u, 1u));
  EXPECT_EQ(rule.profile, Profile::kStrict);
  EXPECT_THAT(rule.families, ElementsAre(Family::kIpv4));
  EXPECT_THAT(rule.port_alternatives.at(80), ElementsAre(8080, 80));
  EXPECT_EQ(rule.race, (RaceSettings{.attempt_delay = milliseconds(100),
                                     .max_in_flight = 4}));
  EXPECT_EQ(rule.timeouts, (Timeouts{.resolve = milliseconds(900),
                                     .attempt = milliseconds(700)}));
}

TEST(Merging, ObjectsMergeKeyByKey) {
  const Rule rule = good(kMerging).rules.at(1);
  EXPECT_EQ(rule.race, (RaceSettings{.attempt_delay = milliseconds(200),
                                     .first_family_count = 2,
                                     .max_in_flight = 4}));
  EXPECT_EQ(rule.timeouts, (Timeouts{.resolve = milliseconds(900),
                                     .attempt = milliseconds(700),
                                     .connect = milliseconds(1000)}));
}

TEST(Merging, ArraysReplace) {
  const Rule rule = good(kMerging).rules.at(1);
  EXPECT_THAT(rule.resolvers, ElementsAre(1u));
  EXPECT_THAT(rule.families, ElementsAre(Family::kIpv6, Family::kIpv4));
}

TEST(Merging, SystemInARuleIsNotStrictBecauseOthersAre) {
  EXPECT_EQ(good(kMerging).rules.at(2).profile, Profile::kSystem);
}

TEST(Merging, DefaultsMayStandBehindTheRules) {
  const Policy policy = good(R"({"version": 1, "rules": [{"hosts": ["a"]}],
      "defaults": {"race": {"enabled": false}}})");
  EXPECT_FALSE(policy.rules.at(0).race.enabled);
}

TEST(Matching, TheFirstRuleWins) {
  const Policy policy = good(R"({"version": 1, "rules": [
      {"hosts": ["www.example.com"]}, {"hosts": ["*.example.com", "b"]},
      {"hosts": ["www.example.com", "c"]}]})");
  EXPECT_EQ(policy.match_index("www.example.com"), 0u);
  EXPECT_EQ(policy.match_index("ftp.example.com"), 1u);
  EXPECT_EQ(policy.match_index("c"), 2u);
  EXPECT_EQ(policy.match_index("example.com"), std::nullopt);
  EXPECT_EQ(policy.match("b"), &policy.rules[1]);
}

TEST(EmbeddedDefault, RacesEveryHostOfTheSystemsResolverButNoLoopback) {
  const Policy policy = embedded_default_policy();
  const Rule* const rule = policy.match("any.example");
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->profile, Profile::kSystem);
  EXPECT_TRUE(rule->race.enabled);
  EXPECT_FALSE(rule->race_loopback);
  EXPECT_EQ(rule->timeouts, Timeouts{});
  EXPECT_FALSE(policy.uses_encrypted_resolver());
}

}  // namespace
}  // namespace happy::config
