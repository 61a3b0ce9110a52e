// make lab as a program: what it shows, passes through and takes away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <thread>

#include "tests/lab/namespace_lab.h"

namespace happy::lab {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class ShellTest : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_NAMESPACES(); }

  Command command(std::vector<std::string> arguments,
                  const std::string& input = {}) {
    arguments.insert(arguments.begin(), HAPPY_BUILD_FOLDER "/happy_lab_shell");
    return {.arguments = std::move(arguments),
            .environment = {{"TMPDIR", folder_.path()}},
            .limit = seconds(20),
            .enter = {},
            .input = input};
  }
  bool nothing_left() const {
    return std::filesystem::is_empty(folder_.path());
  }

  TempFolder folder_;
};

TEST_F(ShellTest, ACommandsOutputAndStatusAreItsOwn) {
  const Outcome outcome =
      run(command({"sh", "-c", "curl -sS http://healthy.lab.test/; exit 7"}));
  EXPECT_EQ(outcome.exit_status, 7) << outcome.describe();
  EXPECT_EQ(outcome.out, "2001:db8:5::1\n");
  EXPECT_TRUE(nothing_left());
}

TEST_F(ShellTest, WithoutACommandItIsAShellThatKnowsTheNames) {
  const Outcome outcome = run(command({}, "lab\nexit 3\n"));
  EXPECT_EQ(outcome.exit_status, 3) << outcome.describe();
  EXPECT_EQ(outcome.out, outcome.err);
  for (const char* part : {"dead6.lab.test", "2001:db8:5::3", "LD_PRELOAD="})
    EXPECT_THAT(outcome.out, HasSubstr(part));
}

TEST_F(ShellTest, TheLibraryIsPreparedButNotLoaded) {
  const Outcome outcome =
      run(command({"sh", "-c",
                   "echo \"<$LD_PRELOAD>\"; "
                   "LD_PRELOAD=$LIBHAPPY curl -sS http://dead6.lab.test/ && "
                   "grep -c '\"dead6.lab.test\"' $HAPPY_TRACE >&2"}));
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_EQ(outcome.out, "<>\n198.51.100.1\n");
}

TEST_F(ShellTest, AnIpv6OnlyShellHasNat64AndTheLogShowsIt) {
  const Outcome outcome = run(command(
      {"--ipv6-only", "--log", "curl", "-sS", "http://nat64.lab.test/"}));
  EXPECT_EQ(outcome.out, "198.51.100.1\n") << outcome.describe();
  EXPECT_THAT(outcome.err, HasSubstr("> [64:ff9b::c633:6401]:80 SYN\n"));
}

TEST_F(ShellTest, TerminationTakesTheCommandAndTheFoldersAlong) {
  const std::string output = folder_.path() + ".output";
  int inner = 0;
  {
    Server shell(command({"sh", "-c", "echo pid $$; exec sleep 60"}), output);
    for (int i = 0; i < 1000 && inner == 0; ++i) {
      const std::string text = read_file(output);
      if (const auto at = text.find("\npid "); at != std::string::npos)
        inner = std::atoi(text.c_str() + at + 5);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  std::filesystem::remove(output);
  ASSERT_GT(inner, 0);
  const std::string stat = "/proc/" + std::to_string(inner) + "/stat";
  for (int i = 0; i < 200 && !read_file(stat).empty() &&
                  read_file(stat).find(") Z ") == std::string::npos;
       ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const std::string last = read_file(stat);
  EXPECT_TRUE(last.empty() || last.find(") Z ") != std::string::npos) << last;
  EXPECT_TRUE(nothing_left());
}

}  // namespace
}  // namespace happy::lab
