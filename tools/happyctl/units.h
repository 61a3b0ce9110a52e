// Numbers and characters as users write and read them.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/time.h"

namespace happyctl {

inline double milliseconds(happy::Duration duration) {
  return static_cast<double>(duration.count()) / 1000;
}

// 1 to 65535, in decimal digits alone.
inline std::optional<uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end || port == 0 || port > 65535)
    return std::nullopt;
  return static_cast<uint16_t>(port);
}

// Of UTF-8: an octet within a character, not the first one.
inline bool continues_character(char octet) { return (octet & 0xc0) == 0x80; }

}  // namespace happyctl
