#include "config/host_pattern.h"

#include <algorithm>

#include "config/diagnostics.h"

namespace happy::config {
namespace {

constexpr size_t kMaxName = 253;
constexpr size_t kMaxLabel = 63;

using Unexpected = tl::unexpected<std::string>;

// std::tolower asks the host program's locale.
char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

bool is_name_character(char c) {
  const char l = lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

std::string_view without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

// Empty if the label is good.
std::string fault_in_label(std::string_view label) {
  if (label.empty()) return "has an empty label";
  const auto bad =
      std::find_if_not(label.begin(), label.end(), is_name_character);
  if (bad != label.end()) {
    if (static_cast<unsigned char>(*bad) >= 0x80) {
      return "has a label that is not ASCII: write it as an A-label (xn--...)";
    }
    if (*bad == '*') return "may have \"*\" only as its whole leftmost label";
    return "has the character " + quote({&*bad, 1}) +
           ", which host names cannot have";
  }
  if (label.size() > kMaxLabel) return "has a label of more than 63 octets";
  return {};
}

std::string fault_in_name(std::string_view name) {
  if (name.empty()) return "names no host";
  for (size_t at = 0; at <= name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    std::string fault = fault_in_label(name.substr(at, dot - at));
    if (!fault.empty()) return fault;
    at = dot + 1;
  }
  if (name.size() > kMaxName) return "has more than 253 octets";
  return {};
}

// `written` is what the user wrote, for the error.
tl::expected<std::string, std::string> parse_name(std::string_view name,
                                                  std::string_view written) {
  if (IpAddress::parse(name)) {
    return Unexpected(quote(written) + " is an address; a host name is needed");
  }
  name = without_final_dot(name);
  const std::string fault = fault_in_name(name);
  if (!fault.empty()) return Unexpected(quote(written) + " " + fault);
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool equal_ignoring_case(std::string_view host, std::string_view lower_case) {
  return std::equal(host.begin(), host.end(), lower_case.begin(),
                    lower_case.end(),
                    [](char h, char l) { return lower(h) == l; });
}

}  // namespace

tl::expected<std::string, std::string> parse_host_name(std::string_view text) {
  return parse_name(text, text);
}

tl::expected<HostPattern, std::string> parse_host_pattern(
    std::string_view text) {
  using Kind = HostPattern::Kind;
  if (text == "*") return HostPattern{Kind::kAny, ""};
  const bool below = text.starts_with("*.");
  auto name = parse_name(below ? text.substr(2) : text, text);
  if (!name) return Unexpected(name.error());
  return HostPattern{below ? Kind::kBelow : Kind::kExact, *std::move(name)};
}

std::string to_string(const HostPattern& pattern) {
  switch (pattern.kind) {
    case HostPattern::Kind::kExact:
      return pattern.name;
    case HostPattern::Kind::kBelow:
      return "*." + pattern.name;
    case HostPattern::Kind::kAny:
      break;
  }
  return "*";
}

bool HostPattern::matches(std::string_view host) const {
  host = without_final_dot(host);
  switch (kind) {
    case Kind::kAny:
      return true;
    case Kind::kExact:
      return equal_ignoring_case(host, name);
    case Kind::kBelow:
      break;
  }
  // At least one octet and a dot before the name.
  if (host.size() < name.size() + 2) return false;
  const size_t dot = host.size() - name.size() - 1;
  return host[dot] == '.' && equal_ignoring_case(host.substr(dot + 1), name);
}

}  // namespace happy::config
