#include "config/json_document.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "config/token_cursor.h"

namespace happy::config {
namespace {

using Json = nlohmann::json;
using Kind = Value::Kind;

// nlohmann: "[json.exception.parse_error.101] parse error at line 1, column 3:
// syntax error while parsing value - invalid literal; last read: 'x'". The
// place is said elsewhere, and what was last read may be a whole comment.
std::string tidy(std::string_view what) {
  const size_t start = what.find("syntax error");
  if (start == what.npos) return "syntax error";
  what.remove_prefix(start);
  const size_t last_read = what.find("; last read: ");
  if (last_read == what.npos) return std::string(what);
  std::string out(what.substr(0, last_read));
  // "; expected ..." comes after the quotation, which may hold anything.
  const size_t expected = what.rfind("'; expected ");
  if (expected != what.npos && expected > last_read) {
    out += what.substr(expected + 1);
  }
  return out;
}

Value value_of(Kind kind) {
  Value value;
  value.kind = kind;
  return value;
}

// The receiver of nlohmann's SAX events. A callback that returns false ends
// the parse; error_ then says why.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::string_view text) : text_(text), cursor_(text) {}

  Value take_root() { return std::move(root_); }
  const std::optional<SyntaxError>& error() const { return error_; }

  bool null() { return add(Value()) != nullptr; }
  bool boolean(bool truth) {
    Value value = value_of(Kind::kBoolean);
    value.boolean = truth;
    return add(std::move(value)) != nullptr;
  }
  bool number_integer(int64_t number) {
    Value value = value_of(Kind::kInteger);
    value.integer = number;
    return add(std::move(value)) != nullptr;
  }
  bool number_unsigned(uint64_t number) {
    constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
    return number_integer(static_cast<int64_t>(std::min(number, kMax)));
  }
  bool number_float(double, const std::string&) {
    return add(value_of(Kind::kFraction)) != nullptr;
  }
  bool string(std::string& content) {
    Value value = value_of(Kind::kString);
    value.text = std::move(content);
    return add(std::move(value)) != nullptr;
  }
  static bool binary(Json::binary_t&) { return false; }  // never in JSON text
  bool start_object(size_t) { return open(Kind::kObject); }
  bool start_array(size_t) { return open(Kind::kArray); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name);
  bool parse_error(size_t octets_read, const std::string& last_token,
                   const Json::exception& error);

 private:
  // A container still being filled. The pointer is stable: what holds the
  // container grows only after it is closed.
  struct Open {
    Value* value;
    std::unordered_map<std::string, Position> keys;
  };

  // nullptr, with error_ set, if there are too many.
  Value* add(Value value);
  bool open(Kind kind);
  bool close();
  bool fail(Position at, std::string message) {
    error_ = SyntaxError{at, std::move(message)};
    return false;
  }

  std::string_view text_;
  TokenCursor cursor_;
  Value root_;
  std::vector<Open> open_;
  size_t values_ = 0;
  std::optional<SyntaxError> error_;
};

Value* TreeBuilder::add(Value value) {
  value.at = cursor_.next();
  if (++values_ > kMaxValues) {
    fail(value.at,
         "more than " + std::to_string(kMaxValues) + " values in one file");
    return nullptr;
  }
  if (value.kind == Kind::kInteger || value.kind == Kind::kFraction) {
    value.text = cursor_.last();
  }
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  Value& parent = *open_.back().value;
  if (parent.kind == Kind::kArray) {
    return &parent.elements.emplace_back(std::move(value));
  }
  Value& slot = parent.members.back().value;
  slot = std::move(value);
  return &slot;
}

bool TreeBuilder::open(Kind kind) {
  Value* const added = add(value_of(kind));
  if (added == nullptr) return false;
  if (open_.size() == kMaxNesting) {
    return fail(added->at, "nested more than " + std::to_string(kMaxNesting) +
                               " levels deep");
  }
  open_.push_back({added, {}});
  return true;
}

bool TreeBuilder::close() {
  cursor_.next();
  open_.pop_back();
  return true;
}

bool TreeBuilder::key(std::string& name) {
  Member member;
  member.key = name;
  member.at = cursor_.next();
  const auto [known, added] =
      open_.back().keys.emplace(std::move(name), member.at);
  if (!added) member.first_at = known->second;
  open_.back().value->members.push_back(std::move(member));
  return true;
}

bool TreeBuilder::parse_error(size_t octets_read, const std::string&,
                              const Json::exception& error) {
  const std::string_view what = error.what();
  // 406: a number that no double can hold, well-formed otherwise.
  if (error.id == 406) {
    const Position at = cursor_.next();
    return fail(at, "the number " + std::string(cursor_.last().substr(0, 40)) +
                        " is too large");
  }
  // A token out of place is reported where it begins; a malformed token at
  // the octet that makes it so.
  if (what.find(" - unexpected ") != what.npos) {
    return fail(cursor_.token_reaching(octets_read), tidy(what));
  }
  return fail(locate(text_, octets_read - std::min<size_t>(octets_read, 1)),
              tidy(what));
}

}  // namespace

const Member* Value::find(std::string_view key) const {
  const auto found =
      std::find_if(members.begin(), members.end(),
                   [key](const Member& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

tl::expected<Value, SyntaxError> parse_json(std::string_view text) {
  if (text.size() > kMaxTextOctets) {
    return tl::unexpected(SyntaxError{
        locate(text, kMaxTextOctets),
        "longer than " + std::to_string(kMaxTextOctets) + " octets"});
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  // nlohmann takes a NUL for the end of the text and ignores what follows.
  if (const size_t nul = text.find('\0'); nul != text.npos) {
    return tl::unexpected(SyntaxError{locate(text, nul), "NUL octet"});
  }
  TreeBuilder builder(text);
  const bool done =
      Json::sax_parse(text.begin(), text.end(), &builder,
                      Json::input_format_t::json, true, /*comments=*/true);
  if (done) return builder.take_root();
  return tl::unexpected(
      builder.error().value_or(SyntaxError{{}, "syntax error"}));
}

}  // namespace happy::config
