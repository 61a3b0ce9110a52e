#include "config/pin.h"

#include <gtest/gtest.h>

namespace happy::config {
namespace {

const std::string kBase64 = "INSZEZpDoWKiavosV2/xVT8O83vk/RRwS+LTiL+IpHs=";
// The same by `base64 -d | xxd -i`.
constexpr std::array<uint8_t, 32> kOctets = {
    0x20, 0xd4, 0x99, 0x11, 0x9a, 0x43, 0xa1, 0x62, 0xa2, 0x6a, 0xfa,
    0x2c, 0x57, 0x6f, 0xf1, 0x55, 0x3f, 0x0e, 0xf3, 0x7b, 0xe4, 0xfd,
    0x14, 0x70, 0x4b, 0xe2, 0xd3, 0x88, 0xbf, 0x88, 0xa4, 0x7b};

TEST(Pin, ThreeFormsNameAKey) {
  for (const char* const prefix : {"key-fp:SHA256:", "sha256:", "sha256//"}) {
    EXPECT_EQ(parse_pin(prefix + kBase64), (Pin{Pin::Kind::kKey, kOctets}))
        << prefix;
  }
}

TEST(Pin, OneFormNamesACertificate) {
  EXPECT_EQ(parse_pin("cert-fp:SHA256:" + kBase64),
            (Pin{Pin::Kind::kCertificate, kOctets}));
}

TEST(Pin, IsWrittenAsItIsRead) {
  for (const std::string prefix : {"key-fp:SHA256:", "cert-fp:SHA256:"}) {
    EXPECT_EQ(to_string(parse_pin(prefix + kBase64).value()), prefix + kBase64);
  }
}

TEST(Pin, OtherFormsAreRefused) {
  for (const std::string prefix : {"", "SHA256:", "key-fp:SHA1:", "cert-fp:",
                                   "sha256/", "key-fp:sha256:"}) {
    EXPECT_FALSE(parse_pin(prefix + kBase64)) << prefix;
  }
}

TEST(Pin, MustBeExactly32OctetsOfStrictBase64) {
  const std::string faulty[] = {
      "",
      kBase64.substr(0, 43),         // no padding
      kBase64.substr(0, 40),         // 30 octets
      kBase64.substr(0, 42) + "==",  // 31 octets
      kBase64.substr(0, 43) + "s",   // 33 octets
      kBase64 + " ",
      " " + kBase64.substr(1),
      "IN-ZEZpDoWKiavosV2/xVT8O83vk/RRwS+LTiL+IpHs=",  // base64url
      "INSZEZpDoWKiavosV2/xVT8O83vk/RRwS+LTiL+IpHt=",  // unused bits set
  };
  for (const std::string& base64 : faulty) {
    EXPECT_FALSE(parse_pin("sha256:" + base64)) << base64;
  }
}

}  // namespace
}  // namespace happy::config
