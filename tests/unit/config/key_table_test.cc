// Keys of version 1 that this release does not act on are refused, not
// ignored: nobody is to believe a guard is on that is not.
#include "config/key_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/policy.h"

namespace happy::config {
namespace {

// A policy that is good but for `member` in an object of that scope.
std::string with_member(Scope scope, const std::string& member) {
  const std::string version = R"({"version": 1, )";
  const std::string rule = version + R"("rules": [{"hosts": ["a"], )";
  switch (scope) {
    case Scope::kPolicy:
      return version + member + "}";
    case Scope::kState:
      return version + R"("state": {)" + member + "}}";
    case Scope::kResolver:
      return version + R"("resolvers": {"own": {"addresses": ["::1"],
          "auth_name": "a", )" +
             member + "}}}";
    case Scope::kRule:
    case Scope::kSettings:
      return rule + member + "}]}";
    case Scope::kRace:
      return rule + R"("race": {)" + member + "}}]}";
    case Scope::kTimeouts:
      break;
  }
  return rule + R"("timeouts": {)" + member + "}}]}";
}

TEST(KeyTable, BoundsThemselvesAreAllowed) {
  for (const KeySpec& spec : key_table()) {
    if (spec.shape != Shape::kInteger || spec.name == "version") continue;
    for (const auto& [value, fits] :
         {std::pair(spec.min, true), std::pair(spec.min - 1, false),
          std::pair(spec.max, true), std::pair(spec.max + 1, false)}) {
      const std::string member =
          "\"" + std::string(spec.name) + "\": " + std::to_string(value);
      const auto policy = parse_policy(with_member(spec.scope, member));
      EXPECT_EQ(policy.has_value(), fits) << member;
    }
  }
}

TEST(KeyTable, PathsNameThePlaceOfAKey) {
  EXPECT_EQ(path_of(*find_key(Scope::kPolicy, "version")), "version");
  EXPECT_EQ(path_of(*find_key(Scope::kResolver, "port")),
            "resolvers.NAME.port");
  EXPECT_EQ(path_of(*find_key(Scope::kRule, "race")), "rules[].race");
  EXPECT_EQ(path_of(*find_key(Scope::kRace, "enabled")),
            "rules[].race.enabled");
}

TEST(KeyTable, HostsBelongToRulesOnly) {
  EXPECT_NE(find_key(Scope::kRule, "hosts"), nullptr);
  EXPECT_EQ(find_key(Scope::kSettings, "hosts"), nullptr);
}

}  // namespace
}  // namespace happy::config
