#include "config/pin.h"

#include <optional>
#include <utility>

namespace happy::config {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
// 32 octets are 10 groups of 3 and a last one of 2, padded with one "=".
constexpr size_t kBase64Length = 44;

constexpr std::pair<std::string_view, Pin::Kind> kPrefixes[] = {
    {"key-fp:SHA256:", Pin::Kind::kKey},
    {"sha256:", Pin::Kind::kKey},
    {"sha256//", Pin::Kind::kKey},
    {"cert-fp:SHA256:", Pin::Kind::kCertificate},
};

std::optional<std::array<uint8_t, 32>> decode(std::string_view base64) {
  if (base64.size() != kBase64Length || base64.back() != '=') {
    return std::nullopt;
  }
  base64.remove_suffix(1);
  std::array<uint8_t, 32> out{};
  uint32_t bits = 0;
  int held = 0;
  size_t filled = 0;
  for (const char c : base64) {
    const size_t value = kAlphabet.find(c);
    if (value == kAlphabet.npos) return std::nullopt;
    bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xffffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[filled++] = static_cast<uint8_t>(bits >> held);
  }
  // RFC 4648 section 3.5: unused bits must be zero, so that a pin has one form.
  if ((bits & ((1u << held) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace

tl::expected<Pin, std::string> parse_pin(std::string_view text) {
  for (const auto& [prefix, kind] : kPrefixes) {
    if (!text.starts_with(prefix)) continue;
    const auto sha256 = decode(text.substr(prefix.size()));
    if (sha256) return Pin{kind, *sha256};
    return tl::unexpected<std::string>(
        "must end in the base64 form of exactly 32 octets (44 characters, the "
        "last is \"=\")");
  }
  return tl::unexpected<std::string>(
      "must be key-fp:SHA256:BASE64, sha256:BASE64, sha256//BASE64 or "
      "cert-fp:SHA256:BASE64");
}

std::string to_string(const Pin& pin) {
  std::string out = pin.kind == Pin::Kind::kKey ? "key-fp" : "cert-fp";
  out += ":SHA256:";
  uint32_t bits = 0;
  int held = 0;
  for (const uint8_t octet : pin.sha256) {
    bits = bits << 8 | octet;
    for (held += 8; held >= 6; held -= 6) {
      out += kAlphabet[bits >> (held - 6) & 63];
    }
  }
  // 256 bits leave four over.
  out += kAlphabet[bits << (6 - held) & 63];
  return out + "=";
}

}  // namespace happy::config
