#include "core/dns/name.h"

#include <algorithm>
#include <cctype>

namespace happy::dns {
namespace {

// A name holds at most 127 labels; a pointer that is followed by no label has
// no use. Bounds the work for messages made of nothing but pointers.
constexpr int kMaxPointers = 127;
constexpr uint8_t kPointerBits = 0xc0;

// tolower(3) depends on the locale; DNS folds ASCII only (RFC 4343).
constexpr unsigned char fold(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet;
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes one escaped or plain octet off the front of `text`.
std::optional<char> take_octet(std::string_view& text) {
  if (text.front() != '\\') {
    const char plain = text.front();
    text.remove_prefix(1);
    return plain;
  }
  text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  if (!is_digit(text[0])) {
    const char quoted = text[0];
    text.remove_prefix(1);
    return quoted;
  }
  if (text.size() < 3 || !is_digit(text[1]) || !is_digit(text[2])) {
    return std::nullopt;
  }
  const int value =
      (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  if (value > 255) return std::nullopt;
  text.remove_prefix(3);
  return static_cast<char>(value);
}

void append_escaped(std::string& out, char c) {
  const auto octet = static_cast<unsigned char>(c);
  if (octet <= ' ' || octet >= 0x7f) {
    out += '\\';
    out += static_cast<char>('0' + octet / 100);
    out += static_cast<char>('0' + octet / 10 % 10);
    out += static_cast<char>('0' + octet % 10);
    return;
  }
  if (std::string_view(".\\\"();@$").find(c) != std::string_view::npos) {
    out += '\\';
  }
  out += c;
}

}  // namespace

bool Name::append_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (wire_size() + 1 + label.size() > kMaxWire) return false;
  labels_ += static_cast<char>(label.size());
  labels_ += label;
  return true;
}

std::optional<Name> Name::parse(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Name out;
  if (text == ".") return out;
  std::string label;
  while (!text.empty()) {
    if (text.front() == '.') {
      if (!out.append_label(label)) return std::nullopt;
      label.clear();
      text.remove_prefix(1);
      continue;
    }
    const auto octet = take_octet(text);
    if (!octet) return std::nullopt;
    label += *octet;
    if (label.size() > kMaxLabel) return std::nullopt;
  }
  if (!label.empty() && !out.append_label(label)) return std::nullopt;
  return out;
}

std::optional<Name> Name::read(Reader& reader) {
  Name out;
  std::optional<size_t> resume;  // behind the first pointer
  size_t lowest = reader.offset();
  for (int pointers = 0; pointers <= kMaxPointers;) {
    const auto length = reader.u8();
    if (!length) return std::nullopt;
    if (*length == 0) {
      if (resume && !reader.seek(*resume)) return std::nullopt;
      return out;
    }
    if ((*length & kPointerBits) == kPointerBits) {
      const auto low = reader.u8();
      if (!low) return std::nullopt;
      const size_t target = (*length & 0x3fu) << 8 | *low;
      if (!resume) resume = reader.offset();
      if (target >= lowest || !reader.seek(target)) return std::nullopt;
      lowest = target;
      ++pointers;
      continue;
    }
    const auto label = reader.take(*length);  // 0x40 and 0x80: refused below
    if (!label) return std::nullopt;
    if (!out.append_label(
            {reinterpret_cast<const char*>(label->data()), label->size()})) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

void Name::write(Writer& writer) const {
  writer.bytes(
      {reinterpret_cast<const uint8_t*>(labels_.data()), labels_.size()});
  writer.u8(0);
}

std::string Name::to_string() const {
  if (is_root()) return ".";
  std::string out;
  for (size_t at = 0; at < labels_.size();) {
    const size_t length = static_cast<uint8_t>(labels_[at]);
    if (at != 0) out += '.';
    for (size_t i = at + 1; i <= at + length; ++i) {
      append_escaped(out, labels_[i]);
    }
    at += 1 + length;
  }
  return out;
}

std::optional<Name> Name::joined(const Name& suffix) const {
  if (labels_.size() + suffix.wire_size() > kMaxWire) return std::nullopt;
  Name out = *this;
  out.labels_ += suffix.labels_;
  return out;
}

Name Name::parent() const {
  Name out;
  if (!is_root()) {
    out.labels_ = labels_.substr(1 + static_cast<size_t>(labels_[0]));
  }
  return out;
}

Name Name::lowered() const {
  Name out = *this;
  std::transform(out.labels_.begin(), out.labels_.end(), out.labels_.begin(),
                 [](char c) { return static_cast<char>(fold(c)); });
  return out;
}

size_t Name::label_count() const {
  size_t count = 0;
  for (size_t at = 0; at < labels_.size();
       at += 1 + static_cast<size_t>(labels_[at])) {
    ++count;
  }
  return count;
}

bool Name::is_within(const Name& ancestor) const {
  size_t at = 0;
  while (labels_.size() - at > ancestor.labels_.size()) {
    at += size_t{1} + static_cast<uint8_t>(labels_[at]);
  }
  return std::ranges::equal(std::string_view(labels_).substr(at),
                            ancestor.labels_,
                            [](char a, char b) { return fold(a) == fold(b); });
}

bool Name::operator==(const Name& other) const {
  return std::equal(labels_.begin(), labels_.end(), other.labels_.begin(),
                    other.labels_.end(),
                    [](char a, char b) { return fold(a) == fold(b); });
}

std::weak_ordering Name::operator<=>(const Name& other) const {
  return std::lexicographical_compare_three_way(
      labels_.begin(), labels_.end(), other.labels_.begin(),
      other.labels_.end(),
      [](char a, char b) -> std::weak_ordering { return fold(a) <=> fold(b); });
}

size_t Name::hash() const {
  size_t seed = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : labels_) seed = (seed ^ fold(c)) * 0x100000001b3u;
  return seed;
}

bool is_host_name(std::string_view text) {
  const auto allowed = [](char c) {
    return is_digit(c) || (fold(c) >= 'a' && fold(c) <= 'z') || c == '-' ||
           c == '_' || c == '.';
  };
  if (text.empty() || text.front() == '-' || text == ".") return false;
  return std::all_of(text.begin(), text.end(), allowed) &&
         Name::parse(text).has_value();
}

bool is_single_label(std::string_view text) {
  return !text.empty() && text != "." && text.find('.') >= text.size() - 1;
}

}  // namespace happy::dns
