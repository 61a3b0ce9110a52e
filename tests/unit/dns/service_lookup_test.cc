// Which questions HTTPS records lead to, and which endpoints.
#include "core/dns/service_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/dns/message_builder.h"

namespace happy::dns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::vector<Family> kBoth{Family::kIpv6, Family::kIpv4};

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

ServiceQuestion https(std::string_view name) {
  return {test_name(name), Type::kHttps};
}
ServiceQuestion a(std::string_view name) { return {test_name(name), Type::kA}; }
ServiceQuestion aaaa(std::string_view name) {
  return {test_name(name), Type::kAaaa};
}

ServiceRecord alias(std::string_view target) {
  return {.target = test_name(target)};
}
ServiceRecord service(std::string_view target,
                      std::vector<IpAddress> hints = {}) {
  return {
      .priority = 1, .target = test_name(target), .hints = std::move(hints)};
}
ServiceRecord at_port(uint16_t port, std::string_view target = ".") {
  ServiceRecord out = service(target);
  out.port = port;
  return out;
}

Answer answer(AnswerStatus status, const Name& canonical) {
  Answer out;
  out.status = status;
  out.canonical = canonical;
  return out;
}

class ServiceLookupTest : public testing::Test {
 protected:
  using Questions = std::vector<ServiceQuestion>;

  void SetUp() override {
    ASSERT_THAT(lookup_.begin(), ElementsAre(https("www.example")));
  }
  Questions services(std::string_view name, std::vector<ServiceRecord> records,
                     std::string_view canonical = {}) {
    Answer reply = answer(AnswerStatus::kServices,
                          test_name(canonical.empty() ? name : canonical));
    reply.services = std::move(records);
    return lookup_.step(https(name), &reply);
  }
  Questions addresses(const ServiceQuestion& question,
                      std::vector<IpAddress> list) {
    Answer reply =
        answer(list.empty() ? AnswerStatus::kNoData : AnswerStatus::kAddresses,
               question.name);
    reply.addresses = std::move(list);
    return lookup_.step(question, &reply);
  }
  Questions nothing(const ServiceQuestion& question) {
    return addresses(question, {});
  }

  ServiceLookup lookup_{test_name("www.example"), kBoth};
};

TEST_F(ServiceLookupTest, HintsOfTheNameItselfJoinAtOnce) {
  EXPECT_THAT(services("www.example", {service(".", {ip("192.0.2.1")})}),
              IsEmpty());
  EXPECT_TRUE(lookup_.done());
  EXPECT_THAT(lookup_.found(),
              ElementsAre(Alternative{{}, {ip("192.0.2.1")}, true}));
}

TEST_F(ServiceLookupTest, TheOwnerMayBeWrittenOut) {
  services("www.example", {service("WWW.example", {ip("192.0.2.1")})});
  EXPECT_TRUE(lookup_.found().at(0).own);
}

// RFC 9460 section 2.5.2: the effective target is the owner, here the end of a
// chain of CNAMEs, which has the same addresses.
TEST_F(ServiceLookupTest, TheEndOfCnamesIsTheNameItself) {
  EXPECT_THAT(services("www.example", {service("."), service("cdn.example")},
                       "cdn.example"),
              IsEmpty());
  EXPECT_TRUE(lookup_.found().at(0).own);
  EXPECT_TRUE(lookup_.found().at(1).own);
}

TEST_F(ServiceLookupTest, NothingMeansNothing) {
  EXPECT_THAT(nothing(https("www.example")), IsEmpty());
  EXPECT_TRUE(lookup_.done());
  EXPECT_THAT(lookup_.found(), IsEmpty());
}

TEST_F(ServiceLookupTest, AFailureMeansNothing) {
  EXPECT_THAT(lookup_.step(https("www.example"), nullptr), IsEmpty());
  EXPECT_TRUE(lookup_.done());
  EXPECT_THAT(lookup_.found(), IsEmpty());
}

TEST_F(ServiceLookupTest, AnotherTargetsAddressesAreAskedForAndHintsServe) {
  EXPECT_THAT(
      services("www.example",
               {service("cdn.example", {ip("192.0.2.1"), ip("2001:db8::1")})}),
      ElementsAre(aaaa("cdn.example"), a("cdn.example")));
  EXPECT_FALSE(lookup_.done());
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{
                                   {}, {ip("192.0.2.1"), ip("2001:db8::1")}}));
  // Section 7.3: answers take the place of hints, family by family.
  addresses(a("cdn.example"), {ip("192.0.2.9")});
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{
                                   {}, {ip("192.0.2.9"), ip("2001:db8::1")}}));
  nothing(aaaa("cdn.example"));
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{{}, {ip("192.0.2.9")}}));
  EXPECT_TRUE(lookup_.done());
}

TEST_F(ServiceLookupTest, HintsStayWhereTheAddressesCannotBeHad) {
  services("www.example", {service("cdn.example", {ip("192.0.2.1")})});
  const Answer failure = answer(AnswerStatus::kServerFailure, Name());
  lookup_.step(a("cdn.example"), &failure);
  lookup_.step(aaaa("cdn.example"), nullptr);
  EXPECT_TRUE(lookup_.done());
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{{}, {ip("192.0.2.1")}}));
}

TEST_F(ServiceLookupTest, OnlyWantedFamiliesAreAskedFor) {
  ServiceLookup lookup(test_name("www.example"), {Family::kIpv4});
  lookup.begin();
  Answer reply = answer(AnswerStatus::kServices, test_name("www.example"));
  reply.services = {service("cdn.example", {ip("2001:db8::1")})};
  EXPECT_THAT(lookup.step(https("www.example"), &reply),
              ElementsAre(a("cdn.example")));
  EXPECT_THAT(lookup.found().at(0).addresses, IsEmpty());
}

TEST_F(ServiceLookupTest, ATargetIsAskedForOnce) {
  EXPECT_THAT(services("www.example", {at_port(8443, "cdn.example"),
                                       at_port(9443, "cdn.example")}),
              SizeIs(2));
  addresses(a("cdn.example"), {ip("192.0.2.9")});
  EXPECT_THAT(lookup_.found(),
              ElementsAre(Alternative{8443, {ip("192.0.2.9")}},
                          Alternative{9443, {ip("192.0.2.9")}}));
}

TEST_F(ServiceLookupTest, FourTargetsAreEnough) {
  EXPECT_THAT(
      services("www.example", {service("t1.example"), service("t2.example"),
                               service("t3.example"), service("t4.example"),
                               service("t5.example"), at_port(8443)}),
      SizeIs(8));
  EXPECT_THAT(lookup_.found(), SizeIs(5));
}

TEST_F(ServiceLookupTest, AnAliasIsFollowedToItsAddresses) {
  EXPECT_THAT(
      services("www.example", {alias("cdn.example")}),
      ElementsAre(https("cdn.example"), aaaa("cdn.example"), a("cdn.example")));
  addresses(a("cdn.example"), {ip("192.0.2.9")});
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{{}, {ip("192.0.2.9")}}));
  nothing(https("cdn.example"));
  nothing(aaaa("cdn.example"));
  EXPECT_TRUE(lookup_.done());
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{{}, {ip("192.0.2.9")}}));
}

// Section 3: the services of the aliases' end, then its addresses as they are.
TEST_F(ServiceLookupTest, AnAliasLeadsToServices) {
  services("www.example", {alias("cdn.example")});
  EXPECT_THAT(services("cdn.example", {at_port(8443)}), IsEmpty());
  addresses(a("cdn.example"), {ip("192.0.2.9")});
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{8443, {ip("192.0.2.9")}},
                                           Alternative{{}, {ip("192.0.2.9")}}));
}

TEST_F(ServiceLookupTest, AnAliasMayLeadBackToTheNameAsATarget) {
  services("www.example", {alias("cdn.example")});
  EXPECT_THAT(services("cdn.example", {at_port(8443, "www.example")}),
              IsEmpty());
  EXPECT_EQ(lookup_.found().at(0), (Alternative{8443, {}, true}));
}

// Section 2.5.1.
TEST_F(ServiceLookupTest, AnAliasOfNothingIsIgnored) {
  EXPECT_THAT(services("www.example", {alias(".")}), IsEmpty());
  EXPECT_THAT(lookup_.found(), IsEmpty());
}

TEST_F(ServiceLookupTest, AliasesInALoopAreRefused) {
  EXPECT_THAT(services("www.example", {alias("cdn.example")}), SizeIs(3));
  addresses(a("cdn.example"), {ip("192.0.2.9")});
  EXPECT_THAT(services("cdn.example", {alias("www.example")}), IsEmpty());
  EXPECT_THAT(lookup_.found(), IsEmpty());
  nothing(aaaa("cdn.example"));
  EXPECT_TRUE(lookup_.done());
}

TEST_F(ServiceLookupTest, AnAliasOfItselfIsRefused) {
  EXPECT_THAT(services("www.example", {alias("www.example")}), IsEmpty());
}

// Section 3.1: then it is as if the records did not exist.
TEST_F(ServiceLookupTest, EightAliasesAreFollowedAndNoMore) {
  std::string name = "www.example";
  for (size_t link = 1; link <= ServiceLookup::kMaxAliases; ++link) {
    const std::string next = "a" + std::to_string(link) + ".example";
    EXPECT_THAT(services(name, {alias(next)}), SizeIs(3)) << link;
    addresses(a(next), {ip("192.0.2.9")});
    name = next;
  }
  EXPECT_THAT(lookup_.found(), SizeIs(1));
  EXPECT_THAT(services(name, {alias("a9.example")}), IsEmpty());
  EXPECT_THAT(lookup_.found(), IsEmpty());
}

// RFC 6761 and others: those names are never sent.
TEST_F(ServiceLookupTest, SpecialNamesAreNoTargets) {
  EXPECT_THAT(
      services("www.example", {service("localhost", {ip("192.0.2.1")}),
                               service("printer.local"), service("x.onion")}),
      IsEmpty());
  EXPECT_THAT(lookup_.found(), IsEmpty());
}

TEST_F(ServiceLookupTest, SpecialNamesAreNoAliases) {
  EXPECT_THAT(services("www.example", {alias("localhost")}), IsEmpty());
}

TEST_F(ServiceLookupTest, WhatMayNotBeUsedIsLeftOut) {
  ServiceRecord unusable = service(".", {ip("192.0.2.1")});
  unusable.usable = false;
  services("www.example", {unusable, at_port(8443)});
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{8443, {}, true}));
}

// Section 7.1: HTTP/3 has no TCP connection.
TEST_F(ServiceLookupTest, WhatSpeaksQuicAloneIsLeftOut) {
  ServiceRecord quic = at_port(1443), both = at_port(2443), fallback = quic;
  quic.no_default_alpn = both.no_default_alpn = true;
  quic.alpn = {"h3", "h3-29"};
  both.alpn = {"h3", "h2"};
  fallback.alpn = {"h3"};
  fallback.port = 3443;
  services("www.example", {quic, both, fallback});
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{2443, {}, true},
                                           Alternative{3443, {}, true}));
}

// Section 9: as browsers restrict the ports of URLs.
TEST_F(ServiceLookupTest, PortsOfOtherProtocolsAreLeftOut) {
  services("www.example", {at_port(0), at_port(25), at_port(22), at_port(6667),
                           at_port(10080), at_port(443), at_port(8443)});
  EXPECT_THAT(lookup_.found(), ElementsAre(Alternative{443, {}, true},
                                           Alternative{8443, {}, true}));
}

TEST_F(ServiceLookupTest, AnswersThatNobodyWaitsForAreIgnored) {
  EXPECT_THAT(services("other.example", {alias("cdn.example")}), IsEmpty());
  nothing(https("www.example"));
  EXPECT_THAT(services("www.example", {alias("cdn.example")}), IsEmpty());
  EXPECT_THAT(lookup_.found(), IsEmpty());
}

}  // namespace
}  // namespace happy::dns
