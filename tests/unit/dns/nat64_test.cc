// RFC 6052: where IPv4 addresses stand in IPv6 ones; RFC 7050: how a network's
// prefix is found.
#include "core/dns/nat64.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

Nat64Prefix prefix(std::string_view text) {
  return Nat64Prefix::parse(text).value();
}

std::string translated(std::string_view with, std::string_view ipv4) {
  const auto out = prefix(with).translated(ip(ipv4));
  return out ? out->to_string() : "none";
}

// The table of RFC 6052 section 2.4.
TEST(Nat64, EveryPrefixLengthHasItsOwnPlace) {
  EXPECT_EQ("2001:db8:c000:221::", translated("2001:db8::/32", "192.0.2.33"));
  EXPECT_EQ("2001:db8:1c0:2:21::",
            translated("2001:db8:100::/40", "192.0.2.33"));
  EXPECT_EQ("2001:db8:122:c000:2:2100::",
            translated("2001:db8:122::/48", "192.0.2.33"));
  EXPECT_EQ("2001:db8:122:3c0:0:221::",
            translated("2001:db8:122:300::/56", "192.0.2.33"));
  EXPECT_EQ("2001:db8:122:344:c0:2:2100:0",
            translated("2001:db8:122:344::/64", "192.0.2.33"));
  EXPECT_EQ("2001:db8:122:344::c000:221",
            translated("2001:db8:122:344::/96", "192.0.2.33"));
  EXPECT_EQ("64:ff9b::c000:221", translated("64:ff9b::/96", "192.0.2.33"));
}

TEST(Nat64, WhatIsNobodysBehindATranslatorIsNotTranslated) {
  for (const char* ipv4 :
       {"0.0.0.1", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255"})
    EXPECT_EQ("none", translated("2001:db8::/96", ipv4)) << ipv4;
}

// RFC 6052 section 3.1.
TEST(Nat64, TheWellKnownPrefixIsNotForPrivateAddresses) {
  EXPECT_EQ("none", translated("64:ff9b::/96", "10.0.0.1"));
  EXPECT_EQ("none", translated("64:ff9b::/96", "192.168.0.1"));
  EXPECT_EQ("2001:db8::a00:1", translated("2001:db8::/96", "10.0.0.1"));
}

TEST(Nat64, AnIpv6AddressIsNotTranslated) {
  EXPECT_FALSE(prefix("64:ff9b::/96").translated(ip("2001:db8::1")));
}

TEST(Nat64, PrefixesAreWrittenAsTheyAreRead) {
  EXPECT_EQ("64:ff9b::/96", prefix("64:ff9b::/96").to_string());
  EXPECT_EQ("2001:db8:100::/40", prefix("2001:db8:100::/40").to_string());
}

TEST(Nat64, WhatIsNoPrefixIsRefused) {
  for (const char* text :
       {"", "64:ff9b::", "64:ff9b::/", "64:ff9b::/95", "64:ff9b::/0",
        "64:ff9b::1/96", "2001:db8:0:0:100::/96", "192.0.2.0/24",
        "64:ff9b::/96 ", "/96", "64:ff9b::/+96"})
    EXPECT_FALSE(Nat64Prefix::parse(text)) << text;
}

TEST(Nat64, TheProbesAnswerShowsThePrefix) {
  EXPECT_THAT(
      nat64_prefixes(std::vector{ip("64:ff9b::c000:aa"), ip("64:ff9b::c000:ab"),
                                 ip("2001:db8:43::c000:ab")}),
      ElementsAre(prefix("64:ff9b::/96"), prefix("2001:db8:43::/96")));
}

TEST(Nat64, TheProbesAnswerShowsPrefixesOfEveryLength) {
  for (const char* text : {"2001:db8::/32", "2001:db8:100::/40",
                           "2001:db8:122::/48", "2001:db8:122:300::/56",
                           "2001:db8:122:344::/64", "2001:db8:122:344::/96"}) {
    const auto probe = prefix(text).translated(ip("192.0.0.170")).value();
    EXPECT_THAT(nat64_prefixes(std::vector{probe}), ElementsAre(prefix(text)));
  }
}

TEST(Nat64, AnAnswerWithoutTheProbesAddressesShowsNone) {
  EXPECT_THAT(nat64_prefixes(std::vector{ip("2001:db8::1"), ip("192.0.0.170"),
                                         ip("64:ff9b::c000:ac")}),
              IsEmpty());
}

}  // namespace
}  // namespace happy::dns
