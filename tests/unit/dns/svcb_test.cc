// HTTPS records from octets: the test vectors of RFC 9460 Appendix D, what is
// malformed, and what may not be used.
#include "core/dns/svcb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/dns/answer.h"
#include "tests/unit/dns/message_builder.h"

namespace happy::dns {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

using Bytes = std::vector<uint8_t>;

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes octets(const std::string& text) { return {text.begin(), text.end()}; }

const Bytes kFoo = octets("\003foo\007example\003com\0"s);
const Bytes kFooOrg = octets("\003foo\007example\003org\0"s);

// A parameter with its key and length.
Bytes parameter(uint16_t key, const Bytes& value) {
  Writer writer;
  writer.u16(key);
  writer.u16(static_cast<uint16_t>(value.size()));
  writer.bytes(value);
  return std::move(writer).finish();
}

// Priority 1, foo.example.com.
Bytes service(const Bytes& parameters) {
  return Bytes{0, 1} + kFoo + parameters;
}

ServiceRecord good(const Bytes& rdata) {
  const auto record = read_service(rdata);
  EXPECT_TRUE(record.has_value());
  return record.value_or(ServiceRecord());
}

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

const Name kFooName = test_name("foo.example.com");

// Appendix D.1.
TEST(ServiceVectors, AliasMode) {
  EXPECT_EQ(good(Bytes{0, 0} + kFoo), (ServiceRecord{.target = kFooName}));
}

// Appendix D.2, in its order.
TEST(ServiceVectors, TargetNameIsDot) {
  EXPECT_EQ(good({0, 1, 0}), (ServiceRecord{.priority = 1}));
}

TEST(ServiceVectors, SpecifiesAPort) {
  EXPECT_EQ(good(Bytes{0, 16} + kFoo + Bytes{0, 3, 0, 2, 0, 53}),
            (ServiceRecord{.priority = 16, .target = kFooName, .port = 53}));
}

TEST(ServiceVectors, GenericKeysAreIgnored) {
  const ServiceRecord bare{.priority = 1, .target = kFooName};
  EXPECT_EQ(good(service(Bytes{0x02, 0x9b, 0, 5} + octets("hello"))), bare);
  EXPECT_EQ(good(service(Bytes{0x02, 0x9b, 0, 9} + octets("hello\xd2qoo"))),
            bare);
}

TEST(ServiceVectors, TwoIpv6Hints) {
  const Bytes hints = {0x20, 0x01, 0x0d, 0xb8, 0, 0,    0,    0,    0,    0, 0,
                       0,    0,    0,    0,    1, 0x20, 0x01, 0x0d, 0xb8, 0, 0,
                       0,    0,    0,    0,    0, 0,    0,    0x53, 0,    1};
  EXPECT_THAT(good(service(Bytes{0, 6, 0, 32} + hints)).hints,
              ElementsAre(ip("2001:db8::1"), ip("2001:db8::53:1")));
}

TEST(ServiceVectors, Ipv6HintWithEmbeddedIpv4) {
  const Bytes rdata =
      Bytes{0, 1} + octets("\007example\003com\0"s) +
      Bytes{0,    6,    0, 16, 0x20, 0x01, 0x0d, 0xb8, 0x01, 0x22,
            0x03, 0x44, 0, 0,  0,    0,    0xc0, 0,    2,    0x21};
  EXPECT_EQ(good(rdata),
            (ServiceRecord{.priority = 1,
                           .target = test_name("example.com"),
                           .hints = {ip("2001:db8:122:344::c000:221")}}));
}

TEST(ServiceVectors, MandatoryAlpnAndHint) {
  const Bytes rdata = Bytes{0, 16} + kFooOrg + Bytes{0, 0, 0, 4, 0, 1, 0, 4} +
                      Bytes{0, 1, 0, 9, 2, 'h', '2', 5} + octets("h3-19") +
                      Bytes{0, 4, 0, 4, 192, 0, 2, 1};
  EXPECT_EQ(good(rdata), (ServiceRecord{.priority = 16,
                                        .target = test_name("foo.example.org"),
                                        .alpn = {"h2", "h3-19"},
                                        .hints = {ip("192.0.2.1")}}));
}

TEST(ServiceVectors, AlpnWithCommaAndBackslash) {
  const Bytes rdata = Bytes{0, 16} + kFooOrg + Bytes{0, 1, 0, 12, 8} +
                      octets("f\\oo,bar") + Bytes{2, 'h', '2'};
  EXPECT_THAT(good(rdata).alpn, ElementsAre("f\\oo,bar", "h2"));
}

struct Case {
  const char* name;
  Bytes rdata;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class MalformedService : public testing::TestWithParam<Case> {};

TEST_P(MalformedService, IsRefused) {
  EXPECT_EQ(read_service(GetParam().rdata), std::nullopt);
}

// Appendix D.3 and sections 2.2, 7 and 8.
const Case kMalformed[] = {
    {"TheSameKeyTwice",
     service(parameter(123, octets("abc")) + parameter(123, octets("def")))},
    {"KeysOutOfOrder",
     service(parameter(124, octets("abc")) + parameter(123, octets("def")))},
    {"EmptyMandatory", service(parameter(0, {}))},
    {"EmptyAlpn", service(parameter(1, {}))},
    {"EmptyPort", service(parameter(3, {}))},
    {"EmptyIpv4Hint", service(parameter(4, {}))},
    {"EmptyEch", service(parameter(5, {}))},
    {"EmptyIpv6Hint", service(parameter(6, {}))},
    {"NoDefaultAlpnWithAValue",
     service(parameter(1, octets("\2h2")) + parameter(2, octets("abc")))},
    {"MandatoryNamesItself", service(parameter(0, {0, 0}))},
    {"MandatoryNamesOneTwice",
     service(parameter(0, {0, 123, 0, 123}) + parameter(123, octets("abc")))},
    {"MandatoryOutOfOrder",
     service(parameter(0, {0, 4, 0, 3}) + parameter(3, {1, 187}) +
             parameter(4, {192, 0, 2, 1}))},
    {"OddMandatory", service(parameter(0, {0, 3, 0}) + parameter(3, {1, 187}))},
    {"AlpnOfNoLength", service(parameter(1, {0}))},
    {"AlpnBeyondItsEnd", service(parameter(1, {3, 'h', '2'}))},
    {"AlpnWithARest", service(parameter(1, {2, 'h', '2', 0}))},
    {"PortOfOneOctet", service(parameter(3, {1}))},
    {"PortOfThreeOctets", service(parameter(3, {1, 187, 0}))},
    {"HintOfFiveOctets", service(parameter(4, {192, 0, 2, 1, 0}))},
    {"Ipv6HintOfFourOctets", service(parameter(6, {192, 0, 2, 1}))},
    {"ValueBeyondTheEnd", service({0, 123, 0, 4, 'a'})},
    {"KeyWithoutLength", service({0, 123})},
    {"HalfAKey", service({0})},
    {"NoPriority", {0}},
    {"NoTarget", {0, 1}},
    {"TargetCutShort", {0, 1, 3, 'f', 'o'}},
    {"AliasCutShort", {0, 0, 3, 'f', 'o'}},
    // Octet 0, the priority's first, would be the root.
    {"CompressedTarget", {0, 1, 3, 'f', 'o', 'o', 0xc0, 0}},
    {"TargetIsAPointer", {0, 1, 0xc0, 0}},
    {"Empty", {}},
};
INSTANTIATE_TEST_SUITE_P(Rfc9460, MalformedService,
                         testing::ValuesIn(kMalformed),
                         [](const auto& tested) { return tested.param.name; });

class UnusableService : public testing::TestWithParam<Case> {};

// Sections 2.4.3 and 8: well formed, but not for this client.
TEST_P(UnusableService, IsReadAndNotUsable) {
  EXPECT_FALSE(good(GetParam().rdata).usable);
}

const Case kUnusable[] = {
    // Appendix D.3 has this one as well.
    {"AMandatoryKeyIsMissing", service(parameter(0, {0, 123}))},
    {"AKnownMandatoryKeyIsMissing", service(parameter(0, {0, 3}))},
    {"AnUnknownKeyIsMandatory",
     service(parameter(0, {0, 123}) + parameter(123, octets("abc")))},
    {"EchIsMandatory",
     service(parameter(0, {0, 5}) + parameter(5, octets("abc")))},
    {"NoDefaultAlpnAndNoOther", service(parameter(2, {}))},
};
INSTANTIATE_TEST_SUITE_P(Rfc9460, UnusableService, testing::ValuesIn(kUnusable),
                         [](const auto& tested) { return tested.param.name; });

TEST(Service, KnownMandatoryKeysThatArePresentAreMet) {
  const auto record = good(service(parameter(0, {0, 1, 0, 2, 0, 3}) +
                                   parameter(1, octets("\2h2")) +
                                   parameter(2, {}) + parameter(3, {32, 251})));
  EXPECT_TRUE(record.usable);
  EXPECT_TRUE(record.no_default_alpn);
  EXPECT_THAT(record.port, Optional(8443));
}

TEST(Service, OfEchTheSizeIsKept) {
  EXPECT_THAT(good(service(parameter(5, Bytes(71)))).ech_size, Optional(71u));
  EXPECT_EQ(good(service({})).ech_size, std::nullopt);
}

// Section 2.4.2: "recipients MUST ignore any SvcParams that are present".
TEST(Service, AnAliasesParametersAreIgnoredEvenIfMalformed) {
  EXPECT_EQ(good(Bytes{0, 0} + kFoo + Bytes{0, 3, 0, 2, 0, 53}),
            (ServiceRecord{.target = kFooName}));
  EXPECT_EQ(good(Bytes{0, 0} + kFoo + Bytes{0, 0, 0, 9, 1}),
            (ServiceRecord{.target = kFooName}));
}

// 100,000 mutations, of interest under the sanitizers.
TEST(ServiceRobustness, SurvivesMutatedBytes) {
  constexpr uint32_t kSeed = 20251126;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  const auto below = [&](size_t limit) { return random() % limit; };
  const Bytes whole = service(
      parameter(0, {0, 1, 0, 4}) + parameter(1, octets("\2h2\2h3")) +
      parameter(2, {}) + parameter(3, {32, 251}) +
      parameter(4, {192, 0, 2, 1, 192, 0, 2, 2}) + parameter(5, Bytes(20)) +
      parameter(6, Bytes(32)) + parameter(667, octets("hello")));
  ASSERT_TRUE(good(whole).usable);
  size_t refused = 0;
  for (int round = 0; round < 100'000; ++round) {
    Bytes mutated = whole;
    for (size_t changes = 1 + below(4); changes > 0; --changes) {
      const auto at =
          mutated.begin() + static_cast<long>(below(mutated.size()));
      switch (below(4)) {
        case 0:
          mutated.erase(at);
          break;
        case 1:
          mutated.insert(at, *at);
          break;
        case 2:
          *at = static_cast<uint8_t>(random());
          break;
        default:
          mutated.erase(at, mutated.end());
      }
      if (mutated.empty()) break;
    }
    refused += read_service(mutated) ? 0 : 1;
  }
  EXPECT_GT(refused, 50'000u);
  EXPECT_LT(refused, 100'000u);
}

TEST(ServiceRobustness, EveryTruncationAmidAParameterIsRefused) {
  const Bytes whole =
      service(parameter(3, {32, 251}) + parameter(4, {192, 0, 2, 1}));
  for (size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<long>(size));
    const bool whole_parameters =
        size == 2 + kFoo.size() || size == 2 + kFoo.size() + 6;
    EXPECT_EQ(read_service(part).has_value(), whole_parameters) << size;
  }
}

// The set, as answer.h sees it.

const Question kQuestion{test_name("example.com"), Type::kHttps};

Answer answer_of(MessageBuilder builder) {
  return interpret(builder.message(), kQuestion);
}

TEST(InterpretServices, TheLowestPriorityComesFirst) {
  const auto answer =
      answer_of(MessageBuilder()
                    .answers()
                    .record("example.com", Type::kHttps, 60, {0, 9, 0})
                    .record("example.com", Type::kHttps, 50, service({}))
                    .record("other.example", Type::kHttps, 10, {0, 1, 0}));
  EXPECT_EQ(answer.status, AnswerStatus::kServices);
  EXPECT_TRUE(answer.is_positive());
  EXPECT_THAT(answer.services,
              ElementsAre(ServiceRecord{.priority = 1, .target = kFooName},
                          ServiceRecord{.priority = 9}));
  EXPECT_EQ(answer.ttl, std::chrono::seconds(50));
}

// Section 2.4.1.
TEST(InterpretServices, AnAliasRulesOutAllElse) {
  const auto answer = answer_of(
      MessageBuilder()
          .answers()
          .record("example.com", Type::kHttps, 60, service({}))
          .record("example.com", Type::kHttps, 60, Bytes{0, 0} + kFooOrg));
  EXPECT_THAT(
      answer.services,
      ElementsAre(ServiceRecord{.target = test_name("foo.example.org")}));
}

// Section 2.2: the client has to reject the whole set. That is worth keeping as
// long as the records are.
TEST(InterpretServices, OneMalformedRecordSpoilsTheSet) {
  const auto answer =
      answer_of(MessageBuilder()
                    .answers()
                    .record("example.com", Type::kHttps, 60, service({}))
                    .record("example.com", Type::kHttps, 60, service({0})));
  EXPECT_EQ(answer.status, AnswerStatus::kNoData);
  EXPECT_EQ(answer.fault, Fault::kServices);
  EXPECT_THAT(answer.services, IsEmpty());
  EXPECT_EQ(answer.ttl, std::chrono::seconds(60));
}

TEST(InterpretServices, TheChainOfCnamesIsFollowed) {
  const auto answer =
      answer_of(MessageBuilder()
                    .answers()
                    .cname("example.com", "cdn.example", 30)
                    .record("cdn.example", Type::kHttps, 60, {0, 1, 0}));
  EXPECT_THAT(answer.services, ElementsAre(ServiceRecord{.priority = 1}));
  EXPECT_EQ(answer.canonical, test_name("cdn.example"));
  EXPECT_EQ(answer.ttl, std::chrono::seconds(30));
}

TEST(InterpretServices, NoneIsANegativeAnswer) {
  const auto answer =
      answer_of(MessageBuilder().authorities().soa("com", 900, 60));
  EXPECT_EQ(answer.status, AnswerStatus::kNoData);
  EXPECT_EQ(answer.ttl, std::chrono::seconds(60));
}

}  // namespace
}  // namespace happy::dns
