#include "tools/happyctl/policy_faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "tools/happyctl/terminal.h"
#include "tools/happyctl/units.h"

namespace happyctl {
namespace {

using happy::config::PolicyError;

constexpr size_t kBefore = 60;  // octets shown before the place, at most
constexpr size_t kWidth = 100;  // octets shown in all

// Counted as the parser does: by "\n" alone, after a byte order mark.
std::string_view line_of(std::string_view text, int number) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (--number > 0) {
    const size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         c == '-' || c == '+' || c == '.';
}

// The octets of the string or word at `line`'s start; 1 at least.
size_t token_size(std::string_view line) {
  size_t size = 1;
  if (line.starts_with('"')) {
    while (size < line.size() && line[size] != '"')
      size += line[size] == '\\' ? 2 : 1;
    return std::min(size + 1, line.size());
  }
  if (line.empty() || !is_word(line[0])) return 1;
  while (size < line.size() && is_word(line[size])) ++size;
  return size;
}

// One column an octet of ASCII or a character beyond; nothing for a terminal
// to act on.
std::string displayed(std::string_view part) {
  std::string out(part);
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }, ' ');
  return out;
}

size_t columns(std::string_view part) {
  return part.size() - static_cast<size_t>(std::count_if(
                           part.begin(), part.end(), continues_character));
}

}  // namespace

std::string excerpt(const std::string& text, const PolicyError& error) {
  const std::string_view line = line_of(text, error.line);
  const size_t place = static_cast<size_t>(std::max(error.column, 1)) - 1;
  if (place > line.size()) return {};
  size_t begin = place > kBefore ? place - kBefore : 0;
  size_t end = std::min(line.size(), begin + kWidth);
  while (begin < place && continues_character(line[begin])) ++begin;
  while (end > place && end < line.size() && continues_character(line[end]))
    --end;
  const std::string_view before = line.substr(begin, place - begin);
  const std::string_view token =
      line.substr(place, std::min(token_size(line.substr(place)), end - place));
  const std::string cut = begin > 0 ? "..." : "";
  const size_t tail = std::max<size_t>(columns(token), 1) - 1;
  return fmt::format("{:>5} | {}{}{}\n{:>5} | {}^{}\n", error.line, cut,
                     displayed(line.substr(begin, end - begin)),
                     end < line.size() ? "..." : "", "",
                     std::string(cut.size() + columns(before), ' '),
                     std::string(tail, '~'));
}

std::string faults_text(const PolicyFault& fault, FILE* stream) {
  const auto red = fmt::fg(fmt::terminal_color::red);
  const auto lines = fault.lines();
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    out += painted(lines[i], red, stream) + "\n";
    if (i < fault.errors.size())
      out += excerpt(fault.file.text, fault.errors[i]);
  }
  return out;
}

}  // namespace happyctl
