#include "core/net/source_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/net/plain_host.h"

namespace happy::net {
namespace {

const IpAddress kLoopback = IpAddress::v4(127, 0, 0, 1);
const IpAddress kLoopbackToo = IpAddress::v4(127, 0, 1, 7);
// Class E: no route leads there, and the kernel says so at once.
const IpAddress kNowhere = IpAddress::v4(255, 255, 255, 255);

TEST(SourceAddress, IsWhatTheKernelWouldUse) {
  const IpAddress all[] = {kLoopback, kLoopbackToo};
  const auto found = with_sources(all);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].address, kLoopback);
  EXPECT_EQ(found[0].source, kLoopback);
  EXPECT_EQ(found[1].source, kLoopback) << "not the one of the address before";
  EXPECT_EQ(found[0].source_prefix_length, 8) << "127.0.0.1/8";
}

TEST(SourceAddress, WithoutARouteThereIsNone) {
  const IpAddress all[] = {kNowhere, kLoopback};
  const auto found = with_sources(all);
  EXPECT_EQ(found[0].source, std::nullopt);
  EXPECT_EQ(found[1].source, kLoopback);
}

TEST(SourceAddress, LeavesNoDescriptor) {
  const std::set<int> before = open_descriptors();
  const IpAddress all[] = {kNowhere, kLoopback, *IpAddress::parse("::1")};
  with_sources(all);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace happy::net
