// A proxy that resolved its upstream once, in the master: its workers go on
// when one of the addresses dies under load.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <sstream>

#include "tests/lab/descriptor.h"
#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char *kDies = "198.51.100.1", *kLives = "198.51.100.2";
constexpr int kRequests = 1000, kAtOnce = 10;
constexpr milliseconds kRtt{10};

struct Half {
  int good = 0, failed = 0, longest_ms = 0;
};

// Open in both directions, so that nobody waits for the other side.
lab::Descriptor fifo(const std::string& path) {
  EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
  return lab::Descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
}

class ProxyWorldsTest : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_NAMESPACES(); }
};

// "250 ms + 4 RTT + 100 ms": one attempt delay, the proxy's own round trips,
// and a busy machine.
TEST_F(ProxyWorldsTest, NoRequestWaitsLongWhereAnUpstreamAddressDies) {
  const lab::Path path{.rtt = kRtt};
  lab::NamespaceLab lab({.hosts = {{kDies, path}, {kLives, path}},
                         .names = {{"site.lab.test", {kDies, kLives}}}});
  const lab::TempFolder folder;
  const std::string half_done = folder.file("half"), go = folder.file("go");
  const lab::Descriptor from = fifo(half_done), to = fifo(go);
  auto outcome = std::async(std::launch::async, [&] {
    const std::string programs = HAPPY_SOURCE_FOLDER "/tests/e2e/programs/";
    return lab.run(
        {programs + "through_proxy.sh", "nginx", "site.lab.test", "80",
         "/usr/bin/python3", programs + "load.py", "http://127.0.0.1:8080/",
         std::to_string(kRequests), std::to_string(kAtOnce), half_done, go},
        {}, seconds(100));
  });
  pollfd half{.fd = from.get(), .events = POLLIN, .revents = 0};
  while (poll(&half, 1, 100) == 0 &&
         outcome.wait_for(seconds(0)) != std::future_status::ready) {
  }
  ASSERT_EQ(half.revents, POLLIN) << outcome.get().describe();
  char line[8];
  ASSERT_EQ(read(from.get(), line, sizeof line), 5);
  lab.change(kDies, {.black_hole = true});
  ASSERT_EQ(write(to.get(), "go\n", 3), 3);
  const auto ended = outcome.get();
  ASSERT_TRUE(ended.good()) << ended.describe();
  std::istringstream text(ended.out);
  Half before, after;
  text >> before.good >> before.failed >> before.longest_ms >> after.good >>
      after.failed >> after.longest_ms;
  std::printf("longest wait: %d ms before, %d ms after\n", before.longest_ms,
              after.longest_ms);
  EXPECT_EQ(before.good, kRequests / 2) << ended.describe();
  EXPECT_EQ(after.good, kRequests / 2) << ended.describe();
  EXPECT_LE(after.longest_ms, 250 + 4 * kRtt.count() + 100);
}

}  // namespace
}  // namespace happy::e2e
