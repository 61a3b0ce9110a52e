#include "core/dns/resolv_conf.h"

#include <algorithm>

namespace happy::dns {
namespace {

constexpr int kMaxNdots = 15;  // glibc's RES_MAXNDOTS
constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kNdots = "ndots:";

// The first word of `text`, which is taken off; empty at the end.
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const auto word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

// As atoi(3) for what may follow "ndots:": no digits are 0, the rest is cut.
int read_ndots(std::string_view digits) {
  int value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') break;
    value = std::min(value * 10 + (c - '0'), kMaxNdots);
  }
  return value;
}

void read_options(std::string_view words, ResolvConf& out) {
  for (auto word = take_word(words); !word.empty(); word = take_word(words)) {
    if (word.starts_with(kNdots)) {
      out.ndots = read_ndots(word.substr(kNdots.size()));
    }
  }
}

// At most `limit` elements, and none from the first on that is no domain name:
// res_search(3) gives up the list where it meets one.
std::vector<Name> read_names(std::string_view words, size_t limit = SIZE_MAX) {
  std::vector<Name> out;
  for (auto word = take_word(words); !word.empty() && limit > 0;
       word = take_word(words), --limit) {
    auto name = Name::parse(word);
    if (!name) break;
    out.push_back(std::move(*name));
  }
  return out;
}

std::vector<Name> domain_of(std::string_view host_name) {
  const size_t dot = host_name.find('.');
  if (dot == std::string_view::npos) return {};
  return read_names(host_name.substr(dot + 1), 1);
}

// A keyword stands at the line's very beginning, a blank behind it.
bool take_keyword(std::string_view& line, std::string_view keyword) {
  if (!line.starts_with(keyword)) return false;
  const auto rest = line.substr(keyword.size());
  if (rest.empty() || kBlanks.find(rest.front()) == std::string_view::npos) {
    return false;
  }
  line = rest;
  return true;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kBlanks) == std::string_view::npos;
}

}  // namespace

ResolvConf parse_resolv_conf(const ResolvConfSources& sources) {
  ResolvConf out;
  std::optional<std::vector<Name>> search;
  std::string_view text = sources.text;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    if (take_keyword(line, "domain")) {
      if (!is_blank(line)) search = read_names(line, 1);
    } else if (take_keyword(line, "search")) {
      if (!is_blank(line)) search = read_names(line);
    } else if (take_keyword(line, "options")) {
      read_options(line, out);
    }
  }
  if (sources.res_options) read_options(*sources.res_options, out);
  if (sources.local_domain) {
    std::string_view value = *sources.local_domain;
    search = read_names(take_line(value));
  }
  out.search = search ? *search : domain_of(sources.host_name);
  return out;
}

}  // namespace happy::dns
