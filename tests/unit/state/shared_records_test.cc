// What is written for other processes is read as it was, and nothing else is
// believed.
#include "core/state/shared_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace happy::state {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr Time kNow{Duration(5'000'000'000)};
const SharedClock kClock{"this boot", Duration(7'000'000)};

dns::Name name(std::string_view text) { return *dns::Name::parse(text); }
IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

const AnswerKey kKey{"resolver", name("www.example"), dns::Type::kAaaa};

SharedAnswer answer() {
  SharedAnswer out;
  out.answer = {.status = dns::AnswerStatus::kAddresses,
                .addresses = {ip("2001:db8::1"), ip("2001:db8::2")},
                .canonical = name("end.example"),
                .aliases = {name("www.example"), name("mid\\.dle.example")},
                .ttl = 300s,
                .extended_error = {}};
  out.stored = kNow;
  return out;
}

TEST(SharedAnswer, ComesBackAsItWas) {
  const auto back = answer_of(to_text(kKey, answer(), kClock), kKey, kClock);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->answer, answer().answer);
  EXPECT_EQ(back->stored, kNow);
}

TEST(SharedAnswer, NoSuchNameIsOneToo) {
  SharedAnswer none = answer();
  none.answer.status = dns::AnswerStatus::kNoName;
  none.answer.rcode = dns::Rcode::kNameError;
  none.answer.addresses.clear();
  const auto back = answer_of(to_text(kKey, none, kClock), kKey, kClock);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->answer, none.answer);
}

// Another process' clock has another zero.
TEST(SharedAnswer, TimesAreThoseOfTheReader) {
  const SharedClock other{"this boot", Duration(9'000'000)};
  const auto back = answer_of(to_text(kKey, answer(), kClock), kKey, other);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->stored, kNow - 2s);
}

TEST(SharedAnswer, IsForItsKeyAndBootAlone) {
  const std::string text = to_text(kKey, answer(), kClock);
  AnswerKey other = kKey;
  other.resolver = "another";
  EXPECT_FALSE(answer_of(text, other, kClock));
  other = kKey;
  other.type = dns::Type::kA;
  EXPECT_FALSE(answer_of(text, other, kClock));
  other = kKey;
  other.name = name("w.example");
  EXPECT_FALSE(answer_of(text, other, kClock));
  EXPECT_FALSE(answer_of(text, kKey, {"next boot", kClock.offset}));
  EXPECT_TRUE(is_record(text));
}

TEST(SharedAnswer, HasOneFileWhateverTheCaseOfItsName) {
  AnswerKey loud = kKey;
  loud.name = name("WWW.example");
  EXPECT_EQ(file_name(kKey), file_name(loud));
  EXPECT_TRUE(answer_of(to_text(kKey, answer(), kClock), loud, kClock));
  AnswerKey ipv4 = kKey;
  ipv4.type = dns::Type::kA;
  EXPECT_NE(file_name(kKey), file_name(ipv4));
}

// Every prefix, and every octet changed: no crash, and no address that was not
// written but by a changed address itself.
TEST(SharedAnswer, ABrokenTextIsNoAnswer) {
  const std::string text = to_text(kKey, answer(), kClock);
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(answer_of(text.substr(0, size), kKey, kClock)) << size;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    for (const char octet : {'\0', '"', '}', '9', '\x80'}) {
      changed[i] = octet;
      const auto back = answer_of(changed, kKey, kClock);
      EXPECT_TRUE(!back || back->answer.addresses.size() == 2) << changed;
    }
  }
}

TEST(SharedAnswer, AWrongValueIsNoAnswer) {
  const json good = json::parse(to_text(kKey, answer(), kClock));
  for (const auto& [key, value] :
       std::initializer_list<std::pair<const char*, json>>{
           {"format", 2},
           {"kind", "history"},
           {"status", "server failure"},
           {"status", "no data"},
           {"addresses", json::array()},
           {"addresses", {"192.0.2.1"}},
           {"addresses", {"nonsense"}},
           {"addresses", 7},
           {"canonical", ""},
           {"aliases", {"a..b"}},
           {"ttl", -1},
           {"ttl", 1LL << 40},
           {"stored", "now"}}) {
    json bad = good;
    bad[key] = value;
    EXPECT_FALSE(answer_of(bad.dump(), kKey, kClock)) << bad;
    bad.erase(key);
    EXPECT_FALSE(answer_of(bad.dump(), kKey, kClock)) << bad;
  }
}

TEST(SharedAnswer, ResolversAreTheSameWhereAllOfTheirAuthenticationIs) {
  const config::Resolver one{.name = "one",
                             .addresses = {ip("192.0.2.53")},
                             .auth_name = "dot.example"};
  config::Resolver other = one;
  other.name = "other";
  EXPECT_EQ(identity_of(one), identity_of(other)) << "the policy's own word";
  other.auth_name = "dns.example";
  EXPECT_NE(identity_of(one), identity_of(other));
  other = one;
  other.pins.push_back({});
  EXPECT_NE(identity_of(one), identity_of(other));
  other = one;
  other.port = 8853;
  EXPECT_NE(identity_of(one), identity_of(other));
}

HistorySnapshot history() {
  return {.network = NetworkId{0xfedcba9876543210},
          .rtt = {kNow, 20ms, 4ms},
          .entries = {{.address = ip("2001:db8::1"),
                       .rtt = {kNow - 1s, 10ms, 2ms},
                       .won = kNow - 1s,
                       .heard = kNow - 1s},
                      {.address = ip("192.0.2.1"),
                       .explored = kNow - 3s,
                       .failures = {{443, FailureKind::kSilent, kNow - 2s}},
                       .heard = kNow - 2s}}};
}

TEST(SharedHistory, ComesBackAsItWas) {
  const std::string text = to_text(history(), kClock);
  EXPECT_EQ(history_of(text, history().network, kClock), history());
  EXPECT_FALSE(history_of(text, NetworkId{1}, kClock));
  EXPECT_FALSE(history_of(text.substr(1), history().network, kClock));
}

TEST(SharedHistory, OfAnAddressTheLatestNewsCount) {
  AddressHistory mine;
  const NetworkId network = history().network;
  mine.enter(network);
  const Endpoint near{ip("2001:db8::1"), 443}, dead{ip("192.0.2.1"), 443};
  mine.failed(network, near, FailureKind::kRefused, kNow - 5s);
  mine.connected(network, dead, 5ms, kNow);
  mine.join(history(), kNow);
  EXPECT_FALSE(mine.failed_lately(near, kNow)) << "it has won since";
  EXPECT_FALSE(mine.failed_lately(dead, kNow)) << "this process knows better";
  EXPECT_EQ(mine.size(), 2u);
}

TEST(SharedHistory, IsOfItsNetworkAndOfThePast) {
  AddressHistory mine;
  mine.enter(NetworkId{1});
  mine.join(history(), kNow);
  EXPECT_EQ(mine.size(), 0u);
  mine.enter(history().network);
  mine.join(history(), kNow - 10s);
  EXPECT_EQ(mine.size(), 0u) << "from the future";
  mine.join(history(), kNow + std::chrono::hours(1));
  EXPECT_EQ(mine.size(), 0u) << "long ago";
  mine.join(history(), kNow);
  EXPECT_TRUE(mine.failed_lately({ip("192.0.2.1"), 443}, kNow));
}

TEST(SharedHistory, KeepsWhoWasHeardOfLast) {
  AddressHistory mine;
  const NetworkId network = history().network;
  mine.enter(network);
  for (uint8_t i = 0; i < 200; ++i)
    mine.connected(network, {IpAddress::v4(192, 0, 2, i), 80}, 5ms,
                   kNow + Duration(i));
  const std::string text = to_text(mine.snapshot(), kClock);
  EXPECT_LT(text.size(), 65536u);
  const auto back = history_of(text, network, kClock);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->entries.size(), 128u);
  EXPECT_EQ(back->entries.front().address, IpAddress::v4(192, 0, 2, 199));
}

TEST(SharedTicket, ComesBackAsItWas) {
  const std::string key("k\0y\xff", 4), data("\x00\x01 t", 4);
  const std::string text = to_text(SharedTicket{key, data, kNow}, kClock);
  const auto back = ticket_of(text, key, kClock);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ticket, data);
  EXPECT_EQ(back->stored, kNow);
  EXPECT_TRUE(is_record(text));
}

TEST(SharedTicket, OfAnotherKeyBootOrShapeIsNone) {
  const std::string text = to_text(SharedTicket{"key", "data", kNow}, kClock);
  EXPECT_FALSE(ticket_of(text, "other", kClock));
  EXPECT_FALSE(ticket_of(text, "key", {"another boot", {}}));
  for (const char* bad : {"", "0", "0g", "zz", "0 "}) {
    json record = json::parse(text);
    record["ticket"] = bad;
    EXPECT_FALSE(ticket_of(record.dump(), "key", kClock)) << bad;
  }
}

const ResolverKey kResolver{"resolver", NetworkId{7}};

dns::ResolverKnowledge knowledge() {
  return {.health = {10s, kNow + 8s},
          .preferred = 1,
          .addresses = {{{20s, kNow + 3s}, {}}, {{}, {2500ms, kNow - 1s}}}};
}

TEST(SharedKnowledge, ComesBackAsItWas) {
  const std::string text = to_text(kResolver, knowledge(), kClock);
  const auto back = knowledge_of(text, kResolver, kClock);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, knowledge());
  EXPECT_TRUE(is_record(text));
}

TEST(SharedKnowledge, OfAnotherResolverNetworkOrShapeIsNone) {
  const std::string text = to_text(kResolver, knowledge(), kClock);
  EXPECT_FALSE(knowledge_of(text, {"other", NetworkId{7}}, kClock));
  EXPECT_FALSE(knowledge_of(text, {"resolver", NetworkId{8}}, kClock));
  EXPECT_FALSE(knowledge_of(text, kResolver, {"another boot", {}}));
  json record = json::parse(text);
  record["preferred"] = 2;
  EXPECT_FALSE(knowledge_of(record.dump(), kResolver, kClock));
  record = json::parse(text);
  record["health"]["pause"] = int64_t{1} << 60;
  EXPECT_FALSE(knowledge_of(record.dump(), kResolver, kClock));
}

}  // namespace
}  // namespace happy::state
