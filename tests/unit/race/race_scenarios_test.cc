// Whole races in virtual time, numbered as in docs/race.md: who is tried when,
// and who wins when.
#include <gtest/gtest.h>

#include "tests/unit/race/virtual_world.h"

namespace happy::race {
namespace {

constexpr Duration kH = 10ms;  // a healthy handshake

using Times = std::vector<Duration>;

Begin begin(Endpoints candidates) {
  return {.candidates = std::move(candidates)};
}
Endpoints interleaved(uint8_t each) {
  Endpoints out;
  for (uint8_t n = 1; n <= each; ++n) {
    out.push_back(v6(n));
    out.push_back(v4(n));
  }
  return out;
}

// RFC 8305 section 5: a healthy first attempt is the only one.
TEST(RaceScenario, S01BothHealthyTakesOneSyn) {
  VirtualWorld world{{}};
  world.connects(v6(1), kH);
  world.connects(v4(1), kH);
  world.run(begin({v6(1), v4(1)}));
  EXPECT_EQ(world.winner(), v6(1));
  EXPECT_EQ(world.decided_at(), kH);
  EXPECT_EQ(world.log().size(), 1u);
}

// RFC 8305 section 5: a silent first attempt costs one delay.
TEST(RaceScenario, S02BlackHoleCostsOneDelay) {
  VirtualWorld world{{}};
  world.connects(v4(1), kH);
  world.run(begin({v6(1), v4(1)}));
  EXPECT_EQ(world.winner(), v4(1));
  EXPECT_EQ(world.decided_at(), 250ms + kH);
}

// RFC 8305 section 5: a failure starts the next without waiting.
TEST(RaceScenario, S03ResetGoesOnAtOnce) {
  VirtualWorld world{{}};
  world.fails(v6(1), kH);
  world.connects(v4(1), kH);
  world.run(begin({v6(1), v4(1)}));
  EXPECT_EQ(world.decided_at(), 2 * kH);
}

TEST(RaceScenario, S04S33SynchronousFailureCostsNothing) {
  VirtualWorld world{{}};
  world.fails(v6(1), 0ms);
  world.connects(v4(1), kH);
  world.run(begin({v6(1), v4(1)}));
  EXPECT_EQ(world.times(), (Times{0ms, 0ms}));
  EXPECT_EQ(world.decided_at(), kH);
}

TEST(RaceScenario, S05SlowButInTimeWinsAlone) {
  VirtualWorld world{{}};
  world.connects(v6(1), 200ms);
  world.connects(v4(1), 1ms);
  world.run(begin({v6(1), v4(1)}));
  EXPECT_EQ(world.winner(), v6(1));
  EXPECT_EQ(world.log().size(), 1u);
}

TEST(RaceScenario, S06FasterSecondOvertakes) {
  VirtualWorld world{{}};
  world.connects(v6(1), 400ms);
  world.connects(v4(1), 10ms);
  world.run(begin({v6(1), v4(1)}));
  EXPECT_EQ(world.winner(), v4(1));
  EXPECT_EQ(world.decided_at(), 260ms);
  EXPECT_EQ(world.log()[0].ended, 260ms);
}

// The first attempt goes on after the second has started.
TEST(RaceScenario, S07FirstMayStillWin) {
  VirtualWorld world{{}};
  world.connects(v6(1), 300ms);
  world.connects(v4(1), 500ms);
  world.run(begin({v6(1), v4(1)}));
  EXPECT_EQ(world.winner(), v6(1));
  EXPECT_EQ(world.decided_at(), 300ms);
  EXPECT_EQ(world.log().size(), 2u);
}

TEST(RaceScenario, S08AllSilentEndsAtTheConnectTimeout) {
  VirtualWorld world{{.connect_timeout = 2s}};
  world.run(begin({v6(1), v4(1), v6(2)}));
  EXPECT_TRUE(world.timed_out());
  EXPECT_EQ(world.decided_at(), 2s);
  EXPECT_EQ(world.in_flight(), 0);
}

TEST(RaceScenario, S09AllRefusedFailsAtOnce) {
  VirtualWorld world{{}};
  for (const Endpoint& endpoint : interleaved(2)) world.fails(endpoint, 0ms);
  world.run(begin(interleaved(2)));
  EXPECT_TRUE(world.all_failed());
  EXPECT_EQ(world.decided_at(), 0ms);
  EXPECT_EQ(world.log().size(), 4u);
}

// A failure ends its own attempt only: the other has its full time.
TEST(RaceScenario, S10ErrorWaitsForTheLastAttempt) {
  VirtualWorld world{{.attempt_delay = 150ms}};
  world.fails(v6(1), 250ms);
  world.fails(v4(1), 250ms);
  world.run(begin({v6(1), v4(1)}));
  EXPECT_TRUE(world.all_failed());
  EXPECT_EQ(world.decided_at(), 400ms);
}

TEST(RaceScenario, S11FourInFlight) {
  VirtualWorld world{{.attempt_delay = 50ms}};
  for (uint8_t n = 1; n <= 3; ++n) world.fails(v6(n), 400ms);
  world.fails(v4(1), 400ms);
  world.run(begin({v6(1), v6(2), v6(3), v4(1)}));
  EXPECT_EQ(world.decided_at(), 550ms);
  EXPECT_EQ(world.most_in_flight(), 4);
}

TEST(RaceScenario, S12GoodOneLastBehindNineBlackHoles) {
  VirtualWorld world{{}};
  world.connects(v4(5), kH);
  world.run(begin(interleaved(5)));
  EXPECT_EQ(world.decided_at(), 9 * 250ms + kH);
}

TEST(RaceScenario, S13GoodOneLastBehindNineResets) {
  VirtualWorld world{{}};
  for (const Endpoint& endpoint : interleaved(5)) world.fails(endpoint, kH);
  world.connects(v4(5), kH);
  world.run(begin(interleaved(5)));
  EXPECT_EQ(world.decided_at(), 10 * kH);
}

// RFC 8305 section 4: the families are interleaved; start k is at k delays.
TEST(RaceScenario, S14TwentyBlackHolesAlternate) {
  VirtualWorld world{{}};
  Endpoints given;
  for (uint8_t n = 1; n <= 10; ++n) given.push_back(v6(n));
  for (uint8_t n = 1; n <= 10; ++n) given.push_back(v4(n));
  world.run(begin(given), 60s);
  EXPECT_EQ(world.order(), interleaved(10));
  for (size_t k = 0; k < 20; ++k) EXPECT_EQ(world.times()[k], k * 250ms);
}

TEST(RaceScenario, S15LastOfTwentyWinsAndTheRestAreClosed) {
  VirtualWorld world{{}};
  world.connects(v4(10), kH);
  world.run(begin(interleaved(10)));
  EXPECT_EQ(world.decided_at(), 19 * 250ms + kH);
  EXPECT_EQ(world.in_flight(), 0);
}

TEST(RaceScenario, S15SeventhStartsWhenTheFirstOfSixEnds) {
  VirtualWorld world{
      {.attempt_delay = 100ms, .max_in_flight = 6, .attempt_timeout = 1000ms}};
  world.run(begin(interleaved(10)), 60s);
  EXPECT_EQ(world.times()[5], 500ms);
  EXPECT_EQ(world.times()[6], 1000ms);
  EXPECT_EQ(world.log()[0].ended, 1000ms);
  EXPECT_EQ(world.most_in_flight(), 6);
}

TEST(RaceScenario, S16ResetOfTheSecondStartsTheThird) {
  VirtualWorld world{{}};
  world.fails(v4(1), kH);
  world.connects(v6(2), kH);
  world.run(begin({v6(1), v4(1), v6(2)}));
  EXPECT_EQ(world.times(), (Times{0ms, 250ms, 250ms + kH}));
  EXPECT_EQ(world.winner(), v6(2));
}

// RFC 8305 section 3: an AAAA answer within the Resolution Delay leads.
TEST(RaceScenario, S17AaaaWithinTheResolutionDelayLeads) {
  VirtualWorld world{{}};
  world.connects(v6(1), kH);
  world.connects(v4(1), kH);
  world.at(30ms, Resolved{Family::kIpv6, {v6(1)}});
  world.run({.candidates = {v4(1)}, .ipv6_pending = true});
  EXPECT_EQ(world.order(), Endpoints{v6(1)});
  EXPECT_EQ(world.decided_at(), 30ms + kH);
}

TEST(RaceScenario, S17TheOthersAreNotLost) {
  VirtualWorld world{{}};
  world.at(30ms, Resolved{Family::kIpv6, {v6(1), v6(2)}});
  world.run({.candidates = {v4(1), v4(2)}, .ipv6_pending = true}, 5s);
  EXPECT_EQ(world.order(), (Endpoints{v6(1), v4(1), v6(2), v4(2)}));
}

// RFC 8305 section 3: no longer than the Resolution Delay.
TEST(RaceScenario, S18AaaaAfterTheResolutionDelayComesSecond) {
  VirtualWorld world{{}};
  world.at(80ms, Resolved{Family::kIpv6, {v6(1)}});
  world.run({.candidates = {v4(1)}, .ipv6_pending = true}, 5s);
  EXPECT_EQ(world.order(), (Endpoints{v4(1), v6(1)}));
  EXPECT_EQ(world.times(), (Times{50ms, 300ms}));
}

// RFC 8305 section 3: addresses that come in mid-race join it.
TEST(RaceScenario, S19LateAaaaJoinsARaceUnderWay) {
  VirtualWorld world{{}};
  world.connects(v6(1), kH);
  world.at(400ms, Resolved{Family::kIpv6, {v6(1)}});
  world.run({.candidates = {v4(1), v4(2), v4(3)}, .ipv6_pending = true});
  EXPECT_EQ(world.order(), (Endpoints{v4(1), v4(2), v6(1)}));
  EXPECT_EQ(world.times(), (Times{50ms, 300ms, 550ms}));
}

TEST(RaceScenario, S20LateFamilyTakesTheNextTurnThenAlternates) {
  VirtualWorld world{{}};
  Endpoints v4s;
  for (uint8_t n = 1; n <= 8; ++n) v4s.push_back(v4(n));
  world.at(1060ms, Resolved{Family::kIpv6, {v6(1), v6(2)}});
  world.run({.candidates = v4s, .ipv6_pending = true}, 10s);
  EXPECT_EQ(world.order(), (Endpoints{v4(1), v4(2), v4(3), v4(4), v4(5), v6(1),
                                      v4(6), v6(2), v4(7), v4(8)}));
}

TEST(RaceScenario, S21LateADelaysNothing) {
  for (const Duration late : {25ms, 100ms, 100'000ms}) {
    VirtualWorld world{{}};
    world.connects(v6(1), kH);
    world.at(late, Resolved{Family::kIpv4, {v4(1)}});
    world.run({.candidates = {v6(1)}, .ipv4_pending = true});
    EXPECT_EQ(world.times(), Times{0ms});
    EXPECT_EQ(world.decided_at(), kH);
  }
}

TEST(RaceScenario, S22NoErrorWhileAnAnswerMayCome) {
  VirtualWorld world{{}};
  world.fails(v6(1), kH);
  world.connects(v4(1), kH);
  world.at(700ms, Resolved{Family::kIpv4, {v4(1)}});
  world.run({.candidates = {v6(1)}, .ipv4_pending = true});
  EXPECT_FALSE(world.all_failed());
  EXPECT_EQ(world.times(), (Times{0ms, 700ms}));
  EXPECT_EQ(world.winner(), v4(1));
}

// RFC 8305 section 3: a negative AAAA answer ends the wait.
TEST(RaceScenario, S23EmptyAaaaEndsTheWait) {
  VirtualWorld world{{}};
  world.at(5ms, Resolved{Family::kIpv6, {}});
  world.run({.candidates = {v4(1)}, .ipv6_pending = true}, 5s);
  EXPECT_EQ(world.times(), Times{5ms});
}

TEST(RaceScenario, S24AaaaErrorFirstThenA) {
  VirtualWorld world{{}};
  world.connects(v4(1), kH);
  world.at(5ms, Resolved{Family::kIpv6, {}});
  world.at(35ms, Resolved{Family::kIpv4, {v4(1)}});
  world.run({.ipv4_pending = true, .ipv6_pending = true});
  EXPECT_EQ(world.times(), Times{35ms});
  EXPECT_EQ(world.winner(), v4(1));
}

TEST(RaceScenario, S25LateAaaaErrorChangesNothing) {
  VirtualWorld world{{}};
  world.connects(v4(1), 100ms);
  world.at(60ms, Resolved{Family::kIpv6, {}});
  world.run({.candidates = {v4(1)}, .ipv6_pending = true});
  EXPECT_EQ(world.decided_at(), 150ms);
}

TEST(RaceScenario, S26BothAnswersEmptyIsOneFailure) {
  for (const Family first : {Family::kIpv4, Family::kIpv6}) {
    const Family second =
        first == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4;
    VirtualWorld world{{}};
    world.at(5ms, Resolved{first, {}});
    world.at(9ms, Resolved{second, {}});
    world.run({.ipv4_pending = true, .ipv6_pending = true});
    EXPECT_TRUE(world.all_failed());
    EXPECT_EQ(world.decided_at(), 9ms);
  }
}

TEST(RaceScenario, S27SilentResolversEndAtTheConnectTimeout) {
  VirtualWorld world{{.connect_timeout = 5s}};
  world.run({.ipv4_pending = true, .ipv6_pending = true});
  EXPECT_TRUE(world.timed_out());
  EXPECT_EQ(world.decided_at(), 5s);
}

TEST(RaceScenario, S28TimerAndAaaaInOneTickStartOnce) {
  for (const bool tick_first : {true, false}) {
    Race race{Settings{}};
    race.step(Begin{.candidates = {v4(1)}, .ipv6_pending = true}, kT0);
    const Time t = kT0 + 50ms;
    const Event aaaa = Resolved{Family::kIpv6, {v6(1)}};
    Actions all = race.step(tick_first ? Event{Tick{}} : aaaa, t);
    for (const Action& a : race.step(tick_first ? aaaa : Event{Tick{}}, t)) {
      all.push_back(a);
    }
    std::erase_if(
        all, [](const Action& a) { return std::holds_alternative<WakeAt>(a); });
    EXPECT_THAT(all, ElementsAre(start(1, tick_first ? v4(1) : v6(1))));
  }
}

// RFC 8305 section 3: one family asked for, nothing to wait for.
TEST(RaceScenario, S29OneFamilyAloneHasNoResolutionDelay) {
  for (const Endpoint& only : {v4(1), v6(1)}) {
    VirtualWorld world{{}};
    world.connects(only, kH);
    world.run(begin({only}));
    EXPECT_EQ(world.decided_at(), kH);
  }
}

TEST(RaceScenario, S31CallerClosesAndAllIsTornDown) {
  VirtualWorld world{{}};
  world.at(600ms, Abandoned{});
  world.run(begin(interleaved(5)));
  EXPECT_EQ(world.log().size(), 3u);
  EXPECT_EQ(world.in_flight(), 0);
  EXPECT_FALSE(world.all_failed());
}

TEST(RaceScenario, S32DuplicatesGoOnce) {
  VirtualWorld world{{}};
  world.at(10ms, Resolved{Family::kIpv6, {v6(1), v6(2), v6(2)}});
  world.run({.candidates = {v6(1), v4(1), v6(1), v4(1)},
             .ipv6_pending = true,
             .deferred = {v4(1)}},
            5s);
  EXPECT_EQ(world.order(), (Endpoints{v6(1), v4(1), v6(2)}));
}

// RFC 8305 section 5: nobody on ::1, so 127.0.0.1 at once.
TEST(RaceScenario, S35LocalhostOnIpv4OnlyIsReachedAtOnce) {
  VirtualWorld world{{}};
  const Endpoint loopback6{*IpAddress::parse("::1"), 8080};
  const Endpoint loopback4{IpAddress::v4(127, 0, 0, 1), 8080};
  world.fails(loopback6, 50us);
  world.connects(loopback4, 50us);
  world.run(begin({loopback6, loopback4}));
  EXPECT_EQ(world.decided_at(), 100us);
}

// RFC 8305 section 5 leaves open how long one attempt may last: a rule's
// attempt_ms ends it, also where there is nothing else to try.
TEST(RaceScenario, S43OneDeadAddressEndsAtTheRulesAttemptTime) {
  VirtualWorld world{{.attempt_timeout = 5s}};
  Begin one = begin({v4(1)});
  one.first_under_way = true;
  world.run(one);
  EXPECT_TRUE(world.timed_out());
  EXPECT_EQ(world.decided_at(), 5s);
  EXPECT_EQ(world.in_flight(), 0);
}

// A preference for IPv4 (gai.conf, or the rule's families) turns the wait.
TEST(RaceScenario, S36PreferredIpv4LeadsAndIsWaitedFor) {
  VirtualWorld world{{.preferred_family = Family::kIpv4}};
  world.at(30ms, Resolved{Family::kIpv4, {v4(1)}});
  world.run({.candidates = {v6(1)}, .ipv4_pending = true}, 5s);
  EXPECT_EQ(world.order(), (Endpoints{v4(1), v6(1)}));
  EXPECT_EQ(world.times(), (Times{30ms, 280ms}));
}

}  // namespace
}  // namespace happy::race
