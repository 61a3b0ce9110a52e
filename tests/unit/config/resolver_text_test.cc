// Resolvers written as a string, as ocaml-dns has them.
#include "config/resolver_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/pin.h"

namespace happy::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kKey =
    "key-fp:SHA256:INSZEZpDoWKiavosV2/xVT8O83vk/RRwS+LTiL+IpHs=";
const std::string kCertificate =
    "cert-fp:SHA256:INSZEZpDoWKiavosV2/xVT8O83vk/RRwS+LTiL+IpHs=";

TEST(ResolverText, HasAnAddressAndAName) {
  const auto resolver = parse_resolver_text("tls:192.0.2.1!DoT.Example");
  ASSERT_TRUE(resolver) << resolver.error();
  EXPECT_THAT(resolver->addresses, ElementsAre(IpAddress::v4(192, 0, 2, 1)));
  EXPECT_EQ(853, resolver->port);
  EXPECT_EQ("dot.example", resolver->auth_name);
  EXPECT_THAT(resolver->pins, IsEmpty());
}

TEST(ResolverText, HasAnAuthenticatorWithOrWithoutAName) {
  const auto both =
      parse_resolver_text("tls:192.0.2.1!dot.example!" + kCertificate);
  ASSERT_TRUE(both) << both.error();
  EXPECT_EQ("dot.example", both->auth_name);
  EXPECT_THAT(both->pins, ElementsAre(*parse_pin(kCertificate)));
  const auto alone = parse_resolver_text("tls:192.0.2.1!" + kKey);
  ASSERT_TRUE(alone) << alone.error();
  EXPECT_EQ("", alone->auth_name);
  EXPECT_THAT(alone->pins, ElementsAre(*parse_pin(kKey)));
}

TEST(ResolverText, HasAPortIfItSaysSo) {
  const IpAddress v6 = *IpAddress::parse("2001:db8::1");
  for (const auto& [text, address, port] :
       {std::tuple("tls:192.0.2.1:8853!a", IpAddress::v4(192, 0, 2, 1), 8853),
        std::tuple("tls:2001:db8::1!a", v6, 853),
        std::tuple("tls:[2001:db8::1]!a", v6, 853),
        std::tuple("tls:[2001:db8::1]:8853!a", v6, 8853)}) {
    const auto resolver = parse_resolver_text(text);
    ASSERT_TRUE(resolver) << text << ": " << resolver.error();
    EXPECT_THAT(resolver->addresses, ElementsAre(address)) << text;
    EXPECT_EQ(port, resolver->port) << text;
  }
}

TEST(ResolverText, SaysWhatIsWrong) {
  const std::pair<std::string, const char*> kFaults[] = {
      {"192.0.2.1!a", "must be tls:ADDRESS"},
      {"udp:192.0.2.1", "must be tls:ADDRESS"},
      {"tls:dot.example!a", "must have an IPv4 or IPv6 address"},
      {"tls:!a", "must have an IPv4 or IPv6 address"},
      {"tls:[192.0.2.1]:853!a", "must have an IPv4 or IPv6 address"},
      {"tls:[2001:db8::1", "must have an IPv4 or IPv6 address"},
      {"tls:192.0.2.1:0!a", "must have a port"},
      {"tls:192.0.2.1:65536!a", "must have a port"},
      {"tls:192.0.2.1:!a", "must have a port"},
      {"tls:[2001:db8::1]853!a", "must have a port"},
      {"tls:192.0.2.1", "cannot be authenticated"},
      {"tls:192.0.2.1!", "cannot be authenticated"},
      {"tls:192.0.2.1!a!none", "has the authenticator \"none\""},
      {"tls:192.0.2.1!a!key-fp:SHA256:AAAA", "exactly 32 octets"},
      {"tls:192.0.2.1!a!" + kKey + "!b", "has the authenticator"},
  };
  for (const auto& [text, fault] : kFaults) {
    const auto resolver = parse_resolver_text(text);
    ASSERT_FALSE(resolver) << text;
    EXPECT_THAT(resolver.error(), HasSubstr(fault)) << text;
  }
}

TEST(ResolverText, StandsInAPolicy) {
  const auto policy = parse_policy(
      R"({"version": 1, "resolvers": {"home": "tls:192.0.2.1!dot.example"},
"rules": [{"hosts": ["*"], "resolvers": ["home"]}]})");
  ASSERT_TRUE(policy) << policy.error().front().message;
  EXPECT_EQ("home", policy->resolvers.at(0).name);
  EXPECT_EQ("dot.example", policy->resolvers[0].auth_name);
  EXPECT_THAT(policy->rules.at(0).resolvers, ElementsAre(0u));
}

TEST(ResolverText, IsFaultedAtItsPlaceInAPolicy) {
  const auto policy = parse_policy(
      "{\"version\": 1, \"resolvers\": {\n\"home\": \"tls:dot.example\"}}");
  ASSERT_FALSE(policy);
  ASSERT_EQ(policy.error().size(), 1u);
  EXPECT_THAT(policy.error()[0].to_string("p"),
              HasSubstr("p:2:9: resolvers.home: must have an IPv4 or IPv6"));
}

}  // namespace
}  // namespace happy::config
