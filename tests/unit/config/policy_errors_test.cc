// Faulty policies: each gets its errors with exact line, column, key and
// message, as the user reads them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/policy.h"

namespace happy::config {
namespace {

// Lines of `to_string`, joined; "good" for a policy without errors.
std::string errors_of(std::string_view text) {
  const auto policy = parse_policy(text);
  if (policy) return "good";
  std::string out;
  for (const PolicyError& error : policy.error()) {
    if (!out.empty()) out += "\n";
    out += error.to_string("p");
  }
  return out;
}

struct Faulty {
  const char* name;
  std::string text;
  std::string errors;
};

void PrintTo(const Faulty& faulty, std::ostream* out) { *out << faulty.text; }

class FaultyPolicy : public testing::TestWithParam<Faulty> {};

TEST_P(FaultyPolicy, IsReportedWhereItIs) {
  EXPECT_EQ(errors_of(GetParam().text), GetParam().errors);
}

std::string case_name(const testing::TestParamInfo<Faulty>& info) {
  return info.param.name;
}

// One rule with the given lines, from line 3 on.
std::string rule(const std::string& lines) {
  return "{ \"version\": 1,\n  \"rules\": [{ \"hosts\": [\"a\"]\n" + lines +
         "\n}]}\n";
}

// One resolver with the given lines, from line 3 on.
std::string resolver(const std::string& lines) {
  return "{ \"version\": 1,\n  \"resolvers\": { \"dot\": {\n" + lines +
         "\n}}}\n";
}

const std::string kPin = "sha256:INSZEZpDoWKiavosV2/xVT8O83vk/RRwS+LTiL+IpHs=";

const std::string kKnown =
    "; known here: version, resolvers, defaults, rules, prefetch, state";

// JSON itself.
const Faulty kSyntax[] = {
    {"Empty", "",
     "p:1:1: syntax error while parsing value - unexpected end of input; "
     "expected '[', '{', or a literal"},
    {"OnlyABom", "\xEF\xBB\xBF",
     "p:1:1: syntax error while parsing value - unexpected end of input; "
     "expected '[', '{', or a literal"},
    {"MissingComma", "{ \"version\": 1\n  \"rules\": [] }",
     "p:2:3: syntax error while parsing object - unexpected string literal; "
     "expected '}'"},
    {"MissingColon", "{ \"version\" /* : */ 1 }",
     "p:1:21: syntax error while parsing object separator - unexpected number "
     "literal; expected ':'"},
    {"TrailingComma", "{ \"version\": 1,\n}",
     "p:2:1: syntax error while parsing object key - unexpected '}'; expected "
     "string literal"},
    {"DoubledComma", "{ \"rules\": [1,, 2] }",
     "p:1:15: syntax error while parsing value - unexpected ','; expected "
     "'[', '{', or a literal"},
    {"WrongBracket", "{ \"version\": 1 ]",
     "p:1:16: syntax error while parsing object - unexpected ']'; expected "
     "'}'"},
    {"TwoTexts", "{ \"version\": 1 }\n{}",
     "p:2:1: syntax error while parsing value - unexpected '{'; expected end "
     "of input"},
    {"BadLiteral", "{ \"version\": one }",
     "p:1:14: syntax error while parsing value - invalid literal"},
    {"Unended", "{ \"version\": 1,\n  \"rules\": [",
     "p:2:13: syntax error while parsing value - unexpected end of input; "
     "expected '[', '{', or a literal"},
    {"UnendedString", "{ \"version\": 1,\n  \"rul\n",
     "p:2:7: syntax error while parsing object key - invalid string: control "
     "character U+000A (LF) must be escaped to \\u000A or \\n; expected string "
     "literal"},
    {"BadEscape", "{ \"ver\\sion\": 1 }",
     "p:1:8: syntax error while parsing object key - invalid string: "
     "forbidden character after backslash; expected string literal"},
    {"IllFormedUtf8", "{ \"\xC3(\": 1 }",
     "p:1:5: syntax error while parsing object key - invalid string: "
     "ill-formed UTF-8 byte; expected string literal"},
    {"LoneSurrogate", "{ \"\\ud800\": 1 }",
     "p:1:10: syntax error while parsing object key - invalid string: "
     "surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF; expected "
     "string literal"},
    {"NulOctet", std::string("{}\n \0 {}", 8), "p:2:2: NUL octet"},
    {"NulInAString", std::string("{ \"a\0b\": 1 }", 12), "p:1:5: NUL octet"},
    {"NoDoubleHoldsIt", "{ \"version\":\n  1e400 }",
     "p:2:3: the number 1e400 is too large"},
    {"UnendedComment", "{ /* }",
     "p:1:7: syntax error while parsing object key - invalid comment; missing "
     "closing '*/'; expected string literal"},
    {"HashComment", "# policy\n{}",
     "p:1:1: syntax error while parsing value - invalid literal"},
};
INSTANTIATE_TEST_SUITE_P(Syntax, FaultyPolicy, testing::ValuesIn(kSyntax),
                         case_name);

// Keys, types and bounds.
const Faulty kSchema[] = {
    {"NoObject", " [1]", "p:1:2: must be an object, not an array"},
    {"NoVersion", "\n {}", "p:2:2: version: is required but missing"},
    {"NextVersion", R"({"version": 2})", "p:1:13: version: must be 1, not 2"},
    {"VersionAsString", R"({"version": "1"})",
     "p:1:13: version: must be the whole number 1, not the string \"1\""},
    {"UnknownKey", "{\"version\": 1,\n \"reslovers\": {}}",
     "p:2:2: reslovers: unknown key \"reslovers\"; did you mean "
     "\"resolvers\"?"},
    {"UnknownKeyNearNone", R"({"version": 1, "colour": "red"})",
     "p:1:16: colour: unknown key \"colour\"" + kKnown},
    {"KeyOfAnotherObject", rule(R"(, "attempt_ms": 5)"),
     "p:3:3: rules[0].attempt_ms: unknown key \"attempt_ms\"; did you mean "
     "rules[].timeouts.attempt_ms?"},
    {"EmptyKey", R"({"version": 1, "": 1})",
     "p:1:16: [\"\"]: unknown key \"\"" + kKnown},
    {"ControlCharacterInKey", R"({"version": 1, "a\u0000": 1})",
     "p:1:16: [\"a\\u0000\"]: unknown key \"a\\u0000\"" + kKnown},
    {"DuplicateKey", "{\"version\": 1,\n\"rules\": [],\n  \"rules\": []}",
     "p:3:3: rules: duplicate key \"rules\"; the first is at 2:1"},
    {"DuplicateByEscape", R"({"version": 1, "versio\u006e": 1})",
     "p:1:16: version: duplicate key \"version\"; the first is at 1:2"},
    {"DuplicateResolver",
     resolver("\"addresses\": [\"::1\"], \"auth_name\": \"a\"},\n \"dot\": {"),
     "p:4:2: resolvers.dot: duplicate key \"dot\"; the first is at 2:18"},
    {"BelowTheBound", rule("  , \"race\": { \"attempt_delay_ms\": 5 }"),
     "p:3:35: rules[0].race.attempt_delay_ms: must be between 10 and 2000, "
     "not 5"},
    {"AboveTheBound", rule(R"(, "race": {"max_in_flight": 65})"),
     "p:3:29: rules[0].race.max_in_flight: must be between 1 and 64, not 65"},
    {"PortZero", rule(R"(, "port_alternatives": {"0": [1]})"),
     "p:3:25: rules[0].port_alternatives.0: must be named by a port, \"1\" to "
     "\"65535\", not \"0\""},
    {"PortWithLeadingZero", rule(R"(, "port_alternatives": {"080": [1]})"),
     "p:3:25: rules[0].port_alternatives.080: must be named by a port, \"1\" "
     "to \"65535\", not \"080\""},
    {"PortOfNoList", rule(R"(, "port_alternatives": {"80": 1})"),
     "p:3:31: rules[0].port_alternatives.80: must be an array of ports, not 1"},
    {"PortWithoutAlternatives", rule(R"(, "port_alternatives": {"80": []})"),
     "p:3:31: rules[0].port_alternatives.80: must have 1 to 8 entries, not 0"},
    {"AlternativeBeyondPorts",
     rule(R"(, "port_alternatives": {"80": [65536]})"),
     "p:3:32: rules[0].port_alternatives.80[0]: must be between 1 and 65535, "
     "not 65536"},
    {"AlternativeTwice", rule(R"(, "port_alternatives": {"80": [1, 1]})"),
     "p:3:35: rules[0].port_alternatives.80[1]: 1 is listed twice"},
    {"PortTwice", rule(R"(, "port_alternatives": {"80": [1], "80": [1]})"),
     "p:3:36: rules[0].port_alternatives.80: duplicate key \"80\"; the first "
     "is at 3:25"},
    {"PortsOfNoObject", rule(R"(, "port_alternatives": [587])"),
     "p:3:24: rules[0].port_alternatives: must be an object, not an array"},
    {"FirstFamilyCount", rule(R"(, "race": {"first_family_count": 0})"),
     "p:3:34: rules[0].race.first_family_count: must be between 1 and 8, not "
     "0"},
    {"Negative", rule(R"(, "race": {"resolution_delay_ms": -1})"),
     "p:3:35: rules[0].race.resolution_delay_ms: must be between 0 and 1000, "
     "not -1"},
    {"BeyondInt64",
     rule(R"(, "timeouts": {"resolve_ms": 9999999999999999999})"),
     "p:3:30: rules[0].timeouts.resolve_ms: must be between 100 and 60000, "
     "not 9999999999999999999"},
    {"BeyondUint64",
     rule(R"(, "timeouts": {"resolve_ms": 99999999999999999999})"),
     "p:3:30: rules[0].timeouts.resolve_ms: must be a whole number between "
     "100 and 60000, not 99999999999999999999"},
    {"Fraction", rule(R"(, "race": {"attempt_delay_ms": 250.5})"),
     "p:3:32: rules[0].race.attempt_delay_ms: must be a whole number between "
     "10 and 2000, not 250.5"},
    {"NumberAsString", rule(R"(, "race": {"attempt_delay_ms": "250"})"),
     "p:3:32: rules[0].race.attempt_delay_ms: must be a whole number between "
     "10 and 2000, not the string \"250\""},
    {"BooleanAsNumber", rule(R"(, "race": {"enabled": 1})"),
     "p:3:23: rules[0].race.enabled: must be true or false, not 1"},
    {"ObjectAsBoolean", rule(R"(, "race": false)"),
     "p:3:11: rules[0].race: must be an object, not false"},
    {"ArrayAsString", rule(R"(, "resolvers": "system")"),
     "p:3:16: rules[0].resolvers: must be an array of strings, not the string "
     "\"system\""},
    {"StringAsNull", resolver(R"("addresses": ["::1"], "auth_name": null)"),
     "p:3:36: resolvers.dot.auth_name: must be a string, not null"},
    {"RulesAsObject", R"({"version": 1, "rules": {}})",
     "p:1:25: rules: must be an array of objects, not an object"},
    {"RuleAsString", R"({"version": 1, "rules": ["a"]})",
     "p:1:26: rules[0]: must be an object, not the string \"a\""},
    {"NoHosts", "{\"version\": 1, \"rules\": [\n{}]}",
     "p:2:1: rules[0].hosts: is required but missing"},
    {"EmptyHosts", R"({"version": 1, "rules": [{"hosts": []}]})",
     "p:1:36: rules[0].hosts: must not be empty"},
    {"HostsInDefaults", R"({"version": 1, "defaults": {"hosts": ["a"]}})",
     "p:1:29: defaults.hosts: unknown key \"hosts\"; it belongs in a rule, "
     "not in \"defaults\""},
    {"HostTwice", R"({"version": 1, "rules": [{"hosts": ["a", "a"]}]})",
     "p:1:42: rules[0].hosts[1]: \"a\" is listed twice"},
    {"UnknownFamily", rule(R"(, "families": ["inet6"])"),
     "p:3:16: rules[0].families[0]: must be \"ipv4\" or \"ipv6\", not "
     "\"inet6\""},
    {"NoFamily", rule(R"(, "families": [])"),
     "p:3:15: rules[0].families: must have 1 to 2 entries, not 0"},
    {"FamilyTwice", rule(R"(, "families": ["ipv4", "ipv4"])"),
     "p:3:24: rules[0].families[1]: \"ipv4\" is listed twice"},
    {"UnknownProfile", rule(R"(, "profile": "Strict")"),
     "p:3:14: rules[0].profile: must be \"strict\" or \"opportunistic\", not "
     "\"Strict\""},
    {"StaleAsWord", rule(R"(, "stale": "never")"),
     "p:3:12: rules[0].stale: must be true or false, not the string \"never\""},
    {"UnknownPrivateAddresses", rule(R"(, "private_addresses": "drop")"),
     "p:3:24: rules[0].private_addresses: must be \"allow\" or \"refuse\", not "
     "\"drop\""},
    {"EmptyProfile", rule(R"(, "profile": "")"),
     "p:3:14: rules[0].profile: must be \"strict\" or \"opportunistic\", not "
     "\"\""},
};
INSTANTIATE_TEST_SUITE_P(Schema, FaultyPolicy, testing::ValuesIn(kSchema),
                         case_name);

// What strings say and how keys depend on each other.
const Faulty kMeaning[] = {
    {"PrivateAddressesOfSystem", rule(R"(, "private_addresses": "refuse")"),
     "p:3:24: rules[0].private_addresses: \"refuse\" needs an encrypted "
     "resolver "
     "in \"resolvers\"; the answers of \"system\" are libc's"},
    {"AddressIsAName", resolver(R"("addresses": ["dot.example"],
"auth_name": "dot.example")"),
     "p:3:15: resolvers.dot.addresses[0]: must be an IPv4 or IPv6 address, "
     "not \"dot.example\""},
    {"AddressWithPort", resolver(R"("addresses": ["::1", "192.0.2.1:853"],
"auth_name": "dot.example")"),
     "p:3:22: resolvers.dot.addresses[1]: must be an IPv4 or IPv6 address, "
     "not \"192.0.2.1:853\""},
    {"NoAddress", resolver(R"("addresses": [], "auth_name": "a")"),
     "p:3:14: resolvers.dot.addresses: must have 1 to 8 entries, not 0"},
    {"NineAddresses",
     resolver(R"("addresses": ["::1", "::2", "::3", "::4", "::5", "::6",
"::7", "::8", "::9"], "auth_name": "a")"),
     "p:3:14: resolvers.dot.addresses: must have 1 to 8 entries, not 9"},
    {"PortZero", resolver(R"("addresses": ["::1"], "auth_name": "a",
"port": 0)"),
     "p:4:9: resolvers.dot.port: must be between 1 and 65535, not 0"},
    {"OtherTransport", resolver(R"("addresses": ["::1"], "auth_name": "a",
"transport": "https")"),
     "p:4:14: resolvers.dot.transport: must be \"tls\", not \"https\""},
    {"NoAuthentication", resolver(R"("addresses": ["::1"])"),
     "p:2:25: resolvers.dot: needs \"auth_name\" or \"pins\": without either "
     "the resolver cannot be authenticated"},
    {"AuthNameIsAddress",
     resolver(R"("addresses": ["::1"], "auth_name": "192.0.2.1")"),
     "p:3:36: resolvers.dot.auth_name: \"192.0.2.1\" is an address; a host "
     "name is needed"},
    {"ShortPin", resolver(R"("addresses": ["::1"], "pins": ["sha256:AAAA"])"),
     "p:3:32: resolvers.dot.pins[0]: must end in the base64 form of exactly "
     "32 octets (44 characters, the last is \"=\")"},
    {"UnknownPinForm",
     resolver(R"("addresses": ["::1"], "pins": ["SHA1:AAAA"])"),
     "p:3:32: resolvers.dot.pins[0]: must be key-fp:SHA256:BASE64, "
     "sha256:BASE64, sha256//BASE64 or cert-fp:SHA256:BASE64"},
    {"RelativeCaFile", resolver(R"("addresses": ["::1"], "auth_name": "a",
"ca_file": "ca.pem")"),
     "p:4:12: resolvers.dot.ca_file: must be an absolute path, not "
     "\"ca.pem\""},
    {"CaFileBesidePins",
     resolver("\"addresses\": [\"::1\"], \"pins\": [\"" + kPin +
              "\"],\n\"ca_file\": \"/ca.pem\""),
     "p:4:1: resolvers.dot.ca_file: has no effect without \"auth_name\"; pins "
     "alone ask no certificate authority"},
    {"ReservedName",
     R"({"version": 1, "resolvers": {"system": {"addresses": ["::1"],
"auth_name": "a"}}})",
     "p:1:30: resolvers.system: the name \"system\" is reserved for libc's own "
     "resolver"},
    {"UnknownResolver",
     R"({"version": 1, "resolvers": {"quad9": {"addresses": ["9.9.9.9"],
"auth_name": "dns.quad9.net"}}, "rules": [{"hosts": ["*"],
"resolvers": ["quad8"]}]})",
     "p:3:15: rules[0].resolvers[0]: unknown resolver \"quad8\"; did you mean "
     "\"quad9\"?"},
    {"StrictWithSystem",
     rule(R"(, "resolvers": ["system"], "profile": "strict")"),
     "p:3:39: rules[0].profile: \"strict\" needs an encrypted resolver in "
     "\"resolvers\"; \"system\" is none"},
    {"StrictByDefaultsWithSystem",
     R"({"version": 1, "resolvers": {"a": {"addresses": ["::1"],
"auth_name": "a"}}, "defaults": {"resolvers": ["a"], "profile": "strict"},
"rules": [{"hosts": ["b"], "resolvers": ["system"]}]})",
     "p:3:41: rules[0].resolvers: \"system\" cannot be strict, as \"defaults\" "
     "demands; choose an encrypted resolver"},
    {"SystemBesideEncrypted",
     R"({"version": 1, "resolvers": {"a": {"addresses": ["::1"],
"auth_name": "a"}}, "rules": [{"hosts": ["b"],
"resolvers": ["a", "system"]}]})",
     "p:3:20: rules[0].resolvers[1]: \"system\" beside an encrypted resolver "
     "needs the profile \"opportunistic\""},
    {"SystemBeforeEncrypted",
     R"({"version": 1, "resolvers": {"a": {"addresses": ["::1"],
"auth_name": "a"}}, "rules": [{"hosts": ["b"], "profile": "opportunistic",
"resolvers": ["system", "a"]}]})",
     "p:3:15: rules[0].resolvers[0]: \"system\" is asked when no other "
     "answers; "
     "it must be the last"},
    {"OpportunisticWithSystemAlone",
     rule(R"(, "resolvers": ["system"], "profile": "opportunistic")"),
     "p:3:39: rules[0].profile: \"opportunistic\" needs an encrypted resolver "
     "in \"resolvers\"; \"system\" is none"},
    {"PrivateAddressesOfAFallBack",
     R"({"version": 1, "resolvers": {"a": {"addresses": ["::1"],
"auth_name": "a"}}, "rules": [{"hosts": ["b"], "profile": "opportunistic",
"resolvers": ["a", "system"], "private_addresses": "refuse"}]})",
     "p:3:52: rules[0].private_addresses: \"refuse\" needs an encrypted "
     "resolver in \"resolvers\"; the answers of \"system\" are libc's"},
    {"AttemptBeyondConnect",
     rule(R"(, "timeouts": {"attempt_ms": 2000, "connect_ms": 1999})"),
     "p:3:30: rules[0].timeouts.attempt_ms: must be at most connect_ms, 1999, "
     "not 2000"},
    {"AttemptOfDefaultsBeyondConnect",
     R"({"version": 1, "defaults": {"timeouts": {"attempt_ms": 2000}},
"rules": [{"hosts": ["b"], "timeouts": {"connect_ms": 1999}}]})",
     "p:2:55: rules[0].timeouts.connect_ms: must be at least the attempt_ms of "
     "\"defaults\", 2000, not 1999"},
    {"FaultInDefaultsIsSaidOnce",
     R"({"version": 1, "defaults": {"timeouts": {"attempt_ms": 2000,
"connect_ms": 1000}}, "rules": [{"hosts": ["a"]}, {"hosts": ["b"]}]})",
     "p:1:56: defaults.timeouts.attempt_ms: must be at most connect_ms, 1000, "
     "not 2000"},
    {"UnknownResolverInDefaultsIsSaidOnce",
     R"({"version": 1, "defaults": {"resolvers": ["b"]},
"rules": [{"hosts": ["a"]}, {"hosts": ["b"]}]})",
     "p:1:43: defaults.resolvers[0]: unknown resolver \"b\""},
    {"HostNotAscii",
     "{\"version\": 1, \"rules\": [{\"hosts\": [\"b\xC3\xBC.de\"]}]}",
     "p:1:37: rules[0].hosts[0]: \"b\xC3\xBC.de\" has a label that is not "
     "ASCII: write it as an A-label (xn--...)"},
    {"StarInside", R"({"version": 1, "rules": [{"hosts": ["a.*.b"]}]})",
     "p:1:37: rules[0].hosts[0]: \"a.*.b\" may have \"*\" only as its whole "
     "leftmost label"},
    {"Nat64Prefix", rule(R"(, "nat64": "64:ff9b::/95")"),
     "p:3:12: rules[0].nat64: must be \"discover\" or a prefix of 32, 40, 48, "
     "56, 64 or 96 bits such as \"64:ff9b::/96\", not \"64:ff9b::/95\""},
    {"NulInHost", R"({"version": 1, "rules": [{"hosts": ["a\u0000b"]}]})",
     "p:1:37: rules[0].hosts[0]: must not contain control characters"},
    {"HostIsAddress", R"({"version": 1, "rules": [{"hosts": ["::1"]}]})",
     "p:1:37: rules[0].hosts[0]: \"::1\" is an address; a host name is "
     "needed"},
};
INSTANTIATE_TEST_SUITE_P(Meaning, FaultyPolicy, testing::ValuesIn(kMeaning),
                         case_name);

TEST(PolicyErrors, AllAreReportedInOrderOfPlace) {
  EXPECT_EQ(errors_of(R"({ "reslovers": {},
  "rules": [
    { "hosts": ["a..b", 5], "race": { "attempt_delay_ms": 5 } },
    { "timeouts": { "connect_ms": 10 }, "stale": 1 } ],
  "prefetch": ["a..b", 5] })"),
            R"(p:1:1: version: is required but missing
p:1:3: reslovers: unknown key "reslovers"; did you mean "resolvers"?
p:3:17: rules[0].hosts[0]: "a..b" has an empty label
p:3:25: rules[0].hosts[1]: must be a string, not 5
p:3:59: rules[0].race.attempt_delay_ms: must be between 10 and 2000, not 5
p:4:5: rules[1].hosts: is required but missing
p:4:35: rules[1].timeouts.connect_ms: must be between 1000 and 120000, not 10
p:4:50: rules[1].stale: must be true or false, not 1
p:5:16: prefetch[0]: "a..b" has an empty label
p:5:24: prefetch[1]: must be a string, not 5)");
}

TEST(PolicyErrors, PlacesCountPastCommentsCrLfAndByteOrderMark) {
  EXPECT_EQ(errors_of("\xEF\xBB\xBF{ // \"}, \xFF\r\n"
                      "  /* \n\n */ \"version\": /* 2 */ 3, // 4\r\n"
                      "\t\"x\\\"y\": [1, -2.5e1, \"//\"], \"z\": 1\r\n}"),
            "p:4:24: version: must be 1, not 3\n"
            "p:5:2: [\"x\\\"y\"]: unknown key \"x\\\"y\"" +
                kKnown + "\np:5:29: z: unknown key \"z\"" + kKnown);
}

// Columns are octets: "b" has two letters of two octets each before it.
TEST(PolicyErrors, ColumnsCountOctets) {
  EXPECT_EQ(errors_of("{\"version\": 1, \"\xC3\xA4\xC3\xB6\": 1, \"b\": 1}"),
            "p:1:16: [\"\xC3\xA4\xC3\xB6\"]: unknown key \"\xC3\xA4\xC3\xB6\"" +
                kKnown + "\np:1:27: b: unknown key \"b\"" + kKnown);
}

TEST(PolicyErrors, NestingIsBounded) {
  const std::string deep(100000, '[');
  EXPECT_EQ(errors_of("{\"a\":" + deep),
            "p:1:37: nested more than 32 levels deep");
}

TEST(PolicyErrors, LengthIsBounded) {
  std::string text = R"({"version": 1})";
  text.resize(1 << 20, ' ');
  EXPECT_EQ(errors_of(text), "good");
  EXPECT_EQ(errors_of(text + " "), "p:1:1048577: longer than 1048576 octets");
}

TEST(PolicyErrors, ValuesAreBounded) {
  std::string text = "[";
  for (int i = 0; i < 200000; ++i) text += "1,";
  EXPECT_EQ(errors_of(text), "p:1:200000: more than 100000 values in one file");
}

TEST(PolicyErrors, AHundredAreEnough) {
  std::string text = R"({"version": 1, "rules": [)";
  for (int i = 0; i < 200; ++i) text += "1,";
  const auto policy = parse_policy(text + "1]}");
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().size(), 100u);
  EXPECT_EQ(policy.error().back().key, "rules[99]");
}

TEST(PolicyErrors, LongStringsAreQuotedShortened) {
  const std::string errors =
      errors_of("{\"version\": \"" + std::string(5000, 'x') + "\"}");
  EXPECT_LT(errors.size(), 150u);
  EXPECT_THAT(errors, testing::HasSubstr("xxx...\""));
}

}  // namespace
}  // namespace happy::config
