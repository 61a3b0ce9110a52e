#include "core/race/gai_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace happy::race {
namespace {

using testing::ElementsAre;

std::vector<std::string> ordered(std::string_view gai_conf,
                                 const std::vector<const char*>& addresses) {
  std::vector<Destination> list;
  for (const char* text : addresses) {
    const IpAddress address = *IpAddress::parse(text);
    list.push_back({.address = address, .source = address});
  }
  order_destinations(&list, parse_gai_conf(gai_conf));
  std::vector<std::string> out;
  for (const Destination& one : list) out.push_back(one.address.to_string());
  return out;
}

constexpr const char* kFour = "192.0.2.1";
constexpr const char* kSix = "2001:db8::1";

// The line that gai.conf(5) and Debian's file recommend.
TEST(GaiConf, OneLineLetsIpv4Lead) {
  EXPECT_THAT(ordered("", {kFour, kSix}), ElementsAre(kSix, kFour));
  EXPECT_THAT(ordered("precedence ::ffff:0:0/96  100\n", {kSix, kFour}),
              ElementsAre(kFour, kSix));
}

TEST(GaiConf, CommentsAndLinesThatCannotBeReadAreSkipped) {
  constexpr const char* kUseless =
      "#precedence ::ffff:0:0/96 100\n"
      "precedence ::ffff:0:0/129 100\n"
      "precedence ::ffff:0:0/96\n"
      "precedence 192.0.2.0/24 100\n"
      "precedence ::ffff:0:0/96 many\n"
      "scopev4 ::ffff:192.0.2.0/120 14\nreload yes\n"
      "label\n";
  EXPECT_THAT(ordered(kUseless, {kFour, kSix}), ElementsAre(kSix, kFour));
}

TEST(GaiConf, AWordAfterAHashIsNone) {
  EXPECT_THAT(ordered("  precedence\t::ffff:0:0/96 100 # mine", {kSix, kFour}),
              ElementsAre(kFour, kSix));
}

// As in glibc: the first line of a kind takes the place of its defaults.
TEST(GaiConf, OwnPrecedencesReplaceTheTableAndLabelsStay) {
  const auto table = parse_gai_conf("precedence 2001:db8::/32 7\n");
  for (const PrefixPolicy& row : table) {
    const bool own = row.prefix == *IpAddress::parse("2001:db8::");
    EXPECT_EQ(row.precedence, own ? 7 : 40) << row.prefix.to_string();
    if (own) {
      EXPECT_EQ(row.label, 1) << "that of ::/0";
    }
  }
  EXPECT_THAT(ordered("precedence 2001:db8::/32 7\n", {kSix, kFour}),
              ElementsAre(kFour, kSix));
}

TEST(GaiConf, ALabelCanSetAPrefixApart) {
  const auto table = parse_gai_conf("label 2001:db8::/32 99\n");
  ASSERT_FALSE(table.empty());
  EXPECT_EQ(table.front().label, 99);
  EXPECT_EQ(table.front().precedence, 40) << "that of ::/0";
}

TEST(GaiConf, AnyOctetsAreHarmless) {
  std::string text;
  for (int i = 0; i < 4096; ++i) text += static_cast<char>(i * 31);
  EXPECT_FALSE(parse_gai_conf(text).empty());
  EXPECT_FALSE(parse_gai_conf(std::string(100, '\n') + "label").empty());
}

}  // namespace
}  // namespace happy::race
