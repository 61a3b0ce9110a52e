#include "config/host_pattern.h"

#include <gtest/gtest.h>

namespace happy::config {
namespace {

using Kind = HostPattern::Kind;

TEST(HostPattern, IsStoredInLowerCaseWithoutTheFinalDot) {
  EXPECT_EQ(parse_host_pattern("WWW.Example.COM."),
            (HostPattern{Kind::kExact, "www.example.com"}));
  EXPECT_EQ(parse_host_pattern("*.Example.COM."),
            (HostPattern{Kind::kBelow, "example.com"}));
  EXPECT_EQ(parse_host_pattern("*"), (HostPattern{Kind::kAny, ""}));
}

TEST(HostPattern, NamesAndALabelsAndUnderscoresAreGood) {
  for (const char* const name :
       {"localhost", "xn--bcher-kva.example", "_dmarc.example", "1and1.de",
        "a-b.c", "*.com", "0x7f.example"}) {
    EXPECT_TRUE(parse_host_pattern(name)) << name;
  }
}

TEST(HostPattern, FaultsAreNamed) {
  const std::pair<const char*, const char*> faults[] = {
      {"", "\"\" names no host"},
      {".", "\".\" names no host"},
      {"*.", "\"*.\" names no host"},
      {".a", "\".a\" has an empty label"},
      {"a..", "\"a..\" has an empty label"},
      {"**", "\"**\" may have \"*\" only as its whole leftmost label"},
      {"w*.a", "\"w*.a\" may have \"*\" only as its whole leftmost label"},
      {"*.*.a", "\"*.*.a\" may have \"*\" only as its whole leftmost label"},
      {"a b", "\"a b\" has the character \" \", which host names cannot have"},
      {"http://a",
       "\"http://a\" has the character \":\", which host names cannot have"},
      {"192.0.2.1", "\"192.0.2.1\" is an address; a host name is needed"},
  };
  for (const auto& [text, message] : faults) {
    const auto pattern = parse_host_pattern(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error(), message);
  }
}

TEST(HostPattern, LabelsHaveAtMost63Octets) {
  const std::string longest(63, 'a');
  EXPECT_TRUE(parse_host_pattern("*." + longest + ".b"));
  EXPECT_FALSE(parse_host_pattern("a." + longest + "a"));
}

TEST(HostPattern, NamesHaveAtMost253Octets) {
  std::string name;
  while (name.size() < 252) name += "a.";
  EXPECT_TRUE(parse_host_pattern(name + "b"));
  EXPECT_TRUE(parse_host_pattern(name + "b."));
  EXPECT_FALSE(parse_host_pattern(name + "bb"));
}

bool matches(const char* pattern, std::string_view host) {
  return parse_host_pattern(pattern).value().matches(host);
}

TEST(HostPattern, ANameMatchesItselfOnly) {
  EXPECT_TRUE(matches("example.com", "example.com"));
  EXPECT_FALSE(matches("example.com", "www.example.com"));
  EXPECT_FALSE(matches("example.com", "example.co"));
  EXPECT_FALSE(matches("example.com", "xexample.com"));
  EXPECT_FALSE(matches("example.com", ""));
}

TEST(HostPattern, AStarMatchesAnyDepthBelowButNotTheNameItself) {
  EXPECT_TRUE(matches("*.example.com", "a.example.com"));
  EXPECT_TRUE(matches("*.example.com", "a.b.c.example.com"));
  EXPECT_FALSE(matches("*.example.com", "example.com"));
  EXPECT_FALSE(matches("*.example.com", ".example.com"));
  EXPECT_FALSE(matches("*.example.com", "aexample.com"));
  EXPECT_FALSE(matches("*.example.com", "com"));
}

TEST(HostPattern, AStarAloneMatchesEverything) {
  EXPECT_TRUE(matches("*", "localhost"));
  EXPECT_TRUE(matches("*", "a.b"));
}

TEST(HostPattern, CaseAndTheFinalDotOfAHostDoNotMatter) {
  EXPECT_TRUE(matches("Example.com", "eXAMPLE.COM."));
  EXPECT_TRUE(matches("*.Example.com.", "a.eXAMPLE.COM."));
  EXPECT_FALSE(matches("example.com", "example.com.."));
}

// "_" and DEL differ by the same bit as "A" and "a".
TEST(HostPattern, OnlyAsciiLettersHaveCase) {
  EXPECT_TRUE(matches("i.example", "I.EXAMPLE"));
  EXPECT_FALSE(matches("a_b",
                       "a\x7f"
                       "b"));
}

TEST(HostPattern, IsWrittenAsItIsRead) {
  for (const char* const text : {"*", "*.example.com", "example.com"}) {
    EXPECT_EQ(to_string(parse_host_pattern(text).value()), text);
  }
}

}  // namespace
}  // namespace happy::config
