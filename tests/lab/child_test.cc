#include "tests/lab/child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <thread>

#include "tests/lab/temp_folder.h"

namespace happy::lab {
namespace {

using std::chrono::milliseconds;

Outcome shell(const std::string& script,
              milliseconds limit = milliseconds(5000)) {
  return run({.arguments = {"sh", "-c", script},
              .environment = {{"GIVEN", "yes"}},
              .limit = limit,
              .enter = {},
              .input = "typed\n"});
}

// Gone, or a zombie that init has yet to reap.
bool ends_soon(const std::string& pid) {
  for (int i = 0; i < 200; ++i) {
    const std::string stat = read_file("/proc/" + pid + "/stat");
    if (stat.empty() || stat.find(") Z ") != std::string::npos) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

TEST(Child, BothOutputsStatusAndInputArePassedOn) {
  const Outcome outcome = shell("cat; echo $GIVEN; echo bad >&2; exit 3");
  EXPECT_EQ(outcome.exit_status, 3);
  EXPECT_EQ(outcome.out, "typed\nyes\n");
  EXPECT_EQ(outcome.err, "bad\n");
  EXPECT_FALSE(outcome.timed_out);
}

TEST(Child, TheLimitEndsIt) {
  const Outcome outcome = shell("echo first; sleep 30", milliseconds(200));
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_EQ(outcome.signal, SIGKILL);
  EXPECT_EQ(outcome.out, "first\n");
  EXPECT_LT(outcome.elapsed, milliseconds(2000));
}

TEST(Child, AGrandchildThatKeepsThePipeOpenIsEndedToo) {
  const Outcome outcome = shell("sleep 30 & echo $!");
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_LT(outcome.elapsed, milliseconds(2000));
  const std::string pid = outcome.out.substr(0, outcome.out.find('\n'));
  EXPECT_TRUE(ends_soon(pid)) << pid;
}

TEST(Child, TheDevelopersEnvironmentDoesNotMatter) {
  setenv("HAPPY_POLICY", "/elsewhere", 1);
  setenv("http_proxy", "http://192.0.2.1:1/", 1);
  const Outcome outcome = shell("echo \"$HAPPY_POLICY$http_proxy\"");
  EXPECT_EQ(outcome.out, "\n");
}

TEST(Child, WhatIsGivenReplacesWhatIsInherited) {
  setenv("GIVEN", "no", 1);
  const Outcome outcome = shell("env | grep ^GIVEN=");
  unsetenv("GIVEN");
  EXPECT_EQ(outcome.out, "GIVEN=yes\n");
}

TEST(Child, AMissingProgramIsStatus127) {
  EXPECT_EQ(run({.arguments = {"/nonexistent/program"},
                 .environment = {},
                 .enter = {},
                 .input = {}})
                .exit_status,
            127);
}

TEST(TempFolder, IsGoneAfterItsOwnerAndAfterASignal) {
  std::string path;
  {
    const TempFolder folder;
    path = folder.write("file", "text");
    EXPECT_EQ(read_file(path), "text");
  }
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_EXIT(
      {
        const TempFolder folder;
        fprintf(stderr, "%s\n", folder.path().c_str());
        raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "/happy-lab");
}

}  // namespace
}  // namespace happy::lab
