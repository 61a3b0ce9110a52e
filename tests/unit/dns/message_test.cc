#include "core/dns/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "core/dns/edns.h"
#include "tests/unit/dns/message_builder.h"

namespace happy::dns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

TEST(EncodeQuery, AsksRecursivelyForOneNameInClassIn) {
  const auto bytes = encode_query(0xbeef, test_name("www.example.com"),
                                  Type::kAaaa, {.edns = false});
  EXPECT_THAT(bytes, testing::ElementsAreArray(
                         {0xbe, 0xef, 1,    0,    0,    1,    0,    0,    0,
                          0,    0,    0,    3,    0x77, 0x77, 0x77, 7,    0x65,
                          0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 3,    0x63, 0x6f,
                          0x6d, 0,    0,    28,   0,    1}));
}

// RFC 8467 section 4.1: "pad queries to the closest multiple of 128 octets".
TEST(EncodeQuery, EveryLengthIsAMultipleOf128) {
  std::string text = "a";
  for (size_t labels = 1; labels < 125; ++labels) {
    EXPECT_EQ(encode_query(1, test_name(text), Type::kA).size() % 128, 0u);
    text += ".a";
  }
  EXPECT_THAT(encode_query(1, test_name("example.com"), Type::kA), SizeIs(128));
}

// RFC 7828 section 3.2.1: a client's keepalive option has no time-out. RFC 7871
// section 7.1.2: source prefix 0 asks not to send the client's subnet.
TEST(EncodeQuery, CarriesKeepaliveEcsOptOutAndPadding) {
  const auto bytes = encode_query(1, Name(), Type::kA);
  const std::vector<uint8_t> opt(bytes.begin() + 17, bytes.begin() + 44);
  EXPECT_THAT(
      opt, ElementsAre(0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0, 0, 0, 0, 100, 0,
                       11, 0, 0, 0, 8, 0, 4, 0, 1, 0, 0, 0, 12, 0, 84));
  EXPECT_TRUE(decode(bytes)->edns.has_value());
}

TEST(EncodeQuery, LeavesOutWhatIsNotAskedFor) {
  const auto bytes = encode_query(
      1, Name(), Type::kA,
      {.padding_block = 0, .keepalive = false, .ecs_opt_out = false});
  EXPECT_THAT(bytes, SizeIs(12 + 5 + 11));
}

TEST(LengthPrefix, IsTwoOctetsInNetworkOrder) {
  const auto framed = with_length_prefix(std::vector<uint8_t>(258, 7));
  EXPECT_THAT(framed, SizeIs(260));
  EXPECT_EQ(framed[0], 1);
  EXPECT_EQ(framed[1], 2);
  EXPECT_EQ(framed[2], 7);
}

TEST(Decode, ReadsHeaderBitsAndQuestion) {
  const auto message =
      MessageBuilder(7, 0x8783).question("Example.com", Type::kHttps).message();
  EXPECT_EQ(message.header, (Header{.id = 7,
                                    .response = true,
                                    .authoritative = true,
                                    .truncated = true,
                                    .recursion_desired = true,
                                    .recursion_available = true}));
  EXPECT_EQ(message.rcode, Rcode::kNameError);
  EXPECT_THAT(message.questions,
              ElementsAre(Question{test_name("example.COM"), Type::kHttps, 1}));
}

TEST(Decode, GivesTypedViewsOfWhatMatters) {
  const auto message = MessageBuilder()
                           .answers()
                           .address("a", "192.0.2.1")
                           .address("a", "2001:db8::1")
                           .cname("b", "C.d")
                           .record("t", Type::kTxt, 5, {2, 'h', 'i'})
                           .authorities()
                           .soa("zone", 900, 60)
                           .message();
  ASSERT_THAT(message.answers, SizeIs(4));
  EXPECT_EQ(message.answers[0].data, RecordData(ip("192.0.2.1")));
  EXPECT_EQ(message.answers[1].data, RecordData(ip("2001:db8::1")));
  EXPECT_EQ(message.answers[2].data, RecordData(test_name("c.d")));
  EXPECT_EQ(message.answers[3].data, RecordData(RawData{{2, 'h', 'i'}}));
  ASSERT_THAT(message.authorities, SizeIs(1));
  EXPECT_EQ(std::get<Soa>(message.authorities[0].data).minimum, 60u);
}

TEST(Decode, AddressesOfOtherClassesStayRaw) {
  const auto message =
      MessageBuilder().answers().record("a", Type::kA, 1, {1, 2}, 3).message();
  EXPECT_EQ(message.answers[0].data, RecordData(RawData{{1, 2}}));
}

// RFC 2181 section 8: a TTL with the most significant bit set counts as 0.
TEST(Decode, NegativeTtlIsZero) {
  const auto message = MessageBuilder()
                           .answers()
                           .address("a", "192.0.2.1", 0x80000001)
                           .address("a", "192.0.2.2", 0x7fffffff)
                           .message();
  EXPECT_EQ(message.answers[0].ttl_seconds, 0u);
  EXPECT_EQ(message.answers[1].ttl_seconds, 0x7fffffffu);
}

TEST(Decode, RdataThatDoesNotFitItsTypeIsAnError) {
  const auto error = [](Type type, std::vector<uint8_t> rdata) {
    const auto decoded = decode(MessageBuilder()
                                    .answers()
                                    .record("a", type, 1, std::move(rdata))
                                    .bytes());
    return decoded ? std::nullopt : std::optional(decoded.error());
  };
  EXPECT_EQ(error(Type::kA, {1, 2, 3}), DecodeError::kRdata);
  EXPECT_EQ(error(Type::kA, {1, 2, 3, 4, 5}), DecodeError::kRdata);
  EXPECT_EQ(error(Type::kAaaa, {1, 2, 3, 4}), DecodeError::kRdata);
  EXPECT_EQ(error(Type::kCname, {}), DecodeError::kRdata);
  EXPECT_EQ(error(Type::kCname, {0, 0}), DecodeError::kRdata);
  EXPECT_EQ(error(Type::kSoa, {0, 0, 1}), DecodeError::kRdata);
  EXPECT_EQ(error(Type::kSoa, std::vector<uint8_t>(23)), DecodeError::kRdata);
  EXPECT_EQ(error(Type::kSoa, std::vector<uint8_t>(22)), std::nullopt);
}

TEST(Decode, ANameInRdataMayNotRunOverItsEnd) {
  // The CNAME's rdata of 2 octets begins a label of 1 and then ends; the root's
  // zero octet behind it is the next record's owner.
  auto bytes = MessageBuilder()
                   .answers()
                   .record("a", Type::kCname, 1, {1, 'x'})
                   .record(".", Type::kA, 1, {1, 2, 3, 4})
                   .bytes();
  EXPECT_EQ(decode(bytes).error(), DecodeError::kRdata);
}

TEST(Decode, OctetsBehindTheLastRecordAreIgnored) {
  auto bytes = MessageBuilder().answers().address("a", "192.0.2.1").bytes();
  const auto clean = decode(bytes);
  bytes.push_back(0xff);
  EXPECT_EQ(decode(bytes), clean);
}

TEST(DecodeEdns, ReadsKeepaliveAndExtendedErrors) {
  const auto message =
      MessageBuilder()
          .additionals()
          .opt({0,   11,  0,    2,    0, 100, 0, 15, 0,  5, 0, 22, 'd',
                'n', 's', 0xff, 0xfe, 0, 1,   9, 0,  15, 0, 2, 0,  9},
               0x00018000)
          .message();
  ASSERT_TRUE(message.edns.has_value());
  EXPECT_EQ(message.edns->udp_size, 1232);
  EXPECT_EQ(message.edns->version, 1);
  EXPECT_TRUE(message.edns->dnssec_ok);
  EXPECT_EQ(message.edns->keepalive, std::chrono::seconds(10));
  EXPECT_THAT(message.edns->errors,
              ElementsAre(ExtendedError{22, "dns"}, ExtendedError{9, ""}));
  EXPECT_THAT(message.additionals, IsEmpty());
}

// RFC 6891 section 6.1.3: the OPT record holds the upper bits of the RCODE.
TEST(DecodeEdns, ExtendsTheRcode) {
  const auto message =
      MessageBuilder().additionals().opt({}, 0x01000000).message();
  EXPECT_EQ(message.rcode, Rcode::kBadVersion);
}

// RFC 6891 section 6.1.1: "more than one OPT RR ... FORMERR".
TEST(DecodeEdns, OnlyOneOptAndOnlyAmongTheAdditional) {
  EXPECT_EQ(
      decode(MessageBuilder().additionals().opt({}).opt({}).bytes()).error(),
      DecodeError::kSecondOpt);
  EXPECT_EQ(decode(MessageBuilder().answers().opt({}).bytes()).error(),
            DecodeError::kSecondOpt);
  EXPECT_EQ(
      decode(
          MessageBuilder().additionals().record("a", Type::kOpt, 0, {}).bytes())
          .error(),
      DecodeError::kSecondOpt);
}

TEST(DecodeEdns, OptionsMustFitUnknownLengthsOfKnownOnesAreSkipped) {
  EXPECT_EQ(decode(MessageBuilder().additionals().opt({0, 11, 0, 2, 0}).bytes())
                .error(),
            DecodeError::kRdata);
  EXPECT_EQ(
      decode(MessageBuilder().additionals().opt({0, 11, 0}).bytes()).error(),
      DecodeError::kRdata);
  const auto odd =
      MessageBuilder().additionals().opt({0, 11, 0, 1, 5, 0, 15, 0, 1, 5});
  EXPECT_EQ(MessageBuilder(odd).message().edns->keepalive, std::nullopt);
  EXPECT_THAT(MessageBuilder(odd).message().edns->errors, IsEmpty());
}

// RFC 7766 section 7: ID and, if present, QNAME, QCLASS and QTYPE must match.
TEST(Matches, NeedsIdAndQuestion) {
  const Question question{test_name("example.com"), Type::kA};
  const auto good = MessageBuilder(5).question("EXAMPLE.com", Type::kA);
  EXPECT_TRUE(matches(MessageBuilder(good).message(), 5, question));
  EXPECT_FALSE(matches(MessageBuilder(good).message(), 6, question));
  EXPECT_FALSE(
      matches(MessageBuilder(5).question("example.com", Type::kAaaa).message(),
              5, question));
  EXPECT_FALSE(
      matches(MessageBuilder(5).question("example.org", Type::kA).message(), 5,
              question));
  EXPECT_FALSE(matches(MessageBuilder(5)
                           .question("example.com", Type::kA)
                           .question("example.com", Type::kA)
                           .message(),
                       5, question));
}

TEST(Matches, QueriesAndOtherOpcodesAreNoReplies) {
  const Question question{test_name("a"), Type::kA};
  EXPECT_FALSE(
      matches(MessageBuilder(5, 0x0100).question("a", Type::kA).message(), 5,
              question));
  EXPECT_FALSE(
      matches(MessageBuilder(5, 0xa800).question("a", Type::kA).message(), 5,
              question));
}

TEST(Matches, WithoutAQuestionOnlyAReplyWithoutRecords) {
  const Question question{test_name("a"), Type::kA};
  EXPECT_TRUE(matches(MessageBuilder(5, 0x8181).message(), 5, question));
  EXPECT_FALSE(
      matches(MessageBuilder(5).answers().address("a", "192.0.2.1").message(),
              5, question));
}

TEST(PeekId, NeedsAWholeHeader) {
  EXPECT_EQ(peek_id(MessageBuilder(0xabcd).bytes()), 0xabcd);
  EXPECT_EQ(peek_id(std::vector<uint8_t>(11)), std::nullopt);
}

TEST(Names, OfTypesCodesAndErrors) {
  EXPECT_EQ(to_string(Type::kAaaa), "AAAA");
  EXPECT_EQ(to_string(static_cast<Type>(999)), "TYPE999");
  EXPECT_EQ(to_string(Rcode::kNameError), "NXDOMAIN");
  EXPECT_EQ(to_string(static_cast<Rcode>(23)), "RCODE23");
  EXPECT_EQ(extended_error_name(22), "No Reachable Authority");
  EXPECT_EQ(extended_error_name(49152), "");
}

}  // namespace
}  // namespace happy::dns
