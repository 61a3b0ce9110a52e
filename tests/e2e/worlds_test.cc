// Every program that people run connects in every world, and soon: a black hole
// costs one attempt delay, a refusal round trips; with HAPPY_DISABLE=1 it is
// what it was.
#include "tests/e2e/worlds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace happy::e2e {
namespace {

using std::chrono::seconds;

constexpr double kRtt = 10, kNoise = 100;

class WorldsTest : public testing::TestWithParam<RealProgram> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_NAMESPACES();
    if (GetParam().port == 22 && geteuid() != 0)
      GTEST_SKIP() << "only root can run an sshd";
    lab_ = make_worlds(GetParam());
  }

  // With the library, over DoT, and without a packet of port 53.
  double connects(World world) {
    const auto run =
        connect_in(*lab_, world, GetParam(), With::kLibrary, seconds(20));
    EXPECT_TRUE(run.outcome.good()) << run.outcome.describe();
    EXPECT_TRUE(run.milliseconds.has_value()) << lab_->packets().describe();
    EXPECT_TRUE(
        lab::answered_by_dot(lab_->trace(), name_in(world, GetParam())));
    EXPECT_EQ(lab_->packets().count_port(53), 0U);
    std::printf("%s: %.1f ms\n", GetParam().client.name,
                run.milliseconds.value_or(-1));
    return run.milliseconds.value_or(1e6);
  }

  std::unique_ptr<lab::NamespaceLab> lab_;
};

TEST_P(WorldsTest, IsAsBeforeWithTheLibraryDisabled) {
  const auto run = connect_in(*lab_, World::kHealthy, GetParam(),
                              With::kDisabled, seconds(20));
  EXPECT_TRUE(run.outcome.good()) << run.outcome.describe();
  EXPECT_TRUE(run.milliseconds.has_value());
  EXPECT_GT(lab_->packets().count_port(53), 0U) << "libc's own look-up";
  EXPECT_THAT(lab_->trace(), testing::IsEmpty());
}

TEST_P(WorldsTest, ConnectsInARoundTripWhereAllIsWell) {
  EXPECT_LE(connects(World::kHealthy), kRtt + kNoise);
}

TEST_P(WorldsTest, ABlackHoleCostsOneAttemptDelay) {
  EXPECT_LE(connects(World::kBlackHole), kRtt + 250 + 4 * kRtt + kNoise);
}

TEST_P(WorldsTest, ARefusalCostsRoundTrips) {
  EXPECT_LE(connects(World::kRefusing), kRtt + 4 * kRtt + kNoise);
}

std::string name_of(const testing::TestParamInfo<RealProgram>& tested) {
  return tested.param.client.name;
}

INSTANTIATE_TEST_SUITE_P(Programs, WorldsTest,
                         testing::ValuesIn(real_programs()), name_of);

// Where every AF_INET6 socket starts with IPV6_V6ONLY.
TEST(V6OnlyWorldsTest, ABlackHoleCostsOneAttemptDelayToo) {
  SKIP_WITHOUT_NAMESPACES();
  const auto& programs = real_programs();
  RealProgram wget = *std::find_if(
      programs.begin(), programs.end(),
      [](const auto& one) { return std::string("wget") == one.client.name; });
  wget.client.arguments = {"sh", "-c",
                           "echo 1 > /proc/sys/net/ipv6/bindv6only && "
                           "exec wget -q -t 1 -O - http://%H:%P/"};
  const auto lab = make_worlds(wget);
  const auto run =
      connect_in(*lab, World::kBlackHole, wget, With::kLibrary, seconds(20));
  EXPECT_TRUE(run.outcome.good()) << run.outcome.describe();
  EXPECT_LE(run.milliseconds.value_or(1e6), kRtt + 250 + 4 * kRtt + kNoise);
}

// Those with a race of their own lose nothing by the library's.
class OwnRaceWorldsTest : public testing::TestWithParam<RealProgram> {
 protected:
  void SetUp() override { SKIP_WITHOUT_NAMESPACES(); }
};

std::vector<RealProgram> own_racers() {
  std::vector<RealProgram> found;
  for (const auto& program : real_programs())
    if (program.races_itself) found.push_back(program);
  return found;
}

TEST_P(OwnRaceWorldsTest, IsInNoWorldSlowerThanWithoutTheLibrary) {
  const auto lab = make_worlds(GetParam());
  for (const World world :
       {World::kHealthy, World::kBlackHole, World::kRefusing}) {
    const auto plain =
        connect_in(*lab, world, GetParam(), With::kDisabled, seconds(20));
    const auto with =
        connect_in(*lab, world, GetParam(), With::kLibrary, seconds(20));
    ASSERT_TRUE(plain.milliseconds && with.milliseconds)
        << with.outcome.describe();
    std::printf("%s: plain %.1f ms, with %.1f ms\n",
                name_in(world, GetParam()).c_str(), *plain.milliseconds,
                *with.milliseconds);
    EXPECT_LE(*with.milliseconds, *plain.milliseconds + kNoise / 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, OwnRaceWorldsTest,
                         testing::ValuesIn(own_racers()), name_of);

}  // namespace
}  // namespace happy::e2e
