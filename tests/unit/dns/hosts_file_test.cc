#include "core/dns/hosts_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

// What glibc 2.36 answers for the same text was looked up with getaddrinfo(3).
constexpr std::string_view kHosts = R"(# comment
127.0.0.1 localhost
::1 ip6x
::ffff:192.0.2.9 mapped
192.0.2.1 multi First Alias # comment alias2
2001:db8::1 multi second
192.0.2.2 MULTI
192.0.2.1 multi
192.0.2.3 other multi
fe80::1%lo scoped
  192.0.2.7	indented
192.0.2.8#x hash
192.0.2.10
192.0.2 short
192.0.2.300 bad
garbage multi
192.0.2.11 twice twice
192.0.2.12 last)";

class HostsFileTest : public testing::Test {
 protected:
  std::vector<IpAddress> find(std::string_view name,
                              std::optional<Family> family = {}) const {
    const auto entry = hosts_.find(name, family);
    return entry ? entry->addresses : std::vector<IpAddress>{};
  }
  HostsFile hosts_{kHosts};
};

TEST_F(HostsFileTest, CollectsAllLinesInTheirOrderWithoutDuplicates) {
  EXPECT_THAT(find("multi"), ElementsAre(ip("192.0.2.1"), ip("2001:db8::1"),
                                         ip("192.0.2.2"), ip("192.0.2.3")));
  EXPECT_THAT(find("multi", Family::kIpv4),
              ElementsAre(ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3")));
  EXPECT_THAT(find("multi", Family::kIpv6), ElementsAre(ip("2001:db8::1")));
  EXPECT_THAT(find("twice"), ElementsAre(ip("192.0.2.11")));
}

TEST_F(HostsFileTest, AliasesMatchWithoutCase) {
  EXPECT_THAT(find("aLIAS"), ElementsAre(ip("192.0.2.1")));
  EXPECT_THAT(find("first"), ElementsAre(ip("192.0.2.1")));
}

TEST_F(HostsFileTest, TheCanonicalNameIsTheFirstOfTheFirstMatchingLine) {
  EXPECT_EQ(hosts_.find("alias")->canonical, "multi");
  EXPECT_EQ(hosts_.find("second", Family::kIpv6)->canonical, "multi");
  EXPECT_EQ(HostsFile("192.0.2.1 Host.Example h").find("h")->canonical,
            "Host.Example");
}

// Another canonical name of a later line is an alias behind its own.
TEST_F(HostsFileTest, AliasesAreTheOtherNamesOfAllMatchingLines) {
  EXPECT_THAT(hosts_.find("multi", Family::kIpv4)->aliases,
              ElementsAre("First", "Alias", "MULTI", "multi", "other"));
  EXPECT_THAT(hosts_.find("multi", Family::kIpv6)->aliases,
              ElementsAre("second"));
  EXPECT_THAT(hosts_.find("mapped")->aliases, IsEmpty());
}

TEST_F(HostsFileTest, AnAddressHasTheNamesOfItsFirstLine) {
  EXPECT_THAT(hosts_.names_of(ip("192.0.2.1")),
              ElementsAre("multi", "First", "Alias"));
  EXPECT_THAT(hosts_.names_of(ip("192.0.2.9")), ElementsAre("mapped"));
  EXPECT_THAT(hosts_.names_of(ip("192.0.2.99")), IsEmpty());
}

TEST_F(HostsFileTest, CommentsBeginAnywhere) {
  for (const char* name : {"alias2", "comment", "hash", "x", "#"}) {
    EXPECT_FALSE(hosts_.find(name).has_value()) << name;
  }
}

TEST_F(HostsFileTest, LinesWithoutAnAddressAreSkipped) {
  for (const char* name : {"scoped", "short", "bad", ""}) {
    EXPECT_FALSE(hosts_.find(name).has_value()) << name;
  }
}

TEST_F(HostsFileTest, BlanksMayStandBeforeTheAddress) {
  EXPECT_THAT(find("indented"), ElementsAre(ip("192.0.2.7")));
}

TEST_F(HostsFileTest, TheLastLineNeedsNoNewline) {
  EXPECT_THAT(find("last"), ElementsAre(ip("192.0.2.12")));
}

TEST_F(HostsFileTest, AFamilyWithoutLinesIsNotFound) {
  EXPECT_FALSE(hosts_.find("indented", Family::kIpv6).has_value());
  EXPECT_FALSE(hosts_.find("second", Family::kIpv4).has_value());
}

TEST_F(HostsFileTest, Ipv4LookUpsReadMappedAndLoopbackLinesAsIpv4) {
  EXPECT_THAT(find("mapped", Family::kIpv4), ElementsAre(ip("192.0.2.9")));
  EXPECT_THAT(find("mapped"), ElementsAre(ip("::ffff:192.0.2.9")));
  EXPECT_THAT(find("ip6x", Family::kIpv4), ElementsAre(ip("127.0.0.1")));
  EXPECT_THAT(find("ip6x"), ElementsAre(ip("::1")));
}

TEST_F(HostsFileTest, AFinalDotCounts) {
  EXPECT_FALSE(hosts_.find("last.").has_value());
}

TEST(HostsFile, WithoutTextThereAreNoHosts) {
  EXPECT_FALSE(HostsFile().find("localhost").has_value());
  EXPECT_FALSE(HostsFile("\n\n#\n \n").find("localhost").has_value());
}

TEST(HostsFile, CarriageReturnsAreBlanks) {
  EXPECT_TRUE(HostsFile("192.0.2.1 a\r\n").find("a").has_value());
}

}  // namespace
}  // namespace happy::dns
