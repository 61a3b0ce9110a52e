// A JSON text as a tree in which every key and value knows where it stands.
// nlohmann/json's DOM drops duplicate keys and positions; this keeps both, and
// knows nothing of policies. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace happy::config {

// Both count from 1; columns count octets. A byte order mark counts as nothing.
struct Position {
  int line = 1;
  int column = 1;

  auto operator<=>(const Position&) const = default;
};

struct Member;

struct Value {
  enum class Kind : uint8_t {
    kNull,
    kBoolean,
    kInteger,
    kFraction,  // any number not written as a whole one: 2.5, 1e3, 1.0
    kString,
    kArray,
    kObject,
  };
  Kind kind = Kind::kNull;
  Position at{};
  bool boolean = false;
  int64_t integer = 0;  // saturated; `text` has the digits
  std::string text{};   // a string's content; a number as it is written
  std::vector<Value> elements;
  std::vector<Member> members;  // in the order of the text, duplicates kept

  // The first member of that name, or nullptr; nullptr for other kinds too.
  const Member* find(std::string_view key) const;
};

struct Member {
  std::string key{};
  Position at{};
  std::optional<Position> first_at{};  // set if the object has the key already
  Value value{};
};

struct SyntaxError {
  Position at;
  std::string message;
};

// Far beyond any sensible policy; they bound memory and recursion in the
// process that happens to read it.
inline constexpr size_t kMaxTextOctets = 1 << 20;
inline constexpr size_t kMaxNesting = 32;
inline constexpr size_t kMaxValues = 100000;

// RFC 8259, plus `//` and `/* */` comments wherever white space may stand. A
// NUL octet is refused anywhere, ill-formed UTF-8 anywhere but in comments.
tl::expected<Value, SyntaxError> parse_json(std::string_view text);

}  // namespace happy::config
