#include "core/state/name_memory.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace happy::state {
namespace {

using namespace std::chrono_literals;

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Time kT0{Duration{1'000'000'000}};
constexpr ThreadId kMe = 100;
constexpr ThreadId kOther = 200;
constexpr Families kBoth{};
constexpr Families kOnlyV4{.ipv4 = true, .ipv6 = false};
constexpr Families kOnlyV6{.ipv4 = false, .ipv6 = true};

using Addresses = std::vector<IpAddress>;

IpAddress v4(uint8_t n) { return IpAddress::v4(192, 0, 2, n); }
IpAddress v6(uint8_t n) {
  IpAddress address = *IpAddress::parse("2001:db8::");
  address.bytes[15] = n;
  return address;
}
Endpoint at(const IpAddress& address, uint16_t port = 443) {
  return {address, port};
}

class NameMemoryTest : public testing::Test {
 protected:
  LookupId remember(std::string_view name, const Addresses& addresses,
                    Families families = kBoth, ThreadId thread = kMe,
                    size_t rule = 0) {
    return memory_.remember(name, rule, families, addresses, thread, now_);
  }
  std::optional<Candidates> ask(const IpAddress& address, ThreadId thread = kMe,
                                Families usable = kBoth, uint16_t port = 443) {
    return memory_.candidates_for(at(address, port), usable, thread, now_);
  }

  NameMemory memory_;
  Time now_ = kT0;
};

TEST_F(NameMemoryTest, KnowsTheOtherAddressesInTheirOrder) {
  remember("a.example", {v6(1), v4(1), v6(2)}, kBoth, kMe, 3);
  const auto found = ask(v4(1));
  ASSERT_TRUE(found);
  EXPECT_THAT(found->addresses, ElementsAre(v6(1), v6(2)));
  EXPECT_EQ(found->rule, 3u);
  EXPECT_EQ(found->name, "a.example");
  EXPECT_TRUE(found->name_known());
  EXPECT_EQ(found->fail_with, 0);
}

TEST_F(NameMemoryTest, AnAddressThatNobodyLookedUpIsNobodys) {
  remember("a.example", {v4(1)});
  EXPECT_FALSE(ask(v4(9)));
}

// A single address still has its rule, whose time-outs count.
TEST_F(NameMemoryTest, OneAddressHasNoCandidatesButARule) {
  remember("a.example", {v4(1)}, kBoth, kMe, 2);
  const auto found = ask(v4(1));
  ASSERT_TRUE(found);
  EXPECT_THAT(found->addresses, IsEmpty());
  EXPECT_EQ(found->rule, 2u);
}

TEST_F(NameMemoryTest, NamesAreTheSameInAnyCaseAndWithAFinalDot) {
  const LookupId id = remember("a.example", {v4(1)});
  EXPECT_EQ(remember("A.EXAMPLE.", {v4(1), v4(2)}), id);
  EXPECT_THAT(ask(v4(1))->addresses, ElementsAre(v4(2)));
}

// `curl -6` never gets IPv4, whatever else the answer held.
TEST_F(NameMemoryTest, OnlyFamiliesThatTheHintsAllowed) {
  remember("a.example", {v6(1), v4(1), v6(2)}, kOnlyV6);
  EXPECT_THAT(ask(v6(1))->addresses, ElementsAre(v6(2)));
  EXPECT_FALSE(ask(v4(1)));
}

TEST_F(NameMemoryTest, OnlyFamiliesThatTheSocketCanUse) {
  remember("a.example", {v6(1), v4(1), v4(2)});
  EXPECT_THAT(ask(v4(1), kMe, kOnlyV4)->addresses, ElementsAre(v4(2)));
}

TEST_F(NameMemoryTest, NarrowAndWideLookupsOfOneNameAreApart) {
  remember("a.example", {v6(1), v4(1), v6(2)}, kBoth, kOther);
  remember("a.example", {v6(1), v6(2)}, kOnlyV6, kMe);
  EXPECT_THAT(ask(v6(1), kMe)->addresses, ElementsAre(v6(2)));
  EXPECT_THAT(ask(v6(1), kOther)->addresses, ElementsAre(v4(1), v6(2)));
  const auto unknown = ask(v6(1), 300);
  EXPECT_THAT(unknown->addresses, ElementsAre(v6(2))) << "what both allowed";
  EXPECT_EQ(unknown->name, "a.example");
}

TEST_F(NameMemoryTest, MappedDestinationIsItsIpv4Address) {
  remember("a.example", {v4(1), v4(2)});
  EXPECT_THAT(ask(v4(1).mapped())->addresses, ElementsAre(v4(2)));
  remember("b.example", {v4(5).mapped(), v4(6)});
  EXPECT_THAT(ask(v4(5))->addresses, ElementsAre(v4(6)));
}

TEST_F(NameMemoryTest, LatestLookupOfThisThreadDecidesOnASharedAddress) {
  remember("a.example", {v4(1), v4(2)});
  remember("b.example", {v4(1), v4(3)}, kBoth, kOther);
  EXPECT_THAT(ask(v4(1), kMe)->addresses, ElementsAre(v4(2)));
  EXPECT_EQ(ask(v4(1), kOther)->name, "b.example");
  remember("b.example", {v4(1), v4(3)}, kBoth, kMe);
  EXPECT_THAT(ask(v4(1), kMe)->addresses, ElementsAre(v4(3)));
}

TEST_F(NameMemoryTest, LaterLookupsWithoutTheAddressDecideNothing) {
  remember("a.example", {v4(1), v4(2)});
  remember("b.example", {v4(1), v4(3)}, kBoth, kOther);
  remember("c.example", {v4(7), v4(8)});
  EXPECT_EQ(ask(v4(1), kMe)->name, "a.example");
}

// Racing an address of the wrong name only would reach the wrong site.
TEST_F(NameMemoryTest, WithoutEvidenceOnlyWhatAllNamesShareRaces) {
  remember("a.example", {v4(1), v4(2), v4(5)}, kBoth, kOther);
  remember("b.example", {v4(5), v4(1), v4(3)}, kBoth, kOther);
  const auto found = ask(v4(1), kMe);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->addresses, ElementsAre(v4(5)));
  EXPECT_FALSE(found->name_known());
  EXPECT_EQ(found->rule, 0u);
  EXPECT_EQ(found->lookups.size(), 2u);
}

TEST_F(NameMemoryTest, WithoutEvidenceDifferentRulesAreNoRule) {
  remember("a.example", {v4(1), v4(2)}, kBoth, kOther, 0);
  remember("b.example", {v4(1), v4(2)}, kBoth, kOther, 1);
  EXPECT_EQ(ask(v4(1), kMe)->rule, std::nullopt);
}

// Threads' ids are used again by other threads.
TEST_F(NameMemoryTest, EvidenceGrowsOldTheAssociationDoesNot) {
  remember("a.example", {v4(1), v4(2)});
  now_ += 1h;
  remember("b.example", {v4(1), v4(3)}, kBoth, kOther);
  EXPECT_FALSE(ask(v4(1), kMe)->name_known());
  EXPECT_THAT(ask(v4(2), kMe)->addresses, ElementsAre(v4(1)));
}

TEST_F(NameMemoryTest, AssociationOutlivesAnyTtl) {
  remember("a.example", {v4(1), v4(2)});
  now_ += 24h * 30;
  EXPECT_THAT(ask(v4(1))->addresses, ElementsAre(v4(2)));
}

TEST_F(NameMemoryTest, RefreshReplacesButOldAddressesStillLeadToTheName) {
  remember("a.example", {v4(1), v4(2)});
  memory_.refresh("a.example", kBoth, Addresses{v4(2), v4(3)});
  EXPECT_THAT(ask(v4(2))->addresses, ElementsAre(v4(3)));
  EXPECT_THAT(ask(v4(1))->addresses, ElementsAre(v4(2), v4(3)));
  memory_.refresh("never.example", kBoth, Addresses{v4(9)});
  EXPECT_FALSE(ask(v4(9)));
}

TEST_F(NameMemoryTest, LateFamilyJoins) {
  remember("a.example", {v4(1), v4(2)});
  memory_.join("a.example", kBoth, Addresses{v6(1), v4(2)});
  EXPECT_THAT(ask(v4(1))->addresses, ElementsAre(v4(2), v6(1)));
  memory_.join("a.example", kOnlyV4, Addresses{v4(9)});
  EXPECT_FALSE(ask(v4(9))) << "no such look-up";
}

TEST_F(NameMemoryTest, CallerThatWalksTheListGetsEachErrnoOnce) {
  remember("a.example", {v4(1), v4(2), v4(3)});
  const auto plan = ask(v4(1));
  const std::vector<NameMemory::Failure> failures = {
      {at(v4(1)), 0}, {at(v4(2)), ECONNREFUSED}, {at(v4(3)), EHOSTUNREACH}};
  memory_.race_failed(plan->lookups, at(v4(1)), failures, now_);
  EXPECT_EQ(ask(v4(2))->fail_with, ECONNREFUSED);
  EXPECT_EQ(ask(v4(3))->fail_with, EHOSTUNREACH);
  EXPECT_EQ(ask(v4(2))->fail_with, 0) << "a retry is raced afresh";
  EXPECT_EQ(ask(v4(1))->fail_with, 0) << "the destination is raced afresh";
}

TEST_F(NameMemoryTest, FailuresAreOfTheirPortAndTwoSeconds) {
  remember("a.example", {v4(1), v4(2), v4(3)});
  const auto plan = ask(v4(1));
  const std::vector<NameMemory::Failure> failures = {{at(v4(2)), ECONNREFUSED},
                                                     {at(v4(3)), ECONNREFUSED}};
  memory_.race_failed(plan->lookups, at(v4(1)), failures, now_);
  EXPECT_EQ(ask(v4(2), kMe, kBoth, 80)->fail_with, 0);
  now_ += 1999'999us;
  EXPECT_EQ(ask(v4(2))->fail_with, ECONNREFUSED);
  now_ += Duration{1};
  EXPECT_EQ(ask(v4(3))->fail_with, 0);
}

TEST_F(NameMemoryTest, UnknownErrnoIsNotUsed) {
  remember("a.example", {v4(1), v4(2)});
  const std::vector<NameMemory::Failure> failures = {{at(v4(2)), 0}};
  memory_.race_failed(ask(v4(1))->lookups, at(v4(1)), failures, now_);
  EXPECT_EQ(ask(v4(2))->fail_with, 0);
}

TEST_F(NameMemoryTest, ANewLookupForgetsFailures) {
  remember("a.example", {v4(1), v4(2)});
  const std::vector<NameMemory::Failure> failures = {{at(v4(2)), ECONNREFUSED}};
  memory_.race_failed(ask(v4(1))->lookups, at(v4(1)), failures, now_);
  remember("a.example", {v4(1), v4(2)});
  EXPECT_EQ(ask(v4(2))->fail_with, 0);
}

TEST_F(NameMemoryTest, FailuresOfAnotherNameAreNotTaken) {
  remember("a.example", {v4(1), v4(2)}, kBoth, kMe);
  remember("b.example", {v4(1), v4(2)}, kBoth, kOther);
  const std::vector<NameMemory::Failure> failures = {{at(v4(2)), ECONNREFUSED}};
  memory_.race_failed(ask(v4(1), kMe)->lookups, at(v4(1)), failures, now_);
  EXPECT_EQ(ask(v4(2), kOther)->fail_with, 0);
  EXPECT_EQ(ask(v4(2), 300)->fail_with, 0);
  EXPECT_EQ(ask(v4(2), kMe)->fail_with, ECONNREFUSED);
}

TEST_F(NameMemoryTest, AddressesUnderWayGoLastWhileTheyAre) {
  remember("a.example", {v6(1), v4(1), v6(2), v4(2)});
  const auto lookups = ask(v6(1))->lookups;
  memory_.attempt_started(lookups, at(v4(1)));
  memory_.attempt_started(lookups, at(v4(1).mapped()));
  auto found = ask(v6(1));
  EXPECT_THAT(found->addresses, ElementsAre(v6(2), v4(2)));
  EXPECT_THAT(found->deferred, ElementsAre(v4(1)));
  EXPECT_THAT(ask(v6(1), kMe, kBoth, 80)->deferred, IsEmpty());
  memory_.attempt_ended(lookups, at(v4(1)));
  EXPECT_THAT(ask(v6(1))->deferred, ElementsAre(v4(1))) << "one of two goes on";
  memory_.attempt_ended(lookups, at(v4(1)));
  memory_.attempt_ended(lookups, at(v4(1)));
  found = ask(v6(1));
  EXPECT_THAT(found->deferred, IsEmpty());
  EXPECT_EQ(found->addresses.size(), 3u);
}

TEST_F(NameMemoryTest, ALookUpIsRacedFromTheFirstBeginToTheLastEnd) {
  const auto one = remember("one.example", {v4(1)});
  const auto two = remember("two.example", {v4(2)});
  memory_.race_begun({one});
  memory_.race_begun({one, two});
  memory_.race_over({one});
  EXPECT_TRUE(memory_.is_raced({one}));
  memory_.race_over({one, two});
  EXPECT_FALSE(memory_.is_raced({one, two}));
  memory_.race_begun({two});
  EXPECT_TRUE(memory_.is_raced({one, two}));
  memory_.after_fork(kMe, kOther);  // races are the parent's
  EXPECT_FALSE(memory_.is_raced({two}));
}

TEST_F(NameMemoryTest, ForkedThreadKeepsItsEvidenceUnderItsNewId) {
  remember("a.example", {v4(1), v4(2)});
  remember("b.example", {v4(1), v4(3)}, kBoth, kOther);
  memory_.attempt_started(ask(v4(1))->lookups, at(v4(2)));
  memory_.after_fork(kMe, 900);
  const auto found = ask(v4(1), 900);
  EXPECT_THAT(found->addresses, ElementsAre(v4(2)));
  EXPECT_THAT(found->deferred, IsEmpty());
  EXPECT_FALSE(ask(v4(1), kOther)->name_known());
}

TEST(NameMemoryLimits, LeastRecentlyUsedNameGoes) {
  NameMemory memory{{.lookups = 3}};
  const auto add = [&](const std::string& name, uint8_t n) {
    memory.remember(name, 0, kBoth, Addresses{v4(n)}, kMe, kT0);
  };
  const auto knows = [&](uint8_t n) {
    return memory.candidates_for(at(v4(n)), kBoth, kMe, kT0).has_value();
  };
  add("a", 1);
  add("b", 2);
  add("c", 3);
  EXPECT_TRUE(knows(1));
  add("d", 4);
  EXPECT_EQ(memory.size(), 3u);
  EXPECT_FALSE(knows(2));
  EXPECT_TRUE(knows(1) && knows(3) && knows(4));
}

TEST(NameMemoryLimits, AddressesThreadsAndEvidenceAreBounded) {
  NameMemory memory{
      {.addresses_per_lookup = 4, .threads = 2, .lookups_per_thread = 1}};
  memory.remember("a", 0, kBoth, Addresses{v4(1), v4(2), v4(3), v4(4), v4(5)},
                  1, kT0);
  EXPECT_FALSE(memory.candidates_for(at(v4(5)), kBoth, 1, kT0));
  memory.remember("a", 0, kBoth, Addresses{v4(6), v4(7)}, 1, kT0);
  EXPECT_FALSE(memory.candidates_for(at(v4(1)), kBoth, 1, kT0))
      << "the oldest former address goes first";
  EXPECT_TRUE(memory.candidates_for(at(v4(4)), kBoth, 1, kT0));
  memory.remember("b", 0, kBoth, Addresses{v4(6), v4(8)}, 1, kT0);
  EXPECT_EQ(memory.candidates_for(at(v4(6)), kBoth, 1, kT0)->name, "b");
  EXPECT_TRUE(memory.candidates_for(at(v4(7)), kBoth, 1, kT0)->name_known());
  memory.remember("a", 0, kBoth, Addresses{v4(6), v4(7)}, 2, kT0);
  memory.remember("a", 0, kBoth, Addresses{v4(6), v4(7)}, 3, kT0);
  EXPECT_FALSE(memory.candidates_for(at(v4(6)), kBoth, 1, kT0)->name_known())
      << "thread 1 was used least recently";
}

// What HTTPS records lead to.
class Alternatives : public NameMemoryTest {
 protected:
  std::vector<Endpoint> of(const IpAddress& address, Families usable = kBoth) {
    const auto found = ask(address, kMe, usable);
    EXPECT_TRUE(found);
    return found ? found->alternatives : std::vector<Endpoint>{};
  }
};

TEST_F(Alternatives, ComeBesideTheAddresses) {
  const LookupId id = remember("a.example", {v4(1), v4(2)});
  memory_.set_alternatives(id, {at(v4(9), 8443), at(v6(9))});
  EXPECT_THAT(of(v4(1)), ElementsAre(at(v4(9), 8443), at(v6(9))));
  EXPECT_THAT(of(v4(1), kOnlyV4), ElementsAre(at(v4(9), 8443)));
  EXPECT_THAT(ask(v4(1))->addresses, ElementsAre(v4(2)));
}

TEST_F(Alternatives, WhatTheAddressesHaveAlreadyIsLeftOut) {
  const LookupId id = remember("a.example", {v4(1), v4(2)});
  memory_.set_alternatives(
      id, {at(v4(1)), at(v4(2)), at(v4(2), 8443), at(v4(9)), at(v4(9))});
  EXPECT_THAT(of(v4(1)), ElementsAre(at(v4(2), 8443), at(v4(9))));
}

TEST_F(Alternatives, TheNewTakeThePlaceOfTheOld) {
  const LookupId id = remember("a.example", {v4(1)});
  memory_.set_alternatives(id, {at(v4(8))});
  memory_.set_alternatives(id, {at(v4(9))});
  EXPECT_THAT(of(v4(1)), ElementsAre(at(v4(9))));
  remember("a.example", {v4(1)});
  EXPECT_THAT(of(v4(1)), IsEmpty());
}

TEST_F(Alternatives, WhatAnotherRaceTriesGoesLast) {
  const LookupId id = remember("a.example", {v4(1)});
  memory_.set_alternatives(id, {at(v4(8)), at(v4(9))});
  memory_.attempt_started({id}, at(v4(8)));
  EXPECT_THAT(of(v4(1)), ElementsAre(at(v4(9))));
  EXPECT_THAT(ask(v4(1))->deferred_alternatives, ElementsAre(at(v4(8))));
}

// The program has never been told of it, so a connect() to it means whoever
// else has that address.
TEST_F(Alternatives, NobodyIsKnownByThem) {
  const LookupId id = remember("a.example", {v4(1)});
  memory_.set_alternatives(id, {at(v4(9))});
  EXPECT_FALSE(ask(v4(9)));
  remember("b.example", {v4(9), v4(2)}, kBoth, kOther);
  EXPECT_EQ(ask(v4(9))->name, "b.example");
}

TEST_F(Alternatives, OfSeveralNamesInQuestionHaveNoPlace) {
  const LookupId id = remember("a.example", {v4(1)}, kBoth, kOther);
  remember("b.example", {v4(1)}, kBoth, kOther);
  memory_.set_alternatives(id, {at(v4(9))});
  EXPECT_THAT(of(v4(1)), IsEmpty());
}

// A question about such an address, which getpeername() tells, tells of the
// name: also once it has gone.
TEST_F(Alternatives, AreTheRulesAddressesToo) {
  const LookupId id = remember("a.example", {v4(1)}, kBoth, kMe, 7);
  memory_.set_alternatives(id, {at(v4(9), 8443)});
  memory_.set_alternatives(id, {});
  EXPECT_THAT(memory_.rules_of(v4(9)), ElementsAre(7u));
  EXPECT_THAT(memory_.rules_of(v4(9).mapped()), ElementsAre(7u));
  EXPECT_THAT(memory_.rules_of(v4(8)), IsEmpty());
}

TEST_F(Alternatives, AreBounded) {
  const LookupId id = remember("a.example", {v4(1)});
  std::vector<Endpoint> many;
  for (uint16_t port = 1; port <= 1000; ++port) many.push_back(at(v4(9), port));
  memory_.set_alternatives(id, many);
  EXPECT_EQ(of(v4(1)).size(), NameMemory::Limits().addresses_per_lookup);
}

}  // namespace
}  // namespace happy::state
