#include "core/race/destination_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace happy::race {
namespace {

using testing::ElementsAre;

struct Text {
  const char* destination;
  const char* source;  // nullptr: unreachable
  uint8_t source_prefix_length = 32;
};

std::vector<std::string> ordered(
    std::initializer_list<Text> given,
    std::span<const PrefixPolicy> policies = default_prefix_policies()) {
  std::vector<Destination> list;
  for (const Text& text : given) {
    Destination entry{.address = *IpAddress::parse(text.destination)};
    if (text.source) entry.source = IpAddress::parse(text.source);
    entry.source_prefix_length = text.source_prefix_length;
    list.push_back(entry);
  }
  order_destinations(&list, policies);
  std::vector<std::string> out;
  for (const Destination& entry : list) {
    out.push_back(entry.address.to_string());
  }
  return out;
}

// RFC 6724 section 10.2, its examples in its order.
TEST(DestinationOrder, PrefersMatchingScope) {
  EXPECT_THAT(ordered({{"198.51.100.121", "169.254.13.78"},
                       {"2001:db8:1::1", "2001:db8:1::2"}}),
              ElementsAre("2001:db8:1::1", "198.51.100.121"));
  EXPECT_THAT(ordered({{"2001:db8:1::1", "fe80::1"},
                       {"198.51.100.121", "198.51.100.117"}}),
              ElementsAre("198.51.100.121", "2001:db8:1::1"));
}

TEST(DestinationOrder, PrefersHigherPrecedence) {
  EXPECT_THAT(
      ordered({{"10.1.2.3", "10.1.2.4"}, {"2001:db8:1::1", "2001:db8:1::2"}}),
      ElementsAre("2001:db8:1::1", "10.1.2.3"));
}

TEST(DestinationOrder, PrefersSmallerScope) {
  EXPECT_THAT(
      ordered({{"2001:db8:1::1", "2001:db8:1::2"}, {"fe80::1", "fe80::2"}}),
      ElementsAre("fe80::1", "2001:db8:1::1"));
}

TEST(DestinationOrder, PrefersLongestMatchingPrefixInIpv6) {
  EXPECT_THAT(ordered({{"2001:db8:3ffe::1", "2001:db8:3f44::2"},
                       {"2001:db8:1::1", "2001:db8:1::2"}}),
              ElementsAre("2001:db8:1::1", "2001:db8:3ffe::1"));
}

TEST(DestinationOrder, PrefersMatchingLabel) {
  EXPECT_THAT(ordered({{"2001:db8:1::1", "2002:c633:6401::2"},
                       {"2002:c633:6401::1", "2002:c633:6401::2"}}),
              ElementsAre("2002:c633:6401::1", "2001:db8:1::1"));
}

TEST(DestinationOrder, PrefersPrecedenceOverPrefixMatch) {
  EXPECT_THAT(ordered({{"2002:c633:6401::1", "2002:c633:6401::2"},
                       {"2001:db8:1::1", "2001:db8:1::2"}}),
              ElementsAre("2001:db8:1::1", "2002:c633:6401::1"));
}

// RFC 6724 section 6 rule 1.
TEST(DestinationOrder, UnreachableGoesLast) {
  EXPECT_THAT(ordered({{"2001:db8:1::1", nullptr},
                       {"192.0.2.1", "192.0.2.9"},
                       {"2001:db8:1::2", nullptr}}),
              ElementsAre("192.0.2.1", "2001:db8:1::1", "2001:db8:1::2"));
}

// A host with a Teredo or unique local address only prefers IPv4 for global
// destinations (rule 5).
TEST(DestinationOrder, UniqueLocalSourceLosesToIpv4) {
  EXPECT_THAT(
      ordered({{"2001:db8:1::1", "fd00::1"}, {"192.0.2.1", "192.0.2.9"}}),
      ElementsAre("192.0.2.1", "2001:db8:1::1"));
}

// Rule 10: the resolver's order, so that round robin works.
TEST(DestinationOrder, EqualsStayAsGiven) {
  EXPECT_THAT(ordered({{"198.51.100.3", "192.0.2.9", 24},
                       {"198.51.100.1", "192.0.2.9", 24},
                       {"198.51.100.2", "192.0.2.9", 24}}),
              ElementsAre("198.51.100.3", "198.51.100.1", "198.51.100.2"));
}

// Rule 9 in IPv4, as glibc has it: inside the source's own subnet only.
TEST(DestinationOrder, PrefixMatchCountsInIpv4WithinTheSubnetOnly) {
  EXPECT_THAT(
      ordered({{"192.1.0.1", "192.0.2.9", 24}, {"192.0.3.1", "192.0.2.9", 24}}),
      ElementsAre("192.1.0.1", "192.0.3.1"));
  EXPECT_THAT(
      ordered({{"192.1.0.1", "192.0.2.9", 24}, {"192.0.2.1", "192.0.2.9", 24}}),
      ElementsAre("192.0.2.1", "192.1.0.1"));
}

TEST(DestinationOrder, LoopbackLeads) {
  EXPECT_THAT(ordered({{"127.0.0.1", "127.0.0.1"}, {"::1", "::1"}}),
              ElementsAre("::1", "127.0.0.1"));
}

// What gai.conf can say: IPv4 first.
TEST(DestinationOrder, TableIsAnArgument) {
  std::vector<PrefixPolicy> ipv4_first(default_prefix_policies().begin(),
                                       default_prefix_policies().end());
  for (PrefixPolicy& row : ipv4_first) {
    if (row.prefix.is_v4_mapped()) row.precedence = 100;
  }
  EXPECT_THAT(
      ordered({{"2001:db8:1::1", "2001:db8:1::2"}, {"192.0.2.1", "192.0.2.9"}},
              ipv4_first),
      ElementsAre("192.0.2.1", "2001:db8:1::1"));
  EXPECT_THAT(
      ordered({{"2001:db8:1::1", "2001:db8:1::2"}, {"192.0.2.1", "192.0.2.9"}},
              {}),
      ElementsAre("2001:db8:1::1", "192.0.2.1"))
      << "an empty table tells nothing apart";
}

TEST(DestinationOrder, NothingAndOneAreFine) {
  EXPECT_TRUE(ordered({}).empty());
  EXPECT_THAT(ordered({{"192.0.2.1", nullptr}}), ElementsAre("192.0.2.1"));
}

// What a look-up's list is made of, with what history says.
Destination known(const char* text, int rank, bool failed = false) {
  const IpAddress address = *IpAddress::parse(text);
  return {.address = address,
          .source = address,
          .failed_lately = failed,
          .history_rank = rank};
}
std::vector<std::string> texts(const std::vector<Destination>& list) {
  std::vector<std::string> out;
  for (const Destination& d : list) out.push_back(d.address.to_string());
  return out;
}

// RFC 8305 section 4: history comes in between rules 8 and 9.
TEST(DestinationOrder, TheNearerGoesFirstAmongEquals) {
  std::vector<Destination> list = {known("192.0.2.1", 2), known("192.0.2.2", 0),
                                   known("2001:db8::1", 1)};
  order_destinations(&list);
  EXPECT_THAT(texts(list), ElementsAre("2001:db8::1", "192.0.2.2", "192.0.2.1"))
      << "rule 6, the precedence, counts more";
}

TEST(DestinationOrder, HistoryCountsMoreThanAMatchingPrefix) {
  std::vector<Destination> list = {known("2001:db8::1", 1),
                                   known("2001:db8:f::1", 0)};
  list[0].source = IpAddress::parse("2001:db8::9");
  list[1].source = IpAddress::parse("2001:db8::9");
  order_destinations(&list);
  EXPECT_THAT(texts(list), ElementsAre("2001:db8:f::1", "2001:db8::1"));
}

TEST(DestinationOrder, WhatFailedLatelyIsLastButForTheUnreachable) {
  std::vector<Destination> list = {known("2001:db8::1", 0, true),
                                   known("2001:db8::2", 0),
                                   known("192.0.2.1", 0)};
  list[1].source.reset();
  order_destinations(&list);
  EXPECT_THAT(texts(list),
              ElementsAre("192.0.2.1", "2001:db8::1", "2001:db8::2"));
}

TEST(DestinationOrder, ARulesFamilyLeadsThenHistoryThenTheAnswer) {
  std::vector<Destination> list = {
      known("2001:db8::1", 0), known("192.0.2.1", 3, true),
      known("192.0.2.2", 3), known("192.0.2.3", 3), known("192.0.2.4", 1)};
  order_by_family(&list, Family::kIpv4);
  EXPECT_THAT(texts(list), ElementsAre("192.0.2.4", "192.0.2.2", "192.0.2.3",
                                       "2001:db8::1", "192.0.2.1"));
}

std::vector<std::string> interleaved_texts(const std::vector<Destination>& list,
                                           int count) {
  std::vector<std::string> out;
  for (const IpAddress& one : interleaved(list, count)) {
    out.push_back(one.to_string());
  }
  return out;
}

// RFC 8305 section 4: the families take turns, the first one leads.
TEST(DestinationOrder, FamiliesAlternate) {
  const std::vector<Destination> list = {
      known("2001:db8::1", 0), known("2001:db8::2", 0), known("2001:db8::3", 0),
      known("192.0.2.1", 0), known("192.0.2.2", 0)};
  EXPECT_THAT(interleaved_texts(list, 1),
              ElementsAre("2001:db8::1", "192.0.2.1", "2001:db8::2",
                          "192.0.2.2", "2001:db8::3"));
  EXPECT_THAT(interleaved_texts(list, 2),
              ElementsAre("2001:db8::1", "2001:db8::2", "192.0.2.1",
                          "2001:db8::3", "192.0.2.2"));
  EXPECT_TRUE(interleaved({}, 1).empty());
}

TEST(DestinationOrder, WhatFailedLatelyStaysBehindWhenFamiliesAlternate) {
  const std::vector<Destination> list = {
      known("2001:db8::1", 0), known("2001:db8::2", 0),
      known("192.0.2.1", 0, true), known("2001:db8::3", 0, true)};
  EXPECT_THAT(
      interleaved_texts(list, 1),
      ElementsAre("2001:db8::1", "2001:db8::2", "192.0.2.1", "2001:db8::3"));
}

}  // namespace
}  // namespace happy::race
