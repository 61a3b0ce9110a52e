// Whatever happens to a test, its lab leaves no process and no namespace.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/lab/child.h"
#include "tests/lab/namespace_lab.h"

namespace happy::lab {
namespace {

using std::chrono::milliseconds;

// Whether any process is in the network namespace "net:[NUMBER]". Those of
// others cannot be read; a lab's own can.
bool in_use(const std::string& network) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::error_code error;
    if (std::filesystem::read_symlink(entry.path() / "ns/net", error) ==
        network)
      return true;
  }
  return false;
}

bool soon(const std::function<bool()>& holds) {
  for (int i = 0; i < 400; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

class KillTest : public testing::TestWithParam<int> {};

TEST_P(KillTest, TheLabsProcessesAndNamespacesEndWithIt) {
  SKIP_WITHOUT_NAMESPACES();
  const TempFolder folder;
  const std::string output = folder.file("output");
  Server victim({.arguments = {HAPPY_BUILD_FOLDER "/lab_victim"},
                 // kill -9 leaves its folder: then in ours.
                 .environment = {{"TMPDIR", folder.path()}},
                 .enter = {},
                 .input = {}},
                output);
  int resolver = 0;
  std::string network;
  ASSERT_TRUE(soon([&] {
    std::ifstream file(output);
    return static_cast<bool>(file >> resolver >> network);
  })) << read_file(output);
  // The program inside runs by now, or will in a moment.
  ASSERT_TRUE(soon([&] { return in_use(network); }));

  kill(victim.pid(), GetParam());
  EXPECT_TRUE(soon([&] { return !victim.running(); }));
  EXPECT_TRUE(soon([&] {
    const auto stat = read_file("/proc/" + std::to_string(resolver) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  }));
  EXPECT_TRUE(soon([&] { return !in_use(network); }));
}

INSTANTIATE_TEST_SUITE_P(Signals, KillTest,
                         testing::Values(SIGKILL, SIGTERM, SIGINT),
                         [](const auto& tested) {
                           return std::string(sigabbrev_np(tested.param));
                         });

}  // namespace
}  // namespace happy::lab
