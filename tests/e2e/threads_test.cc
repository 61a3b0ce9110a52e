#include <gtest/gtest.h>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

// Each connection is a race that the second address wins.
TEST(Threads, AThousandThatConnectTenTimesEachAllGetTheirConnections) {
  lab::LoopbackLab lab;
  const bool slow = lab::sanitized();
  const auto outcome =
      lab.run({HAPPY_BUILD_FOLDER "/e2e_many_threads", "dead4.lab.test",
               std::to_string(lab.web_port()), slow ? "200" : "1000",
               slow ? "3" : "10"},
              {}, std::chrono::seconds(60));
  EXPECT_TRUE(outcome.good()) << outcome.describe();
}

TEST(Threads, NorAreDescriptorsLostWhereTheFirstAddressRefuses) {
  lab::LoopbackLab lab;
  const auto outcome =
      lab.run({HAPPY_BUILD_FOLDER "/e2e_many_threads", "refused.lab.test",
               std::to_string(lab.web_port()), "100", "5"},
              {}, std::chrono::seconds(30));
  EXPECT_TRUE(outcome.good()) << outcome.describe();
}

}  // namespace
}  // namespace happy::e2e
