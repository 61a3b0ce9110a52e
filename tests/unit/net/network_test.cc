#include "core/net/network.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/unit/net/plain_host.h"

namespace happy::net {
namespace {

using namespace std::chrono_literals;

TEST(Network, HasTheSameNameWhileNothingChanges) {
  EXPECT_EQ(ask_for_network(), ask_for_network());
}

TEST(Network, AskingLeavesNoDescriptor) {
  const std::set<int> before = open_descriptors();
  ask_for_network();
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Network, AReaderGivesWhatTheKernelSays) {
  NetworkReader reader;
  const Time now{1000s};
  EXPECT_EQ(reader.current(now), ask_for_network());
  EXPECT_EQ(reader.current(now + 2s), ask_for_network());
}

}  // namespace
}  // namespace happy::net
