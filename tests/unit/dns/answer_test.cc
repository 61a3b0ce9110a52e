#include "core/dns/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/dns/message_builder.h"

namespace happy::dns {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint16_t kNxdomain = 0x8183;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

Answer for_a(MessageBuilder& builder, std::string_view name = "a.example") {
  return interpret(builder.message(), {test_name(name), Type::kA});
}
Answer for_a(MessageBuilder&& builder) { return for_a(builder); }

TEST(Interpret, GivesAddressesInOrderWithoutDuplicates) {
  const auto answer = for_a(MessageBuilder()
                                .answers()
                                .address("a.example", "192.0.2.9")
                                .address("A.EXAMPLE", "192.0.2.1")
                                .address("a.example", "192.0.2.9"));
  EXPECT_EQ(answer.status, AnswerStatus::kAddresses);
  EXPECT_THAT(answer.addresses, ElementsAre(ip("192.0.2.9"), ip("192.0.2.1")));
  EXPECT_EQ(answer.canonical, test_name("a.example"));
}

TEST(Interpret, TakesOnlyTheFamilyThatWasAskedFor) {
  const auto message = MessageBuilder()
                           .answers()
                           .address("a.example", "192.0.2.1")
                           .address("a.example", "2001:db8::1")
                           .message();
  EXPECT_THAT(interpret(message, {test_name("a.example"), Type::kA}).addresses,
              ElementsAre(ip("192.0.2.1")));
  EXPECT_THAT(
      interpret(message, {test_name("a.example"), Type::kAaaa}).addresses,
      ElementsAre(ip("2001:db8::1")));
}

// RFC 1034 section 3.6.2: the chain is followed in whatever order it stands.
TEST(Interpret, FollowsTheChainInAnyOrderOfRecords) {
  const auto answer = for_a(MessageBuilder()
                                .answers()
                                .address("c.example", "192.0.2.1", 300)
                                .cname("b.example", "c.example", 40)
                                .cname("a.example", "b.example", 200));
  EXPECT_THAT(answer.addresses, ElementsAre(ip("192.0.2.1")));
  EXPECT_EQ(answer.canonical, test_name("c.example"));
  EXPECT_EQ(answer.ttl, 40s);
}

TEST(Interpret, IgnoresRecordsOutsideTheQuestionsChain) {
  const auto answer = for_a(MessageBuilder()
                                .answers()
                                .cname("a.example", "b.example")
                                .address("a.example", "192.0.2.66", 1)
                                .address("evil.example", "192.0.2.67", 1)
                                .cname("evil.example", "c.example", 1)
                                .address("b.example", "192.0.2.1")
                                .additionals()
                                .address("b.example", "192.0.2.68", 1));
  EXPECT_THAT(answer.addresses, ElementsAre(ip("192.0.2.1")));
  EXPECT_EQ(answer.ttl, 300s);
}

TEST(Interpret, TheTtlIsTheLeastOfTheAddresses) {
  const auto answer = for_a(MessageBuilder()
                                .answers()
                                .address("a.example", "192.0.2.1", 300)
                                .address("a.example", "192.0.2.2", 7));
  EXPECT_EQ(answer.ttl, 7s);
}

MessageBuilder chain_of(int cnames) {
  MessageBuilder out;
  out.answers().cname("a.example", "n1");
  for (int i = 1; i < cnames; ++i) {
    out.cname("n" + std::to_string(i), "n" + std::to_string(i + 1));
  }
  return out.address("n" + std::to_string(cnames), "192.0.2.1");
}

TEST(Interpret, FollowsChainsOf16AndRefusesThoseOf17) {
  EXPECT_TRUE(for_a(chain_of(16)).is_positive());
  const auto answer = for_a(chain_of(17));
  EXPECT_EQ(answer.status, AnswerStatus::kMalformed);
  EXPECT_EQ(answer.fault, Fault::kChainTooLong);
  EXPECT_EQ(answer.ttl, std::nullopt);
  EXPECT_THAT(answer.addresses, IsEmpty());
}

TEST(Interpret, RefusesChainsThatLoop) {
  EXPECT_EQ(
      for_a(MessageBuilder().answers().cname("a.example", "A.Example")).fault,
      Fault::kChainLoop);
  EXPECT_EQ(for_a(MessageBuilder()
                      .answers()
                      .cname("a.example", "b.example")
                      .cname("b.example", "c.example")
                      .cname("c.example", "b.example"))
                .fault,
            Fault::kChainLoop);
}

TEST(Interpret, TellsTheAliasesFromTheQuestionsNameOn) {
  const auto answer = for_a(chain_of(3));
  EXPECT_EQ(answer.canonical, test_name("n3"));
  EXPECT_THAT(answer.aliases, ElementsAre(test_name("a.example"),
                                          test_name("n1"), test_name("n2")));
  EXPECT_THAT(
      for_a(MessageBuilder().answers().address("a.example", "192.0.2.1"))
          .aliases,
      IsEmpty());
}

TEST(Interpret, AnAliasOfANameWithoutAddressesIsDead) {
  const auto answer = for_a(MessageBuilder()
                                .answers()
                                .cname("a.example", "b.example", 20)
                                .authorities()
                                .soa("example", 900, 60));
  EXPECT_EQ(answer.status, AnswerStatus::kDeadAlias);
  EXPECT_FALSE(answer.is_failure());
  EXPECT_EQ(answer.ttl, 20s);
}

// RFC 7766: a stream has room for every message, so TC cannot be true.
TEST(Interpret, ATruncatedReplyIsAnError) {
  const auto answer = for_a(
      MessageBuilder(1, 0x8380).answers().address("a.example", "192.0.2.1"));
  EXPECT_EQ(answer.status, AnswerStatus::kMalformed);
  EXPECT_EQ(answer.fault, Fault::kTruncated);
}

// RFC 2308 section 5: min(SOA TTL, SOA MINIMUM).
TEST(InterpretNegative, TtlIsTheLesserOfSoaTtlAndMinimum) {
  EXPECT_EQ(for_a(MessageBuilder().authorities().soa("example", 900, 60)).ttl,
            60s);
  EXPECT_EQ(for_a(MessageBuilder().authorities().soa("example", 30, 60)).ttl,
            30s);
}

// RFC 2308 section 5: negatives without SOA "SHOULD NOT be cached".
TEST(InterpretNegative, WithoutSoaThereIsNoTtl) {
  const auto answer =
      for_a(MessageBuilder().answers().cname("a.example", "b.example", 5));
  EXPECT_EQ(answer.status, AnswerStatus::kDeadAlias);
  EXPECT_EQ(answer.ttl, std::nullopt);
}

TEST(InterpretNegative, TheSoaMustBeOfAZoneThatHoldsTheName) {
  EXPECT_EQ(for_a(MessageBuilder().authorities().soa("other", 900, 60)).ttl,
            std::nullopt);
}

// RFC 6604 section 3: the RCODE is about the end of the chain.
TEST(InterpretNegative, NxdomainIsAboutTheEndOfTheChain) {
  const auto answer = for_a(MessageBuilder(1, kNxdomain)
                                .answers()
                                .cname("a.example", "gone.example", 20)
                                .authorities()
                                .soa("example", 900, 60));
  EXPECT_EQ(answer.status, AnswerStatus::kNoName);
  EXPECT_EQ(answer.canonical, test_name("gone.example"));
  EXPECT_EQ(answer.ttl, 20s);
}

TEST(InterpretNegative, AddressesBesideNxdomainAreNotBelieved) {
  const auto answer = for_a(
      MessageBuilder(1, kNxdomain).answers().address("a.example", "192.0.2.1"));
  EXPECT_EQ(answer.status, AnswerStatus::kNoName);
  EXPECT_THAT(answer.addresses, IsEmpty());
}

TEST(InterpretFailure, EveryRcodeHasItsKind) {
  const auto status = [](uint16_t rcode) {
    return for_a(MessageBuilder(1, 0x8180 | rcode)).status;
  };
  EXPECT_EQ(status(1), AnswerStatus::kRefused);
  EXPECT_EQ(status(2), AnswerStatus::kServerFailure);
  EXPECT_EQ(status(3), AnswerStatus::kNoName);
  EXPECT_EQ(status(4), AnswerStatus::kRefused);
  EXPECT_EQ(status(5), AnswerStatus::kRefused);
  for (uint16_t rcode = 6; rcode < 16; ++rcode) {
    EXPECT_EQ(status(rcode), AnswerStatus::kServerFailure) << rcode;
  }
}

TEST(InterpretFailure, HasNoTtlNorAddresses) {
  const auto answer = for_a(MessageBuilder(1, 0x8182)
                                .answers()
                                .address("a.example", "192.0.2.1")
                                .authorities()
                                .soa("example", 900, 60));
  EXPECT_EQ(answer.ttl, std::nullopt);
  EXPECT_THAT(answer.addresses, IsEmpty());
}

// RFC 8914 section 2: the text is for people; here it is also hostile.
TEST(InterpretEde, PutsCodesInWordsAndDefusesTheText) {
  const auto answer = for_a(MessageBuilder(1, 0x8182).additionals().opt(
      {0, 15, 0, 6, 0, 22, 'a', 0x1b, '\n', 'b', 0, 15, 0, 2, 0x12, 0x34}));
  EXPECT_EQ(answer.extended_error, "22 (No Reachable Authority): a??b; 4660");
  EXPECT_EQ(describe(answer),
            "SERVFAIL, extended error 22 (No Reachable Authority): a??b; 4660");
}

TEST(InterpretEde, BoundsTheText) {
  std::vector<uint8_t> option = {0, 15, 0x10, 2, 0, 0};
  option.insert(option.end(), 0x1000, 'x');
  EXPECT_THAT(
      for_a(MessageBuilder(1, 0x8182).additionals().opt(option)).extended_error,
      SizeIs(512));
}

TEST(Describe, SaysWhatWasWrong) {
  EXPECT_EQ(describe(for_a(chain_of(17))), "a CNAME chain that is too long");
  EXPECT_EQ(describe(for_a(MessageBuilder(1, kNxdomain))), "NXDOMAIN");
  EXPECT_EQ(describe(for_a(MessageBuilder())), "no data");
}

}  // namespace
}  // namespace happy::dns
