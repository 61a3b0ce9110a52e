// Plug-ins resolve and connect through the library, however they were opened:
// bound deeply they find libc's functions first, and would ask in clear text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using testing::HasSubstr;

class PluginTest
    : public testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(PluginTest, ResolvesOverDotAndRaces) {
  if (lab::sanitized())
    GTEST_SKIP() << "a sanitizer runtime has a dlopen() of its own";
  LoopbackLab lab;
  const auto& [how, plugin] = GetParam();
  const auto outcome =
      lab.run({HAPPY_BUILD_FOLDER "/e2e_deep_host", how, plugin,
               "dead4.lab.test", std::to_string(lab.web_port())});
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("127.0.1.1\n"));
  EXPECT_TRUE(lab::answered_by_dot(lab.trace(), "dead4.lab.test"));
}

const std::string kFolder = HAPPY_BUILD_FOLDER "/plugins/";

// The plain one is found by the host's DT_RUNPATH, so that it also shows that
// libc still sees the host as the caller of dlopen().
INSTANTIATE_TEST_SUITE_P(
    Opened, PluginTest,
    testing::Values(std::pair{"now", kFolder + "libdeep_now.so"},
                    std::pair{"now", kFolder + "libdeep_lazy.so"},
                    std::pair{"lazy", kFolder + "libdeep_lazy.so"},
                    std::pair{"plain", std::string("libdeep_now.so")}),
    [](const auto& tested) {
      return std::string(tested.param.first) + "_" +
             std::to_string(tested.index);
    });

}  // namespace
}  // namespace happy::e2e
