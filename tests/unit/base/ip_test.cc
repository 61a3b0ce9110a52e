#include "core/base/ip.h"

#include <gtest/gtest.h>

namespace happy {
namespace {

TEST(IpAddress, TextFormsSurviveARoundTrip) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "::1", "::"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "1.2.3", "192.0.2.256", "2001:db8:::1", "name",
                           "fe80::1%lo", "192.0.2.1 "}) {
    EXPECT_FALSE(IpAddress::parse(text).has_value()) << text;
  }
}

TEST(IpAddress, MappingIsReversible) {
  const IpAddress v4 = IpAddress::v4(192, 0, 2, 1);
  EXPECT_EQ(v4.mapped().to_string(), "::ffff:192.0.2.1");
  EXPECT_EQ(v4.mapped().unmapped(), v4);
  EXPECT_EQ(v4.unmapped(), v4);
}

TEST(IpAddress, LoopbackIsAllOf127AndTheMappedFormToo) {
  EXPECT_TRUE(IpAddress::parse("127.9.9.9")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("::")->is_loopback());
  EXPECT_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
}

TEST(Endpoint, SockaddrRoundTripKeepsPortAndScope) {
  Endpoint endpoint{*IpAddress::parse("fe80::1"), 853};
  endpoint.address.scope_id = 3;
  sockaddr_storage storage;
  const socklen_t length = endpoint.to_sockaddr(&storage);
  const auto back = Endpoint::from_sockaddr(
      reinterpret_cast<const sockaddr*>(&storage), length);
  EXPECT_EQ(back, endpoint);
  EXPECT_EQ(endpoint.to_string(), "[fe80::1%3]:853");
}

TEST(Endpoint, RefusesShortAndForeignSockaddrs) {
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  const auto* address = reinterpret_cast<const sockaddr*>(&in6);
  EXPECT_FALSE(Endpoint::from_sockaddr(address, sizeof in6 - 1));
  in6.sin6_family = AF_UNIX;
  EXPECT_FALSE(Endpoint::from_sockaddr(address, sizeof in6));
  EXPECT_FALSE(Endpoint::from_sockaddr(nullptr, sizeof in6));
}

}  // namespace
}  // namespace happy
