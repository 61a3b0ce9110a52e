#include "core/dns/reverse_name.h"

#include <gtest/gtest.h>

namespace happy::dns {
namespace {

std::string address_of(const std::string& name) {
  const auto found = reverse_mapped(Name::parse(name).value());
  return found ? found->to_string() : "none";
}

TEST(ReverseName, SaysTheAddress) {
  EXPECT_EQ(address_of("1.2.0.192.in-addr.arpa"), "192.0.2.1");
  EXPECT_EQ(address_of("1.2.0.192.IN-ADDR.ARPA."), "192.0.2.1");
  EXPECT_EQ(address_of("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d."
                       "0.1.0.0.2.ip6.arpa"),
            "2001:db8::1");
  EXPECT_EQ(address_of("f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D."
                       "0.1.0.0.2.ip6.ARPA"),
            "2001:db8::f");
}

TEST(ReverseName, IsMadeOfTheAddress) {
  for (const char* address : {"192.0.2.1", "2001:db8::1f", "::1", "10.0.0.255"})
    EXPECT_EQ(address_of(reverse_name(*IpAddress::parse(address))), address);
  EXPECT_EQ(reverse_name(*IpAddress::parse("192.0.2.1")),
            "1.2.0.192.in-addr.arpa");
}

TEST(ReverseName, IsNoOtherName) {
  for (const char* name :
       {"example", "2.0.192.in-addr.arpa", "in-addr.arpa", "ip6.arpa",
        "0.1.2.0.192.in-addr.arpa", "256.2.0.192.in-addr.arpa",
        "1.2.0.192.in-addr.example", "a.2.0.192.in-addr.arpa", "0.0.2.ip6.arpa",
        "1.2.0.192.ip6.arpa",
        "10.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6."
        "arpa",
        "g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6."
        "arpa"}) {
    EXPECT_EQ(address_of(name), "none") << name;
  }
}

}  // namespace
}  // namespace happy::dns
