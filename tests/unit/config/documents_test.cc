// What users read about the policy agrees with the key table: the examples,
// the JSON Schema, docs/policy.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "config/key_table.h"
#include "config/policy.h"

namespace happy::config {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(std::filesystem::path(HAPPY_SOURCE_FOLDER) / path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Policy example(const std::string& name) {
  const auto policy = parse_policy(text_of("config/examples/" + name));
  if (policy) return *policy;
  ADD_FAILURE() << policy.error().front().to_string(name);
  return {};
}

std::string resolver_for(const Policy& policy, const char* host) {
  const Rule* const rule = policy.match(host);
  if (rule == nullptr) return "no rule";
  if (rule->resolvers.empty()) return "system";
  return policy.resolvers[rule->resolvers[0]].name;
}

TEST(Examples, AllAreGood) {
  const std::filesystem::path folder =
      std::filesystem::path(HAPPY_SOURCE_FOLDER) / "config/examples";
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    example(entry.path().filename());
    ++count;
  }
  EXPECT_GE(count, 7u);
}

TEST(Examples, PublicResolversTakeAllButLocalNames) {
  const Policy policy = example("public-resolvers.json");
  EXPECT_EQ(resolver_for(policy, "www.example.com"), "quad9");
  EXPECT_EQ(resolver_for(policy, "printer.local"), "system");
  for (const Resolver& resolver : policy.resolvers)
    EXPECT_NE(resolver.auth_name, "") << resolver.name;
}

TEST(Examples, MailPortsRacesBothWhicheverIsAskedFor) {
  const Policy policy = example("mail-ports.json");
  const Rule* const rule = policy.match("smtp.example.com");
  ASSERT_NE(rule, nullptr);
  const std::vector<uint16_t> both{465, 587};
  EXPECT_EQ(rule->port_alternatives.at(465), both);
  EXPECT_EQ(rule->port_alternatives.at(587), both);
}

TEST(Examples, Ipv6OnlyFindsTheTranslatorByItself) {
  const Policy policy = example("ipv6-only.json");
  EXPECT_TRUE(policy.discovers_nat64());
  EXPECT_TRUE(policy.match("www.example.com")->race.cross_family);
}

TEST(Examples, PublicResolverTakesTheNamesItLists) {
  const Policy policy = example("public-resolver.json");
  EXPECT_EQ(resolver_for(policy, "ygg.re"), "uncensored");
  EXPECT_EQ(resolver_for(policy, "www.example.com"), "uncensored");
  EXPECT_EQ(resolver_for(policy, "example.com"), "no rule");
}

TEST(Examples, CompanySplitSendsEachNameToItsResolver) {
  const Policy policy = example("company-split.json");
  EXPECT_EQ(resolver_for(policy, "wiki.corp.example"), "company");
  EXPECT_EQ(resolver_for(policy, "printer.local"), "system");
  EXPECT_EQ(resolver_for(policy, "example.org"), "quad9");
}

TEST(Examples, OwnResolverIsKnownByItsKeysAlone) {
  const Policy policy = example("own-resolver.json");
  ASSERT_EQ(policy.resolvers.size(), 1u);
  EXPECT_EQ(policy.resolvers[0].auth_name, "");
  EXPECT_EQ(policy.resolvers[0].pins.size(), 2u);
}

// The JSON Schema's `properties` for the objects of a scope.
json properties_of(const json& schema, Scope scope) {
  const json& settings = schema["$defs"]["settings"]["properties"];
  switch (scope) {
    case Scope::kPolicy:
      return schema["properties"];
    case Scope::kState:
      return schema["properties"]["state"]["properties"];
    case Scope::kResolver:
      return schema["$defs"]["resolver"]["properties"];
    case Scope::kRule:
      return schema["$defs"]["rule"]["properties"];
    case Scope::kSettings:
      return settings;
    case Scope::kRace:
      return settings["race"]["properties"];
    case Scope::kTimeouts:
      break;
  }
  return settings["timeouts"]["properties"];
}

void expect_bounds(const KeySpec& spec, const json& property) {
  const bool list = spec.shape == Shape::kStrings;
  const char* const min = list ? "minItems" : "minimum";
  const char* const max = list ? "maxItems" : "maximum";
  EXPECT_EQ(property.value(min, int64_t{0}), spec.min);
  EXPECT_EQ(property.value(max, kUnbounded), spec.max);
}

TEST(JsonSchema, HasTheKeysOfTheTableAndNoOthers) {
  const json schema = json::parse(text_of("config/policy.schema.json"));
  for (const Scope scope :
       {Scope::kPolicy, Scope::kState, Scope::kResolver, Scope::kRule,
        Scope::kSettings, Scope::kRace, Scope::kTimeouts}) {
    std::set<std::string> in_schema, in_table;
    const json properties = properties_of(schema, scope);
    for (const auto& [key, value] : properties.items()) {
      in_schema.insert(key);
    }
    for (const KeySpec* spec : keys_of(scope)) in_table.emplace(spec->name);
    EXPECT_EQ(in_schema, in_table) << place_of(scope);
  }
}

TEST(JsonSchema, AgreesOnBounds) {
  const json schema = json::parse(text_of("config/policy.schema.json"));
  for (const KeySpec& spec : key_table()) {
    SCOPED_TRACE(path_of(spec));
    const json property =
        properties_of(schema, spec.scope)[std::string(spec.name)];
    if (spec.name == "version") {
      EXPECT_EQ(property["const"], 1);
      continue;
    }
    if (spec.shape == Shape::kInteger || spec.shape == Shape::kStrings) {
      expect_bounds(spec, property);
    }
  }
}

// The table row of docs/policy.md that begins with the key, or nothing.
std::string row_of(const std::string& document, const KeySpec& spec) {
  const size_t at = document.find("\n| `" + path_of(spec) + "` |");
  if (at == document.npos) return {};
  return document.substr(at + 1, document.find('\n', at + 1) - at - 1);
}

TEST(PolicyDocument, ListsEveryKey) {
  const std::string document = text_of("docs/policy.md");
  for (const KeySpec& spec : key_table())
    EXPECT_NE(row_of(document, spec), "") << path_of(spec);
}

TEST(PolicyDocument, SaysTheBounds) {
  const std::string document = text_of("docs/policy.md");
  for (const KeySpec& spec : key_table()) {
    const bool bounded = spec.min != spec.max && spec.max != kUnbounded;
    if (spec.shape == Shape::kString || !bounded) continue;
    EXPECT_THAT(row_of(document, spec),
                HasSubstr(std::to_string(spec.min) + " to " +
                          std::to_string(spec.max)));
  }
}

TEST(PolicyDocument, ItsFirstExampleIsGood) {
  const std::string document = text_of("docs/policy.md");
  const std::string fence = "```json\n";
  const size_t start = document.find(fence) + fence.size();
  const size_t end = document.find("```", start);
  EXPECT_TRUE(parse_policy(document.substr(start, end - start)));
}

}  // namespace
}  // namespace happy::config
