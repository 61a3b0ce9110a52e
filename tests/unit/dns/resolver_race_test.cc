// Which resolver is asked when, on virtual time.
#include "core/dns/resolver_race.h"

#include <gtest/gtest.h>

#include "core/dns/resolver_health.h"

namespace happy::dns {
namespace {

using namespace std::chrono_literals;
using Step = ResolverRace::Step;

const Time kT0{1h};

TEST(ResolverRace, TheSecondIsAskedAfterTheStagger) {
  ResolverRace race({4, 7});
  EXPECT_EQ((Step{.ask = 4, .wake = kT0 + 250ms}), race.begin(kT0));
  EXPECT_EQ((Step{.wake = kT0 + 250ms}), race.tick(kT0 + 249ms));
  EXPECT_EQ((Step{.ask = 7}), race.tick(kT0 + 250ms));
  EXPECT_EQ((Step{.over = true}), race.result(true, kT0 + 300ms));
}

TEST(ResolverRace, AFailureIsFollowedAtOnce) {
  ResolverRace race({0, 1, 2});
  (void)race.begin(kT0);
  EXPECT_EQ((Step{.ask = 1, .wake = kT0 + 255ms}),
            race.result(false, kT0 + 5ms));
  EXPECT_EQ((Step{.ask = 2}), race.result(false, kT0 + 9ms));
  EXPECT_EQ((Step{.over = true}), race.result(false, kT0 + 12ms));
}

TEST(ResolverRace, WaitsForThoseThatAreStillAsked) {
  ResolverRace race({0, 1});
  (void)race.begin(kT0);
  (void)race.tick(kT0 + 250ms);
  EXPECT_EQ(Step{}, race.result(false, kT0 + 260ms));
  EXPECT_EQ((Step{.over = true}), race.result(true, kT0 + 400ms));
}

TEST(ResolverRace, OneAloneIsWaitedFor) {
  ResolverRace race({3});
  EXPECT_EQ((Step{.ask = 3}), race.begin(kT0));
  EXPECT_EQ(Step{}, race.tick(kT0 + 1s));
  EXPECT_EQ((Step{.over = true}), race.result(false, kT0 + 2s));
}

TEST(Health, PausesGrowWithEachFailureInARow) {
  Health health;
  EXPECT_TRUE(health.is_well(kT0));
  health.failed(kT0);
  health.failed(kT0 + 1s);  // of the same cause
  EXPECT_FALSE(health.is_well(kT0 + 9s));
  EXPECT_TRUE(health.is_well(kT0 + 10s));
  health.failed(kT0 + 10s);
  EXPECT_FALSE(health.is_well(kT0 + 29s));
  EXPECT_TRUE(health.is_well(kT0 + 30s));
  health.succeeded();
  health.failed(kT0 + 60s);
  EXPECT_TRUE(health.is_well(kT0 + 70s));
}

TEST(Health, TheWellComeFirstInTheirOrder) {
  std::vector<Health> health(4);
  health[0].failed(kT0);
  health[2].failed(kT0);
  EXPECT_EQ((std::vector<size_t>{1, 3, 0, 2}),
            well_first({0, 1, 2, 3}, health, kT0 + 1s));
}

TEST(FallBack, IsTakenForAnHourAndThenNewsAgain) {
  FallBack fall_back;
  EXPECT_FALSE(fall_back.is_taken(kT0));
  EXPECT_TRUE(fall_back.begin(kT0));
  EXPECT_FALSE(fall_back.begin(kT0 + 1s));
  EXPECT_TRUE(fall_back.is_taken(kT0 + 3599s));
  EXPECT_FALSE(fall_back.is_taken(kT0 + 3600s));
  EXPECT_TRUE(fall_back.begin(kT0 + 3600s));
}

}  // namespace
}  // namespace happy::dns
