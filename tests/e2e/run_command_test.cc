// happyctl run with a program that looks a name up and connects.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class RunCommand : public testing::Test {
 protected:
  // curl for `name`; `options` are happyctl's.
  lab::Outcome curl(const std::string& name,
                    std::vector<std::string> options = {}) {
    lab::Environment environment{{"ASAN_OPTIONS", "detect_leaks=0"}};
    const std::string runtime = HAPPY_SANITIZER_RUNTIME;
    if (!runtime.empty()) environment["LD_PRELOAD"] = runtime;
    std::vector<std::string> words{HAPPY_BUILD_FOLDER "/happyctl", "run",
                                   "--policy", policy_};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--", "curl", "-sS", lab_.url(name)});
    return lab_.run_plain(words, environment);
  }

  LoopbackLab lab_;
  const std::string policy_ =
      lab_.folder().write("run.json", lab_.policy().dump());
};

TEST_F(RunCommand, SumsUpARaceThatTheSecondAddressWins) {
  const auto outcome = curl("dead4");
  EXPECT_EQ(outcome.out, std::string(LoopbackLab::kGood) + "\n")
      << outcome.describe();
  EXPECT_THAT(outcome.err,
              AllOf(StartsWith("happyctl run: 1 name resolved; 1 race: 1 won "
                               "by IPv4; "),
                    EndsWith("1 plain connect would still be waiting\n")));
}

TEST_F(RunCommand, SaysThatNothingWasRaced) {
  const auto outcome = curl("closed", {"--log", "off"});
  EXPECT_EQ(outcome.exit_status, 7) << outcome.describe();  // cannot connect
  EXPECT_THAT(outcome.err, HasSubstr("happyctl run: 1 name resolved; no "
                                     "connection was raced\n"));
}

TEST_F(RunCommand, CountsNamesThatGetNoAnswer) {
  const auto outcome = curl("nobody");
  EXPECT_EQ(outcome.exit_status, 6) << outcome.describe();  // no such name
  EXPECT_THAT(outcome.err, HasSubstr("happyctl run: 1 name not resolved; no "
                                     "connection was raced\n"));
}

TEST_F(RunCommand, KeepsTheTraceThatWasAskedFor) {
  const std::string trace = lab_.folder().file("run.trace");
  const auto outcome = curl("healthy", {"--quiet", "--trace", trace});
  EXPECT_EQ(outcome.err, "") << outcome.describe();
  EXPECT_TRUE(lab::answered_by_dot(lab::read_trace(trace), "healthy.lab.test"));
}

// Nothing can be preloaded into it: it runs as ever, and whoever requires the
// library is told.
TEST_F(RunCommand, AStaticProgramIsAsItWasOrRefused) {
  EXPECT_EQ(lab_.run({"busybox", "echo", "here"}).out, "here\n");
  EXPECT_TRUE(lab_.trace().empty());
  const auto outcome =
      lab_.run_plain({HAPPY_BUILD_FOLDER "/happyctl", "run", "--policy",
                      policy_, "--require", "--", "busybox", "echo", "here"},
                     {{"ASAN_OPTIONS", "detect_leaks=0"}});
  EXPECT_EQ(outcome.exit_status, 1) << outcome.describe();
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err,
              HasSubstr("busybox cannot be intercepted: statically linked"));
}

}  // namespace
}  // namespace happy::e2e
