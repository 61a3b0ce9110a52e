#include "core/race/gai_conf.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace happy::race {
namespace {

struct Line {
  IpAddress prefix;  // IPv6
  uint8_t length = 0;
  uint8_t value = 0;
};

std::string_view next_word(std::string_view* rest) {
  constexpr std::string_view kBlank = " \t\r\f\v";
  rest->remove_prefix(std::min(rest->find_first_not_of(kBlank), rest->size()));
  const auto word = rest->substr(0, rest->find_first_of(kBlank));
  rest->remove_prefix(word.size());
  return word;
}

std::optional<uint8_t> number(std::string_view text, int most) {
  int value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  if (value < 0 || value > most) return {};
  return static_cast<uint8_t>(value);
}

std::optional<Line> read(std::string_view prefix, std::string_view value) {
  const size_t slash = prefix.find('/');
  const auto address = IpAddress::parse(prefix.substr(0, slash));
  if (!address || address->family != Family::kIpv6) return std::nullopt;
  const auto length = slash == prefix.npos
                          ? std::optional<uint8_t>(128)
                          : number(prefix.substr(slash + 1), 128);
  const auto read_value = number(value, 255);
  if (!length || !read_value) return std::nullopt;
  return Line{*address, *length, *read_value};
}

bool covers(const Line& line, const IpAddress& address) {
  for (int bit = 0; bit < line.length; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    const auto at = static_cast<size_t>(bit / 8);
    if (((line.prefix.bytes[at] ^ address.bytes[at]) & mask) != 0) return false;
  }
  return true;
}

// The longest that covers the whole of the prefix.
uint8_t value_for(const std::vector<Line>& lines, const Line& prefix,
                  uint8_t otherwise) {
  const Line* best = nullptr;
  for (const Line& line : lines) {
    if (line.length > prefix.length || !covers(line, prefix.prefix)) continue;
    if (best == nullptr || line.length > best->length) best = &line;
  }
  return best ? best->value : otherwise;
}

void read_lines(std::string_view text, std::vector<Line>* labels,
                std::vector<Line>* precedences) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const auto key = next_word(&line), prefix = next_word(&line),
               value = next_word(&line);
    const bool label = key == "label";
    if (!label && key != "precedence") continue;
    const auto found = read(prefix, value);
    if (found) (label ? labels : precedences)->push_back(*found);
  }
}

}  // namespace

std::vector<PrefixPolicy> parse_gai_conf(std::string_view text) {
  std::vector<Line> labels, precedences;
  read_lines(text, &labels, &precedences);
  const bool own_labels = !labels.empty(), own_values = !precedences.empty();
  for (const PrefixPolicy& row : default_prefix_policies()) {
    if (!own_labels)
      labels.push_back({row.prefix, row.prefix_length, row.label});
    if (own_values) continue;
    precedences.push_back({row.prefix, row.prefix_length, row.precedence});
  }
  // Two tables as one: a row for every prefix that either has. What no row
  // covers has glibc's values.
  std::vector<PrefixPolicy> out;
  for (const auto* table : {&labels, &precedences}) {
    for (const Line& line : *table) {
      out.push_back({.prefix = line.prefix,
                     .prefix_length = line.length,
                     .precedence = value_for(precedences, line, 40),
                     .label = value_for(labels, line, 1)});
    }
  }
  return out;
}

}  // namespace happy::race
