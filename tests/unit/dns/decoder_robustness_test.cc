// The decoder against bytes of every kind. Runs that find something print the
// seed; the same seed gives the same bytes.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "core/dns/answer.h"
#include "tests/unit/dns/message_builder.h"

namespace happy::dns {
namespace {

using Bytes = std::vector<uint8_t>;

const Question kQuestion{test_name("www.example.com"), Type::kA};

Bytes rich_reply() {
  return MessageBuilder(7)
      .question("www.example.com", Type::kA)
      .answers()
      .cname("www.example.com", "b.example.com")
      .address("b.example.com", "192.0.2.1")
      .address("b.example.com", "192.0.2.2")
      .record("x", Type::kTxt, 1, {3, 'a', 'b', 'c'})
      .authorities()
      .soa("example.com", 900, 60)
      .additionals()
      .address("c.example.com", "2001:db8::1")
      .opt({0, 11, 0, 2, 0, 9, 0, 15, 0, 4, 0, 3, 'h', 'i', 0, 12, 0, 0})
      .bytes();
}

// Names by pointers, as servers write them.
Bytes compressed_reply() {
  return {0,   7,   0x81, 0x80, 0,   1,   0,   2,    0,    0,   0,    0,  3,
          'w', 'w', 'w',  7,    'e', 'x', 'a', 'm',  'p',  'l', 'e',  3,  'c',
          'o', 'm', 0,    0,    1,   0,   1,   0xc0, 12,   0,   5,    0,  1,
          0,   0,   0,    9,    0,   4,   1,   'b',  0xc0, 16,  0xc0, 45, 0,
          1,   0,   1,    0,    0,   0,   9,   0,    4,    192, 0,    2,  1};
}

// Everything that is done with a reply; its value only keeps it alive.
size_t work(const Bytes& bytes) {
  const auto message = decode(bytes);
  if (!message) return static_cast<size_t>(message.error());
  const Answer answer = interpret(*message, kQuestion);
  size_t sum = matches(*message, 7, kQuestion) ? 1 : 0;
  for (const Record& record : message->answers) {
    sum += record.owner.to_string().size();
  }
  return sum + answer.addresses.size() + describe(answer).size();
}

TEST(DecoderRobustness, TheGoodMessagesAreGood) {
  EXPECT_TRUE(interpret(*decode(rich_reply()), kQuestion).is_positive());
  const auto answer = interpret(*decode(compressed_reply()), kQuestion);
  EXPECT_TRUE(answer.is_positive());
  EXPECT_EQ(answer.canonical, test_name("b.example.com"));
}

TEST(DecoderRobustness, EveryTruncationOfAGoodMessageIsAnError) {
  for (const Bytes& whole : {rich_reply(), compressed_reply()}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<long>(size));
      EXPECT_FALSE(decode(part).has_value()) << size;
    }
  }
}

TEST(DecoderRobustness, EveryOctetMayHaveEveryValue) {
  for (const Bytes& whole : {rich_reply(), compressed_reply()}) {
    for (size_t at = 0; at < whole.size(); ++at) {
      Bytes bytes = whole;
      for (int value = 0; value < 256; ++value) {
        bytes[at] = static_cast<uint8_t>(value);
        work(bytes);
      }
    }
  }
}

TEST(DecoderRobustness, CountsThatPromiseTooMuchAreShort) {
  Bytes bytes = compressed_reply();
  for (const size_t counter : {4u, 6u, 8u, 10u}) {
    Bytes more = bytes;
    more[counter] = more[counter + 1] = 0xff;
    EXPECT_FALSE(decode(more).has_value());
  }
}

// 100,000 inputs: half noise behind a plausible header, half good messages with
// a few octets changed, removed or doubled.
TEST(DecoderRobustness, SurvivesRandomAndMutatedBytes) {
  constexpr uint32_t kSeed = 20250117;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  const auto below = [&](size_t limit) { return random() % limit; };
  const Bytes seeds[] = {rich_reply(), compressed_reply()};
  for (int round = 0; round < 50'000; ++round) {
    Bytes noise(below(200));
    for (auto& octet : noise) octet = static_cast<uint8_t>(random());
    if (noise.size() > 11) {
      for (size_t i = 4; i < 12; ++i) noise[i] = i % 2 ? below(4) : 0;
    }
    work(noise);

    Bytes mutated = seeds[below(2)];
    for (size_t changes = 1 + below(6); changes > 0; --changes) {
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
          *at = static_cast<uint8_t>(0xc0);
          break;
        default:
          *at = static_cast<uint8_t>(random());
      }
    }
    work(mutated);
  }
}

Bytes of_records(const std::function<Bytes(size_t)>& record, size_t room) {
  Writer writer;
  writer.u16(7);
  writer.u16(0x8180);
  writer.zeros(8);
  uint16_t count = 0;
  for (Bytes next = record(0); writer.size() + next.size() <= room;
       next = record(++count)) {
    writer.bytes(next);
  }
  writer.patch_u16(6, count);
  return std::move(writer).finish();
}

// The dearest names: a ladder of pointers inside a record's rdata, and
// thousands of records whose owners climb it all. The bound on pointers makes
// that an error at once; under the bound the work is linear.
TEST(DecoderRobustness, LaddersOfPointersAreBounded) {
  const auto ladder = [](size_t rungs) {
    const size_t base = 12 + 11;  // of the rdata
    Bytes first = {0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    first[9] = static_cast<uint8_t>((1 + 2 * rungs) >> 8);
    first[10] = static_cast<uint8_t>(1 + 2 * rungs);
    for (size_t i = 0; i < rungs; ++i) {
      const size_t target = i == 0 ? base : base + 1 + 2 * (i - 1);
      first.push_back(static_cast<uint8_t>(0xc0 | target >> 8));
      first.push_back(static_cast<uint8_t>(target));
    }
    const size_t top = base + 1 + 2 * (rungs - 1);
    return of_records(
        [&](size_t i) {
          if (i == 0) return first;
          return Bytes{static_cast<uint8_t>(0xc0 | top >> 8),
                       static_cast<uint8_t>(top),
                       0,
                       16,
                       0,
                       1,
                       0,
                       0,
                       0,
                       0,
                       0,
                       0};
        },
        65535);
  };
  EXPECT_EQ(decode(ladder(126))->answers.size(), 1 + (65535u - 12 - 264) / 12);
  EXPECT_EQ(decode(ladder(127)).error(), DecodeError::kName);
  EXPECT_EQ(decode(ladder(8000)).error(), DecodeError::kName);
}

TEST(DecoderRobustness, ThousandsOfAddressesAreTakenInGoodTime) {
  const auto bytes = of_records(
      [](size_t i) {
        Bytes out = {1, 'a', 0, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 0, 0, 0};
        out[15] = static_cast<uint8_t>(i >> 8);
        out[16] = static_cast<uint8_t>(i);
        return out;
      },
      65535);
  const auto answer = interpret(*decode(bytes), {test_name("a"), Type::kA});
  EXPECT_EQ(answer.addresses.size(), (65535u - 12) / 17);
}

}  // namespace
}  // namespace happy::dns
