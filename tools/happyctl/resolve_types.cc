// Names of record types for `happyctl resolve`. The codec's own list holds only
// those that the library handles.
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "tools/happyctl/resolve_ask.h"

namespace happyctl {
namespace {

constexpr std::array<std::pair<const char*, uint16_t>, 14> kTypes = {{
    {"A", 1},
    {"NS", 2},
    {"CNAME", 5},
    {"SOA", 6},
    {"PTR", 12},
    {"MX", 15},
    {"TXT", 16},
    {"AAAA", 28},
    {"SRV", 33},
    {"SSHFP", 44},
    {"TLSA", 52},
    {"SVCB", 64},
    {"HTTPS", 65},
    {"CAA", 257},
}};

}  // namespace

std::optional<uint16_t> parse_type(std::string text) {
  for (char& c : text) c = static_cast<char>(toupper(c));
  for (const auto& [name, number] : kTypes)
    if (text == name) return number;
  if (text.starts_with("TYPE")) text.erase(0, 4);  // RFC 3597 section 5
  uint16_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0)
    return std::nullopt;
  return number;
}

std::string type_text(uint16_t type) {
  for (const auto& [name, number] : kTypes)
    if (type == number) return name;
  return "TYPE" + std::to_string(type);
}

}  // namespace happyctl
