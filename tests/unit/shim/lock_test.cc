// The lock of the shim's tables.
#include "shim/lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace happy::shim {
namespace {

// Its holders run inside the host's calls, whose errno it may not touch.
TEST(Lock, ExcludesAndLeavesErrnoAloneWhenContended) {
  Lock lock;
  int64_t count = 0;
  std::atomic<int> spoilt{0};
  constexpr int kThreads = 8, kRounds = 20'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        errno = 0;
        {
          const Guard guard(lock);
          ++count;
        }
        if (errno != 0) ++spoilt;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, int64_t{kThreads} * kRounds);
  EXPECT_EQ(spoilt, 0);
}

}  // namespace
}  // namespace happy::shim
