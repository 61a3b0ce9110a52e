#include "core/dns/name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace happy::dns {
namespace {

Name name(std::string_view text) {
  const auto parsed = Name::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value_or(Name());
}

std::optional<Name> read_at(const std::vector<uint8_t>& bytes, size_t offset) {
  Reader reader(bytes);
  EXPECT_TRUE(reader.seek(offset));
  return Name::read(reader);
}

TEST(NameText, FinalDotAndEscapesReadAlike) {
  EXPECT_EQ(name("www.example.com."), name("www.example.com"));
  EXPECT_EQ(name("a\\.b.example").label_count(), 2u);
  EXPECT_EQ(name("\\097.example"), name("a.example"));
  EXPECT_TRUE(name(".").is_root());
}

TEST(NameText, WhatIsPrintedReadsBack) {
  for (const char* text : {".", "www.example.com", "a\\.b.c", "sp\\032ace.c",
                           "\\000\\255.c", "q\\\"\\\\.c"}) {
    EXPECT_EQ(name(text).to_string(), text);
  }
}

TEST(NameText, RefusesWhatIsNoName) {
  for (const char* text :
       {"", "..", ".a", "a..b", "a\\", "a\\12", "a\\256", "a\\1x2"}) {
    EXPECT_FALSE(Name::parse(text).has_value()) << text;
  }
}

// RFC 1035 section 2.3.4: labels 63 octets or less, names 255 octets or less.
TEST(NameText, HoldsTheLimitsOfLabelsAndNames) {
  const std::string label(63, 'a');
  EXPECT_TRUE(Name::parse(label).has_value());
  EXPECT_FALSE(Name::parse(label + "a").has_value());
  const std::string three = label + "." + label + "." + label + ".";
  EXPECT_EQ(name(three + std::string(61, 'a')).wire_size(), 255u);
  EXPECT_FALSE(Name::parse(three + std::string(62, 'a')).has_value());
}

// RFC 4343: ASCII letters compare without case, other octets do not.
TEST(Name, ComparesAndHashesWithoutAsciiCase) {
  EXPECT_EQ(name("WWW.Example.COM"), name("www.example.com"));
  EXPECT_EQ(name("WWW.Example.COM").hash(), name("www.example.com").hash());
  EXPECT_EQ(name("WWW.Example").to_string(), "WWW.Example");
  EXPECT_EQ(name("WWW.Example").lowered().to_string(), "www.example");
  EXPECT_NE(name("a\\192"), name("a\\224"));
  EXPECT_NE(name("a.b"), name("a\\.b"));
  EXPECT_TRUE((name("A.b") <=> name("a.B")) == 0);
  EXPECT_TRUE((name("a.b") <=> name("a.c")) < 0);
}

TEST(Name, WithinMeansEqualOrBelowByWholeLabels) {
  EXPECT_TRUE(name("a.Example.com").is_within(name("example.COM")));
  EXPECT_TRUE(name("example.com").is_within(name("example.com")));
  EXPECT_TRUE(name("example.com").is_within(Name()));
  EXPECT_FALSE(name("badexample.com").is_within(name("example.com")));
  EXPECT_FALSE(name("com").is_within(name("example.com")));
  // An octet of a label that looks like a length is not a label's beginning.
  EXPECT_FALSE(name("x\\003com").is_within(name("com")));
}

TEST(Name, ParentTakesOneLabelOffAndStopsAtTheRoot) {
  EXPECT_EQ(name("a.b.c").parent(), name("b.c"));
  EXPECT_TRUE(name("c").parent().is_root());
  EXPECT_TRUE(Name().parent().is_root());
}

TEST(Name, JoiningHoldsTheLimit) {
  EXPECT_EQ(name("www").joined(name("example.com")), name("www.example.com"));
  EXPECT_EQ(name("www").joined(Name()), name("www"));
  const std::string label(63, 'a');
  const Name most = name(label + "." + label + "." + label);
  EXPECT_EQ(most.joined(name(std::string(61, 'b')))->wire_size(), 255u);
  EXPECT_FALSE(most.joined(name(std::string(62, 'b'))).has_value());
}

TEST(NameWire, SurvivesARoundTrip) {
  for (const char* text : {".", "www.example.com", "\\000.c"}) {
    Writer writer;
    name(text).write(writer);
    const auto bytes = std::move(writer).finish();
    EXPECT_EQ(bytes.size(), name(text).wire_size());
    EXPECT_EQ(read_at(bytes, 0)->to_string(), text);
  }
}

// RFC 1035 section 4.1.4: the example, F.ISI.ARPA and FOO.F.ISI.ARPA.
TEST(NameWire, FollowsCompressionAndEndsBehindThePointer) {
  const std::vector<uint8_t> bytes = {1,   'F', 3,    'I', 'S', 'I', 4,
                                      'A', 'R', 'P',  'A', 0,   3,   'F',
                                      'O', 'O', 0xc0, 0,   0x77};
  Reader reader(bytes);
  ASSERT_TRUE(reader.seek(12));
  EXPECT_EQ(Name::read(reader), name("FOO.F.ISI.ARPA"));
  EXPECT_EQ(reader.offset(), 18u);
}

TEST(NameWire, PointersMustPointStrictlyBackwards) {
  EXPECT_FALSE(read_at({0xc0, 0}, 0).has_value()) << "itself";
  EXPECT_FALSE(read_at({0xc0, 2, 0}, 0).has_value()) << "forwards";
  EXPECT_FALSE(read_at({0xc0, 2, 0xc0, 0}, 2).has_value()) << "each other";
  EXPECT_FALSE(read_at({1, 'a', 0xc0, 0}, 0).has_value()) << "its own label";
  EXPECT_FALSE(read_at({1, 'a', 0xc0, 0}, 2).has_value()) << "label loop";
  EXPECT_FALSE(read_at({1, 'a', 0xc0, 1, 0}, 2).has_value()) << "inside";
}

TEST(NameWire, BoundsTheNumberOfPointers) {
  const auto chain = [](size_t pointers) {
    std::vector<uint8_t> bytes = {0, 0};
    for (size_t i = 0; i < pointers; ++i) {
      const size_t target = i == 0 ? 0 : 2 * i;
      bytes.push_back(static_cast<uint8_t>(0xc0 | target >> 8));
      bytes.push_back(static_cast<uint8_t>(target));
    }
    return bytes;
  };
  EXPECT_TRUE(read_at(chain(127), size_t{2} * 127).has_value());
  EXPECT_FALSE(read_at(chain(128), size_t{2} * 128).has_value());
}

TEST(NameWire, RefusesReservedLabelTypesAndShortBytes) {
  EXPECT_FALSE(read_at({0x41, 'a', 0}, 0).has_value());
  EXPECT_FALSE(read_at({0x81, 'a', 0}, 0).has_value());
  EXPECT_FALSE(read_at({3, 'a', 'b'}, 0).has_value());
  EXPECT_FALSE(read_at({1, 'a'}, 0).has_value());
  EXPECT_FALSE(read_at({0xc0}, 0).has_value());
  EXPECT_FALSE(read_at({}, 0).has_value());
}

TEST(NameWire, CompressionCannotPassTheLimitOf255) {
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 3; ++i) {
    bytes.push_back(63);
    bytes.insert(bytes.end(), 63, 'a');
  }
  bytes.push_back(0);
  const auto with_label = [&](uint8_t length) {
    auto out = bytes;
    out.push_back(length);
    out.insert(out.end(), length, 'b');
    out.insert(out.end(), {0xc0, 0});
    return out;
  };
  EXPECT_TRUE(read_at(with_label(61), bytes.size()).has_value());
  EXPECT_FALSE(read_at(with_label(62), bytes.size()).has_value());
}

// The same texts were given to getaddrinfo(3) of glibc 2.36: the first were
// asked of the name server, the second were not.
TEST(HostName, IsWhatRfc1123AllowsAndTheUnderscore) {
  for (const char* text : {"a", "localhost", "www.example.com", "3com.com",
                           "a-b.c.", "_dmarc.example", "a_b", "x.-y"}) {
    EXPECT_TRUE(is_host_name(text)) << text;
  }
  for (const char* text : {"", ".", "-a", "a b", "a..b", "a/b", "\xc3\xa4.de",
                           "a\\.b", "*.example"}) {
    EXPECT_FALSE(is_host_name(text)) << text;
  }
  EXPECT_FALSE(is_host_name(std::string_view("a\0b", 3)));
}

TEST(HostName, SingleLabelsMayHaveAFinalDot) {
  EXPECT_TRUE(is_single_label("printer"));
  EXPECT_TRUE(is_single_label("printer."));
  EXPECT_FALSE(is_single_label("a.b"));
  EXPECT_FALSE(is_single_label("."));
  EXPECT_FALSE(is_single_label(""));
}

}  // namespace
}  // namespace happy::dns
