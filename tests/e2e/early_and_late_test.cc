// Calls that come before the library's constructor and after main().
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

TEST(EarlyAndLate, CallsRaceLikeAllOthers) {
  lab::LoopbackLab lab;
  lab.also_preload(HAPPY_BUILD_FOLDER "/libe2e_early_and_late.so");
  const std::string port = std::to_string(lab.web_port());
  const auto outcome =
      lab.run({"/bin/true"}, {{"EARLY_AND_LATE", "dead4.lab.test " + port}});
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  for (const std::string when : {"constructor", "atexit", "destructor"}) {
    EXPECT_THAT(outcome.out,
                testing::HasSubstr(when + ": 127.0.1.1 127.0.1.1\n"))
        << outcome.describe();
  }
  EXPECT_TRUE(lab::answered_by_dot(lab.trace(), "dead4.lab.test"));
  // The helper may end with the process before it has told of the last winner.
  EXPECT_EQ(lab::events_of(lab.trace(), "race_start").size(), 6U);
}

}  // namespace
}  // namespace happy::e2e
