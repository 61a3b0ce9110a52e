#include "core/dns/special.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using testing::ElementsAre;

Name name(std::string_view text) { return *Name::parse(text); }

// RFC 6761 section 6.3: "localhost." and names falling within it are loopback,
// and are never sent.
TEST(SpecialUse, LocalhostAndBelowIsLoopbackInBothFamilies) {
  for (const char* text : {"localhost", "LocalHost.", "a.b.localhost"}) {
    EXPECT_EQ(special_use(name(text)), SpecialUse::kLocalhost) << text;
    EXPECT_THAT(special_answer(name(text), Type::kA)->addresses,
                ElementsAre(*IpAddress::parse("127.0.0.1")));
    EXPECT_THAT(special_answer(name(text), Type::kAaaa)->addresses,
                ElementsAre(*IpAddress::parse("::1")));
  }
  EXPECT_EQ(special_answer(name("localhost"), Type::kTxt)->status,
            AnswerStatus::kNoData);
}

// RFC 6761 section 6.4, RFC 7686 section 2, RFC 6762 section 22.1.
TEST(SpecialUse, InvalidOnionAndLocalDoNotExistForDns) {
  const struct {
    const char* text;
    SpecialUse use;
  } kCases[] = {{"a.invalid", SpecialUse::kInvalid},
                {"expyuzz4wqqyqhjn.ONION", SpecialUse::kOnion},
                {"printer.local", SpecialUse::kLocal},
                {"local", SpecialUse::kLocal}};
  for (const auto& c : kCases) {
    EXPECT_EQ(special_use(name(c.text)), c.use) << c.text;
    const auto answer = special_answer(name(c.text), Type::kA);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, AnswerStatus::kNoName);
    EXPECT_EQ(answer->ttl, std::nullopt) << "must not be cached";
    EXPECT_FALSE(reason(c.use).empty());
  }
}

TEST(SpecialUse, EverythingElseIsAskedWherePolicySays) {
  for (const char* text :
       {"a.test", "a.example", "home.arpa", ".", "x.alt",
        "localhost.example.com", "notlocalhost", "onion.x", "a\\.local"}) {
    EXPECT_EQ(special_use(name(text)), SpecialUse::kNone) << text;
    EXPECT_FALSE(special_answer(name(text), Type::kA).has_value());
  }
}

}  // namespace
}  // namespace happy::dns
