// What a race does with what is known of addresses: delays of their own, a
// first address that has failed lately, one to be measured, SYNs sent again,
// and attempts of the caller's own beside the race.
#include <gtest/gtest.h>

#include "tests/unit/race/virtual_world.h"

namespace happy::race {
namespace {

constexpr Duration kH = 10ms;

using Times = std::vector<Duration>;

Begin under_way(Endpoints candidates) {
  return {.candidates = std::move(candidates), .first_under_way = true};
}

// RFC 8305 section 5 lets the delay follow what is known of the round trip.
TEST(RaceHistory, EachAddressIsGivenTheDelayOfItsOwn) {
  VirtualWorld world{{}};
  Begin begin = under_way({v6(1), v4(1), v6(2), v4(2)});
  begin.attempt_delays = {{v6(1).address, 100ms}, {v6(2).address, 700ms}};
  world.run(begin, 5s);
  EXPECT_EQ(world.times(), (Times{0ms, 100ms, 350ms, 1050ms}));
}

TEST(RaceHistory, ADelayIsKnownByTheMappedFormToo) {
  VirtualWorld world{{}};
  Begin begin = under_way({v4(1), v6(1)});
  begin.attempt_delays = {{v4(1).address.mapped(), 100ms}};
  world.run(begin, 5s);
  EXPECT_EQ(world.times(), (Times{0ms, 100ms}));
}

// The caller's own attempt cannot be taken back, but need not be waited for.
TEST(RaceHistory, ADoubtfulFirstIsNotWaitedFor) {
  VirtualWorld world{{}};
  world.connects(v4(1), kH);
  Begin begin = under_way({v6(1), v4(1), v4(2)});
  begin.first_is_doubtful = true;
  world.run(begin);
  EXPECT_EQ(world.times(), (Times{0ms, 0ms}));
  EXPECT_EQ(world.decided_at(), kH);
}

TEST(RaceHistory, TheThirdWaitsForTheSecond) {
  VirtualWorld world{{}};
  Begin begin = under_way({v6(1), v4(1), v4(2)});
  begin.first_is_doubtful = true;
  world.run(begin, 5s);
  EXPECT_EQ(world.times(), (Times{0ms, 0ms, 250ms}));
}

// The recovered address is as good as ever.
TEST(RaceHistory, ADoubtfulFirstMayWin) {
  VirtualWorld world{{}};
  world.connects(v6(1), kH);
  world.connects(v4(1), 5 * kH);
  Begin begin = under_way({v6(1), v4(1)});
  begin.first_is_doubtful = true;
  world.run(begin);
  EXPECT_EQ(world.winner(), v6(1));
}

TEST(RaceHistory, NothingGoodBesideADoubtfulFirstChangesNothing) {
  VirtualWorld world{{}};
  Begin begin = under_way({v6(1)});
  begin.deferred = {v4(1)};
  begin.first_is_doubtful = true;
  world.run(begin, 5s);
  EXPECT_EQ(world.times(), (Times{0ms, 250ms}));
}

TEST(RaceHistory, OneInFlightStaysOne) {
  VirtualWorld world{{.max_in_flight = 1, .connect_timeout = 3s}};
  Begin begin = under_way({v6(1), v4(1)});
  begin.first_is_doubtful = true;
  world.run(begin);
  EXPECT_EQ(world.most_in_flight(), 1);
}

// Nine dead of ten, the second time: what failed goes last, the good one first.
TEST(RaceHistory, NineKnownToBeDeadCostNothing) {
  VirtualWorld world{{}};
  world.connects(v4(5), kH);
  Begin begin = under_way({v6(1), v4(5)});
  for (uint8_t n = 1; n <= 4; ++n) {
    begin.deferred.push_back(v6(static_cast<uint8_t>(n + 1)));
    begin.deferred.push_back(v4(n));
  }
  begin.first_is_doubtful = true;
  world.run(begin);
  EXPECT_EQ(world.decided_at(), kH);
  EXPECT_EQ(world.log().size(), 2u);
}

// On a network whose round trips are known, nine unknown dead ones cost the
// least delay each.
TEST(RaceHistory, NineDeadOnAKnownNetworkCostTheLeastDelayEach) {
  VirtualWorld world{{.attempt_delay = 100ms}};
  world.connects(v4(5), kH);
  Begin begin = under_way({});
  for (uint8_t n = 1; n <= 5; ++n) {
    begin.candidates.push_back(v6(n));
    begin.candidates.push_back(v4(n));
  }
  world.run(begin);
  EXPECT_EQ(world.decided_at(), 9 * 100ms + kH);
}

TEST(RaceHistory, TheDeferredAlternateAsWell) {
  VirtualWorld world{{}};
  Begin begin = under_way({v6(1), v4(1)});
  begin.deferred = {v6(2), v6(3), v4(2), v4(3)};
  world.run(begin, 5s);
  EXPECT_EQ(world.order(),
            (Endpoints{v6(1), v4(1), v6(2), v4(2), v6(3), v4(3)}));
}

// The nearest address is found by use alone.
TEST(RaceHistory, AnExploredAddressStartsTenMillisecondsLater) {
  VirtualWorld world{{}};
  world.connects(v4(1), 36ms);
  world.connects(v4(2), 8ms);
  Begin begin = under_way({v4(1), v4(3), v4(2)});
  begin.explored = v4(2);
  world.run(begin);
  EXPECT_EQ(world.order(), (Endpoints{v4(1), v4(2)}));
  EXPECT_EQ(world.times(), (Times{0ms, 10ms}));
  EXPECT_EQ(world.winner(), v4(2));
  EXPECT_EQ(world.decided_at(), 18ms);
}

TEST(RaceHistory, ANearFirstLeavesNoTimeForExploration) {
  VirtualWorld world{{}};
  world.connects(v4(1), 9ms);
  Begin begin = under_way({v4(1), v4(2)});
  begin.explored = v4(2);
  world.run(begin);
  EXPECT_EQ(world.log().size(), 1u);
}

TEST(RaceHistory, ExplorationMovesNoOtherStart) {
  VirtualWorld world{{}};
  world.fails(v4(2), 20ms);
  Begin begin = under_way({v4(1), v6(1), v4(2), v4(3)});
  begin.explored = v4(2);
  world.run(begin, 5s);
  EXPECT_EQ(world.order(), (Endpoints{v4(1), v4(2), v6(1), v4(3)}));
  EXPECT_EQ(world.times(), (Times{0ms, 10ms, 250ms, 500ms}));
}

TEST(RaceHistory, AfterTheFirstOneHasFailedNothingIsExplored) {
  VirtualWorld world{{}};
  world.fails(v4(1), 5ms);
  Begin begin = under_way({v4(1), v6(1), v4(2)});
  begin.explored = v4(2);
  world.run(begin, 5s);
  EXPECT_EQ(world.times(), (Times{0ms, 5ms, 255ms}));
}

TEST(RaceHistory, TheExploredOnesFailureHurriesNobodyWhileOthersAreLive) {
  VirtualWorld world{{}};
  world.fails(v4(1), 20ms);
  world.fails(v4(2), 30ms);
  Begin begin = under_way({v4(1), v4(2), v6(1), v6(2)});
  begin.explored = v4(2);
  world.run(begin, 5s);
  EXPECT_EQ(world.order(), (Endpoints{v4(1), v4(2), v6(1), v6(2)}));
  EXPECT_EQ(world.times(), (Times{0ms, 10ms, 20ms, 270ms}));
}

TEST(RaceHistory, WithNobodyElseLiveItGoesOnAtOnce) {
  VirtualWorld world{{}};
  world.fails(v4(1), 20ms);
  world.fails(v4(2), 30ms);
  Begin begin = under_way({v4(1), v4(2)});
  begin.explored = v4(2);
  begin.ipv6_pending = true;
  world.at(100ms, Resolved{Family::kIpv6, {v6(1)}});
  world.run(begin, 5s);
  EXPECT_EQ(world.times(), (Times{0ms, 10ms, 100ms}));
}

// A SYN sent again is as good as a delay that has passed.
TEST(RaceHistory, ARetransmittedSynStartsTheNextEarly) {
  VirtualWorld world{{.attempt_delay = 2s}};
  world.retransmits(v6(1), 1004ms);
  world.connects(v4(1), kH);
  world.run(under_way({v6(1), v4(1)}));
  EXPECT_EQ(world.times(), (Times{0ms, 1100ms}));
  EXPECT_EQ(world.looks(), 2);
}

TEST(RaceHistory, ALostAnswerAloneChangesNothing) {
  VirtualWorld world{{.attempt_delay = 2s}};
  world.run(under_way({v6(1), v4(1)}), 10s);
  EXPECT_EQ(world.times(), (Times{0ms, 2s}));
  EXPECT_EQ(world.looks(), 10);
}

// Looking costs a wake-up: only where it could bring something forward.
TEST(RaceHistory, NobodyLooksWhereTheNextStartsSoonOrNothingWaits) {
  VirtualWorld soon{{}};
  soon.run(under_way({v6(1), v4(1)}), 10s);
  EXPECT_EQ(soon.looks(), 0);
  VirtualWorld alone{{.attempt_delay = 2s}};
  alone.run(under_way({v6(1)}), 10s);
  EXPECT_EQ(alone.looks(), 0);
}

TEST(RaceHistory, ARetransmissionLeavesAnAttemptAHundredMilliseconds) {
  Race race{Settings{.attempt_delay = 2s}};
  race.step(under_way({v6(1), v4(1)}), kT0);
  EXPECT_THAT(race.step(retransmitted(1), kT0 + 30ms),
              ElementsAre(wake(kT0 + 100ms)));
  EXPECT_THAT(race.step(Tick{}, kT0 + 100ms), ElementsAre(start(2, v4(1))));
}

TEST(RaceHistory, ARetransmissionOfAnEarlierAttemptSaysNothingNew) {
  Race race{Settings{.attempt_delay = 2s}};
  race.step(under_way({v6(1), v4(1), v6(2)}), kT0);
  race.step(Tick{}, kT0 + 2s);
  EXPECT_THAT(race.step(retransmitted(1), kT0 + 2100ms),
              ElementsAre(wake(kT0 + 3s)));
}

// The caller races by itself: the address it has just named on another socket
// is not asked twice at the same time.
TEST(RaceHistory, WhatTheCallerTriesItselfGoesLast) {
  VirtualWorld world{{}};
  world.at(200ms, Deferred{v4(1)});
  world.run(under_way({v6(1), v4(1), v4(2)}), 5s);
  EXPECT_EQ(world.order(), (Endpoints{v6(1), v4(2), v4(1)}));
  EXPECT_EQ(world.times(), (Times{0ms, 250ms, 500ms}));
}

TEST(RaceHistory, AndIsGivenItsDelayWhereNothingElseIsLeft) {
  VirtualWorld world{{}};
  world.at(200ms, Deferred{v4(1)});
  world.run(under_way({v6(1), v4(1)}), 5s);
  EXPECT_EQ(world.times(), (Times{0ms, 450ms}));
}

TEST(RaceHistory, WhatIsUnderWayAlreadyGoesOn) {
  VirtualWorld world{{}};
  world.at(300ms, Deferred{v4(1)});
  world.connects(v4(1), 100ms);
  world.run(under_way({v6(1), v4(1)}), 5s);
  EXPECT_EQ(world.decided_at(), 350ms);
}

// All ports of an address, in the rule's order, before the next address.
TEST(RaceHistory, PortsGoAddressByAddress) {
  const auto with_port = [](Endpoint endpoint, uint16_t port) {
    endpoint.port = port;
    return endpoint;
  };
  Endpoints given;
  for (const Endpoint& one : {v6(1), v6(2), v4(1)}) {
    for (const uint16_t port : {465, 587}) {
      given.push_back(with_port(one, port));
    }
  }
  VirtualWorld world{{}};
  world.run(under_way(given), 10s);
  EXPECT_EQ(world.order(), (Endpoints{given[0], given[1], given[4], given[5],
                                      given[2], given[3]}));
}

}  // namespace
}  // namespace happy::race
