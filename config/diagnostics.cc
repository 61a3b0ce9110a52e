#include "config/diagnostics.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace happy::config {
namespace {

constexpr size_t kMaxQuoted = 60;

// Cuts before a UTF-8 continuation octet's character, never inside it.
std::string shortened(std::string_view text) {
  if (text.size() <= kMaxQuoted) return std::string(text);
  size_t end = kMaxQuoted;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  return std::string(text.substr(0, end)) + "...";
}

bool is_plain(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

auto order(const PolicyError& error) {
  return std::tie(error.line, error.column, error.key, error.message);
}

}  // namespace

void Diagnostics::add(Position at, std::string path, std::string message) {
  errors_.push_back({at.line, at.column, std::move(path), std::move(message)});
}

std::vector<PolicyError> Diagnostics::take() {
  std::vector<PolicyError> out = std::move(errors_);
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return order(a) < order(b); });
  const auto same = [](const auto& a, const auto& b) {
    return order(a) == order(b);
  };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  if (out.size() > kMaxErrors) out.resize(kMaxErrors);
  return out;
}

std::string child(std::string_view path, std::string_view key) {
  std::string out(path);
  if (!is_plain(key)) return out + "[" + quote(key) + "]";
  if (!out.empty()) out += ".";
  return out + shortened(key);
}

std::string child(std::string_view path, size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

std::string quote(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : shortened(text)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) {
      out += "\\u00";
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string describe(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBoolean:
      return value.boolean ? "true" : "false";
    case Value::Kind::kInteger:
    case Value::Kind::kFraction:
      return shortened(value.text);
    case Value::Kind::kString:
      return "the string " + quote(value.text);
    case Value::Kind::kArray:
      return "an array";
    case Value::Kind::kObject:
      break;
  }
  return "an object";
}

}  // namespace happy::config
