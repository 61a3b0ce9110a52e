// The race step by step: exactly which actions each event gives.
#include "core/race/race.h"

#include <gtest/gtest.h>

#include "tests/unit/race/race_test_support.h"

namespace happy::race {
namespace {

using testing::Contains;

Begin begin(Endpoints candidates) {
  return {.candidates = std::move(candidates)};
}

// RFC 8305 section 5: the first attempt leaves at once, the second after the
// Connection Attempt Delay.
TEST(Race, StartsTheFirstAndWaitsTheDelayForTheSecond) {
  Race race{Settings{}};
  EXPECT_THAT(race.step(begin({v6(1), v4(1)}), kT0),
              ElementsAre(start(1, v6(1)), wake(kT0 + 250ms)));
  EXPECT_THAT(race.step(Tick{}, kT0 + 250ms), ElementsAre(start(2, v4(1))));
}

// RFC 8305 section 5: when one fails, the next starts at once.
TEST(Race, FailureSkipsTheAttemptDelay) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1), v4(2)}), kT0);
  EXPECT_THAT(race.step(failed(1), kT0 + 41ms),
              ElementsAre(start(2, v4(1)), wake(kT0 + 291ms)));
}

// RFC 8305 section 5: once a connection stands, all others are cancelled.
TEST(Race, WinnerCancelsTheOthers) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1), v6(2)}), kT0);
  race.step(Tick{}, kT0 + 250ms);
  race.step(Tick{}, kT0 + 500ms);
  EXPECT_THAT(race.step(connected(2), kT0 + 501ms),
              ElementsAre(won(2), cancel(1), cancel(3)));
  EXPECT_TRUE(race.done());
}

TEST(Race, SecondSuccessIsCancelledNotLeaked) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1)}), kT0);
  race.step(Tick{}, kT0 + 250ms);
  race.step(connected(1), kT0 + 260ms);
  EXPECT_THAT(race.step(connected(2), kT0 + 260ms), ElementsAre(cancel(2)));
}

TEST(Race, SuccessOfAnAttemptThatTimedOutIsCancelledAgain) {
  Race race{Settings{.attempt_timeout = 100ms}};
  race.step(begin({v6(1), v4(1)}), kT0);
  race.step(Tick{}, kT0 + 100ms);
  EXPECT_THAT(race.step(connected(1), kT0 + 100ms),
              ElementsAre(cancel(1), wake(kT0 + 200ms)));
  EXPECT_FALSE(race.done());
}

TEST(Race, EarlyTickOnlyArmsAgain) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1)}), kT0);
  EXPECT_THAT(race.step(Tick{}, kT0 + 249ms), ElementsAre(wake(kT0 + 250ms)));
}

// However late the timer: the delay counts from the last start.
TEST(Race, LateTickStartsOneAttemptOnly) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1), v6(2), v4(2)}), kT0);
  EXPECT_THAT(race.step(Tick{}, kT0 + 900ms),
              ElementsAre(start(2, v4(1)), wake(kT0 + 1150ms)));
}

// An attempt lives on while later ones start: only its own failure, its own
// time-out or the end of the race ends it.
TEST(Race, NextStartDoesNotEndThePrevious) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1)}), kT0);
  race.step(Tick{}, kT0 + 250ms);
  EXPECT_THAT(race.step(connected(1), kT0 + 300ms),
              ElementsAre(won(1), cancel(2)));
}

TEST(Race, AllFailedIsSaidOnce) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1)}), kT0);
  race.step(failed(1), kT0 + 1ms);
  EXPECT_THAT(race.step(failed(2), kT0 + 2ms), ElementsAre(AllFailed{}));
  EXPECT_THAT(race.step(failed(2), kT0 + 3ms), IsEmpty());
  EXPECT_THAT(race.step(Tick{}, kT0 + 3s), IsEmpty());
}

TEST(Race, NoCandidateAndNonePendingFailsAtOnce) {
  Race race{Settings{}};
  EXPECT_THAT(race.step(Begin{}, kT0), ElementsAre(AllFailed{}));
}

// Timers have milliseconds, and the host's threads; RFC 8305 has a delay.
TEST(Race, WhatTheTimerIsLateDoesNotAddUp) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1), v6(2), v4(2), v6(3)}), kT0);
  EXPECT_THAT(race.step(Tick{}, kT0 + 252ms),
              Contains(Action{wake(kT0 + 500ms)}));
  EXPECT_THAT(race.step(Tick{}, kT0 + 501ms),
              Contains(Action{wake(kT0 + 750ms)}));
  EXPECT_THAT(race.step(Tick{}, kT0 + 755ms),
              Contains(Action{wake(kT0 + 1005ms)}));
}

TEST(Race, AbandonCancelsWhatIsLive) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1), v4(2)}), kT0);
  race.step(failed(1), kT0 + 1ms);
  race.step(Tick{}, kT0 + 251ms);
  EXPECT_THAT(race.step(Abandoned{}, kT0 + 260ms),
              ElementsAre(cancel(2), cancel(3)));
  EXPECT_THAT(race.step(Abandoned{}, kT0 + 261ms), IsEmpty());
  EXPECT_TRUE(race.done());
}

TEST(Race, UnknownAndRepeatedEventsChangeNothing) {
  Race race{Settings{}};
  EXPECT_THAT(race.step(Tick{}, kT0), IsEmpty());
  EXPECT_THAT(race.step(Resolved{Family::kIpv6, {v6(9)}}, kT0), IsEmpty());
  race.step(begin({v6(1), v4(1), v6(2)}), kT0);
  const Actions armed = {wake(kT0 + 250ms)};
  for (const Event& event :
       {Event{begin({v4(7)})}, connected(0), connected(2), failed(0), failed(9),
        Event{Withdrawn{{v4(9)}}}, Event{Tick{}}}) {
    EXPECT_EQ(race.step(event, kT0 + 10ms), armed);
  }
  race.step(failed(1), kT0 + 20ms);
  EXPECT_THAT(race.step(failed(1), kT0 + 21ms), ElementsAre(wake(kT0 + 270ms)));
  EXPECT_THAT(race.step(connected(1), kT0 + 21ms),
              ElementsAre(wake(kT0 + 270ms)));
}

// RFC 8305 section 4: First Address Family Count of the first family, then
// the families in turn.
TEST(Race, FirstFamilyCountPutsThatManyInFront) {
  Race race{Settings{.first_family_count = 2}};
  Actions all =
      race.step(begin({v6(1), v6(2), v6(3), v6(4), v4(1), v4(2)}), kT0);
  for (uint32_t id = 1; id <= 6; ++id) {
    for (const Action& a : race.step(failed(id), kT0 + id * 1ms)) {
      if (std::holds_alternative<StartAttempt>(a)) all.push_back(a);
    }
  }
  std::erase_if(
      all, [](const Action& a) { return std::holds_alternative<WakeAt>(a); });
  EXPECT_THAT(all,
              ElementsAre(start(1, v6(1)), start(2, v6(2)), start(3, v4(1)),
                          start(4, v6(3)), start(5, v4(2)), start(6, v6(4))));
}

// What the caller named goes first, whatever the preferred family.
TEST(Race, FirstCandidateLeadsWhateverItsFamily) {
  Race race{Settings{}};
  EXPECT_THAT(race.step(begin({v4(1), v6(1), v4(2)}), kT0),
              ElementsAre(start(1, v4(1)), wake(kT0 + 250ms)));
  EXPECT_THAT(race.step(failed(1), kT0),
              ElementsAre(start(2, v6(1)), wake(kT0 + 250ms)));
}

TEST(Race, AttemptUnderWayDoesNotWaitForTheOtherFamily) {
  Race race{Settings{}};
  EXPECT_THAT(race.step(Begin{.candidates = {v4(1)},
                              .ipv6_pending = true,
                              .first_under_way = true},
                        kT0),
              ElementsAre(start(1, v4(1))));
}

TEST(Race, DeferredGoAfterAllOthersInTheirOwnOrder) {
  Race race{Settings{}};
  race.step(Begin{.candidates = {v4(1), v4(2)}, .deferred = {v6(2), v6(1)}},
            kT0);
  EXPECT_THAT(race.step(failed(1), kT0),
              ElementsAre(start(2, v4(2)), wake(kT0 + 250ms)));
  EXPECT_THAT(race.step(failed(2), kT0),
              ElementsAre(start(3, v6(2)), wake(kT0 + 250ms)));
  EXPECT_THAT(race.step(failed(3), kT0), ElementsAre(start(4, v6(1))));
}

TEST(Race, WithdrawnIsNotStarted) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1), v6(2)}), kT0);
  EXPECT_THAT(race.step(Withdrawn{{v4(1), v6(1)}}, kT0 + 1ms),
              ElementsAre(wake(kT0 + 250ms)))
      << "the attempt under way goes on";
  EXPECT_THAT(race.step(Tick{}, kT0 + 250ms), ElementsAre(start(2, v6(2))));
}

TEST(Race, WithdrawalOfTheLastCandidateEndsADeadRace) {
  Race race{Settings{.max_in_flight = 1}};
  race.step(Begin{.candidates = {v6(1)}, .ipv4_pending = true}, kT0);
  race.step(failed(1), kT0 + 1ms);
  EXPECT_THAT(race.step(Resolved{Family::kIpv4, {}}, kT0 + 2ms),
              ElementsAre(AllFailed{}));
}

TEST(Race, WithdrawnMayComeBackButIsNeverStartedTwice) {
  Race race{Settings{}};
  race.step(begin({v6(1), v4(1)}), kT0);
  race.step(Withdrawn{{v4(1), v6(1)}}, kT0);
  EXPECT_THAT(race.step(Resolved{Family::kIpv4, {v4(1), v6(1)}}, kT0),
              ElementsAre(wake(kT0 + 250ms)));
  EXPECT_THAT(race.step(Tick{}, kT0 + 250ms), ElementsAre(start(2, v4(1))));
}

// A deadline with nothing left to wait for would be a timer in the past.
TEST(Race, WithdrawalDuringTheResolutionDelayDisarmsIt) {
  Race race{Settings{}};
  race.step(Begin{.candidates = {v4(1)}, .ipv6_pending = true}, kT0);
  EXPECT_THAT(race.step(Withdrawn{{v4(1)}}, kT0 + 10ms), IsEmpty());
  EXPECT_THAT(race.step(Tick{}, kT0 + 60ms), IsEmpty());
}

// The mapped form is the same destination (RFC 4291 section 2.5.5.2).
TEST(Race, MappedFormIsADuplicate) {
  Race race{Settings{}};
  Endpoint mapped = v4(1);
  mapped.address = mapped.address.mapped();
  EXPECT_THAT(race.step(begin({v4(1), mapped, v4(1)}), kT0),
              ElementsAre(start(1, v4(1))));
}

TEST(Race, OtherPortIsNoDuplicate) {
  Race race{Settings{}};
  Endpoint other = v4(1);
  other.port = 80;
  race.step(begin({v4(1), other}), kT0);
  EXPECT_THAT(race.step(failed(1), kT0), ElementsAre(start(2, other)));
}

TEST(Race, FullHouseWaitsWithoutATimer) {
  Race race{Settings{.max_in_flight = 1}};
  EXPECT_THAT(race.step(begin({v6(1), v4(1)}), kT0),
              ElementsAre(start(1, v6(1))));
  EXPECT_THAT(race.step(failed(1), kT0 + 700ms), ElementsAre(start(2, v4(1))));
}

TEST(Race, AttemptTimeoutEndsItsAttemptAndGoesOnAtOnce) {
  Race race{Settings{.attempt_delay = 2s, .attempt_timeout = 1s}};
  EXPECT_THAT(race.step(begin({v6(1), v4(1)}), kT0),
              ElementsAre(start(1, v6(1)), wake(kT0 + 1s)));
  EXPECT_THAT(race.step(Tick{}, kT0 + 1s),
              ElementsAre(cancel(1), start(2, v4(1)), wake(kT0 + 2s)));
}

TEST(Race, LastLiveAttemptLivesOnToTheConnectTimeout) {
  Race race{Settings{.attempt_timeout = 1s, .connect_timeout = 5s}};
  race.step(begin({v6(1), v4(1)}), kT0);
  race.step(Tick{}, kT0 + 250ms);
  EXPECT_THAT(race.step(Tick{}, kT0 + 1s),
              ElementsAre(cancel(1), wake(kT0 + 1250ms)));
  EXPECT_THAT(race.step(Tick{}, kT0 + 1250ms), ElementsAre(wake(kT0 + 5s)));
  EXPECT_THAT(race.step(Tick{}, kT0 + 5s), ElementsAre(TimedOut{}, cancel(2)));
}

// With no connect_ms, attempt_ms bounds a single dead address as well.
TEST(Race, AttemptTimeoutAloneEndsASingleAddress) {
  Race race{Settings{.attempt_timeout = 5s}};
  EXPECT_THAT(race.step(begin({v4(1)}), kT0),
              ElementsAre(start(1, v4(1)), wake(kT0 + 5s)));
  EXPECT_THAT(race.step(Tick{}, kT0 + 5s), ElementsAre(cancel(1), TimedOut{}));
}

// The caller's own attempt has an error of its own to give back: no time-out.
TEST(Race, TimeoutOfALaterAttemptLeavesTheFirstOnesError) {
  Race race{Settings{.attempt_timeout = 5s}};
  race.step(begin({v4(1), v4(2)}), kT0);
  race.step(failed(1), kT0 + 1ms);
  EXPECT_THAT(race.step(Tick{}, kT0 + 5001ms),
              ElementsAre(cancel(2), AllFailed{}));
}

TEST(Race, ConnectTimeoutStartsNothingAnyMore) {
  Race race{Settings{.attempt_delay = 1s, .connect_timeout = 1s}};
  race.step(begin({v4(1), v4(2)}), kT0);
  EXPECT_THAT(race.step(Tick{}, kT0 + 1s), ElementsAre(TimedOut{}, cancel(1)));
}

TEST(Race, SuccessInTheLastInstantBeatsTheTimeout) {
  Race race{Settings{.connect_timeout = 1s}};
  race.step(begin({v4(1)}), kT0);
  EXPECT_THAT(race.step(connected(1), kT0 + 1s), ElementsAre(won(1)));
}

// What HTTPS records lead to comes beside the answers of the families.
class Others : public testing::Test {
 protected:
  Actions begin(Duration wait, bool ipv6_pending = false) {
    return race_.step(Begin{.candidates = {v4(1)},
                            .ipv6_pending = ipv6_pending,
                            .others_until = kT0 + wait,
                            .first_under_way = true},
                      kT0);
  }
  Race race_{Settings{}};
  uint32_t last_ = 1;
};

TEST_F(Others, JoinAtTheNextTurn) {
  begin(50ms);
  EXPECT_THAT(race_.step(Joined{{v4(2)}, false}, kT0 + 20ms),
              ElementsAre(wake(kT0 + 250ms)));
  EXPECT_THAT(race_.step(Tick{}, kT0 + 250ms), Contains(start(2, v4(2))));
}

TEST_F(Others, AreWaitedForWhereAllHasFailed) {
  begin(50ms);
  EXPECT_THAT(race_.step(failed(1), kT0 + 5ms), ElementsAre(wake(kT0 + 50ms)));
  EXPECT_THAT(race_.step(Joined{{v4(2)}, true}, kT0 + 20ms),
              ElementsAre(start(2, v4(2))));
  EXPECT_THAT(race_.step(failed(2), kT0 + 25ms), ElementsAre(wake(kT0 + 50ms)));
  EXPECT_THAT(race_.step(Joined{{}, false}, kT0 + 30ms),
              ElementsAre(Action{AllFailed{}}));
}

TEST_F(Others, AreNotWaitedForLonger) {
  begin(50ms);
  race_.step(failed(1), kT0 + 5ms);
  EXPECT_THAT(race_.step(Tick{}, kT0 + 50ms), ElementsAre(Action{AllFailed{}}));
}

TEST_F(Others, AreNotWaitedForAtAllOnceTheTimeIsOver) {
  begin(50ms);
  EXPECT_THAT(race_.step(failed(1), kT0 + 60ms),
              ElementsAre(Action{AllFailed{}}));
}

TEST_F(Others, MayComeLongAfterWhileAnAttemptIsUnderWay) {
  begin(50ms);
  EXPECT_THAT(race_.step(Joined{{v4(2)}, false}, kT0 + 900ms),
              Contains(start(2, v4(2))));
}

TEST_F(Others, TakeTheOrderOfTheLatestWord) {
  begin(50ms);
  race_.step(Joined{{v4(2), v4(3)}, true}, kT0 + 1ms);
  race_.step(Resolved{Family::kIpv4, {v4(9)}}, kT0 + 2ms);
  race_.step(Joined{{v4(4), v4(3), v4(2)}, false}, kT0 + 3ms);
  for (const uint8_t next : {9, 4, 3, 2}) {
    const Actions actions = race_.step(failed(last_), kT0 + 5ms);
    EXPECT_THAT(actions, Contains(start(++last_, v4(next))));
  }
  // What has been started is not started again.
  EXPECT_THAT(race_.step(Joined{{v4(4), v4(1)}, false}, kT0 + 6ms), IsEmpty());
}

TEST_F(Others, DoNotStandForAFamilysAnswer) {
  begin(50ms, true);
  race_.step(Joined{{}, false}, kT0 + 1ms);
  EXPECT_THAT(race_.step(failed(1), kT0 + 5ms), IsEmpty());
  EXPECT_THAT(race_.step(Resolved{Family::kIpv6, {v6(1)}}, kT0 + 60ms),
              Contains(start(2, v6(1))));
}

}  // namespace
}  // namespace happy::race
