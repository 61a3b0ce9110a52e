// The tree of a JSON text, and above all the place of everything in it.
#include "config/json_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace happy::config {
namespace {

using Kind = Value::Kind;

Value good(std::string_view text) {
  auto value = parse_json(text);
  if (value) return *std::move(value);
  ADD_FAILURE() << value.error().message << "\n" << text;
  return {};
}

TEST(JsonDocument, KeepsKindsAndContents) {
  const Value root = good(
      R"([null, true, -7, 18446744073709551615, 1.0, "a\u0000\n", [], {}])");
  ASSERT_EQ(root.elements.size(), 8u);
  EXPECT_EQ(root.elements[0].kind, Kind::kNull);
  EXPECT_TRUE(root.elements[1].boolean);
  EXPECT_EQ(root.elements[2].integer, -7);
  EXPECT_EQ(root.elements[3].kind, Kind::kInteger);
  EXPECT_EQ(root.elements[3].integer, INT64_MAX) << "saturated";
  EXPECT_EQ(root.elements[3].text, "18446744073709551615");
  EXPECT_EQ(root.elements[4].kind, Kind::kFraction);
  EXPECT_EQ(root.elements[5].text, std::string("a\0\n", 3));
  EXPECT_EQ(root.elements[6].kind, Kind::kArray);
  EXPECT_EQ(root.elements[7].kind, Kind::kObject);
}

TEST(JsonDocument, KeepsDuplicatesAndSaysWhereTheFirstIs) {
  const Value root = good("{\"a\": 1,\n \"b\": 2, \"a\": 3}");
  ASSERT_EQ(root.members.size(), 3u);
  EXPECT_FALSE(root.members[0].first_at);
  EXPECT_FALSE(root.members[1].first_at);
  EXPECT_EQ(root.members[2].first_at, (Position{1, 2}));
  EXPECT_EQ(root.find("a")->value.integer, 1);
  EXPECT_EQ(root.find("c"), nullptr);
}

TEST(JsonDocument, TheSameKeyInTwoObjectsIsNoDuplicate) {
  const Value root = good(R"([{"a": {"a": 1}}, {"a": 2}])");
  EXPECT_FALSE(root.elements[0].members[0].first_at);
  EXPECT_FALSE(root.elements[0].members[0].value.members[0].first_at);
  EXPECT_FALSE(root.elements[1].members[0].first_at);
}

TEST(JsonDocument, ACarriageReturnEndsACommentButNoLine) {
  const Value root = good("// comment\r [1]");
  EXPECT_EQ(root.at, (Position{1, 13}));
}

// Writes a random JSON text and notes, in order, where each key and value
// begins.
class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {
    blanks();
    value(0);
    blanks();
  }
  const std::string& text() const { return text_; }
  const std::vector<Position>& places() const { return places_; }

 private:
  unsigned below(unsigned bound) { return random_() % bound; }

  void blanks() {
    static const std::vector<std::string> kBlanks = {
        " ",    "\t",           "\n",   "\r\n",  "\r", "// \"{[:,\n",
        "//\n", "/* \"{ \n */", "/**/", "/***/", "",   "/*/ * / */",
        "\n ",  "// \xC3\xA4\n"};
    for (unsigned count = below(3); count > 0; --count) {
      text_ += kBlanks[below(kBlanks.size())];
    }
  }
  void token(const std::string& token) {
    const size_t line_start = text_.rfind('\n') + 1;
    const auto lines = std::count(text_.begin(), text_.end(), '\n');
    places_.push_back({static_cast<int>(lines) + 1,
                       static_cast<int>(text_.size() - line_start) + 1});
    text_ += token;
  }
  void mark(char c) {
    blanks();
    text_ += c;
    blanks();
  }
  std::string string() {
    static const std::vector<std::string> kStrings = {
        R"("")",        R"("a")",       R"("\"")",     R"("\\")",
        R"("//")",      R"("/* , */")", R"("\\\"{[")", R"("\u00e4")",
        "\"\xC3\xA4\"", R"("1,:")"};
    return kStrings[below(kStrings.size())];
  }
  std::string scalar() {
    static const std::vector<std::string> kScalars = {
        "null", "true", "false", "0",      "-0",
        "12",   "-1.5", "1e9",   "2.5E-3", "18446744073709551616"};
    return below(2) ? string() : kScalars[below(kScalars.size())];
  }
  void value(int depth) {
    const unsigned choice = depth > 6 ? 2 : below(4);
    if (choice > 1) return token(scalar());
    token(choice == 0 ? "{" : "[");
    blanks();
    for (unsigned i = 0, count = below(5); i < count; ++i) {
      if (i > 0) mark(',');
      if (choice == 0) {
        token(string());
        mark(':');
      }
      value(depth + 1);
    }
    blanks();
    text_ += choice == 0 ? "}" : "]";
  }

  std::mt19937 random_;
  std::string text_;
  std::vector<Position> places_;
};

void collect(const Value& value, std::vector<Position>* places) {
  places->push_back(value.at);
  for (const Value& element : value.elements) collect(element, places);
  for (const Member& member : value.members) {
    places->push_back(member.at);
    collect(member.value, places);
  }
}

TEST(JsonDocument, EveryKeyAndValueIsWhereTheWriterPutIt) {
  size_t tokens = 0;
  for (unsigned seed = 0; seed < 5000; ++seed) {
    const Writer writer(seed);
    std::vector<Position> places;
    collect(good(writer.text()), &places);
    ASSERT_EQ(places, writer.places()) << "seed " << seed << "\n"
                                       << writer.text();
    tokens += places.size();
  }
  EXPECT_GT(tokens, 20000u) << "the texts are too short to prove anything";
}

}  // namespace
}  // namespace happy::config
