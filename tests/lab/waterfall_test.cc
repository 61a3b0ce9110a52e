#include "tests/lab/waterfall.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::lab {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<json> race() {
  return {
      {{"t_us", 1000}, {"event", "resolve_start"}, {"name", "a.test"}},
      {{"t_us", 3000}, {"event", "resolve_end"}, {"name", "a.test"}},
      {{"t_us", 4000},
       {"event", "race_start"},
       {"race", 7},
       {"name", "a.test"}},
      {{"t_us", 4000},
       {"event", "attempt_start"},
       {"race", 7},
       {"attempt", 1},
       {"address", "2001:db8::1"},
       {"port", 80}},
      {{"t_us", 254000},
       {"event", "attempt_start"},
       {"race", 7},
       {"attempt", 2},
       {"address", "192.0.2.1"},
       {"port", 80}},
      {{"t_us", 264000},
       {"event", "attempt_cancelled"},
       {"race", 7},
       {"attempt", 1}},
      {{"t_us", 264000}, {"event", "race_end"}, {"race", 7}, {"winner", 2}},
  };
}

TEST(Waterfall, ShowsTheLookUpAndEachAttemptWithItsEnd) {
  const std::string drawn = draw_race(race(), "a.test");
  EXPECT_THAT(drawn, HasSubstr("look-up over DoT"));
  EXPECT_THAT(drawn, HasSubstr("0.0 ..     2.0 ms  answered"));
  EXPECT_THAT(drawn, HasSubstr("[2001:db8::1]:80"));
  EXPECT_THAT(drawn, HasSubstr("3.0 ..   263.0 ms  cancelled"));
  EXPECT_THAT(drawn, HasSubstr("253.0 ..   263.0 ms  connected"));
}

TEST(Waterfall, IsEmptyWithoutARaceForTheName) {
  EXPECT_EQ(draw_race(race(), "b.test"), "");
  EXPECT_EQ(draw_race({}, "a.test"), "");
}

TEST(Waterfall, AnUnfinishedRaceIsNotDrawn) {
  auto cut = race();
  cut.pop_back();
  EXPECT_EQ(draw_race(cut, "a.test"), "");
}

}  // namespace
}  // namespace happy::lab
