#include "core/dns/reverse_name.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace happy::dns {
namespace {

std::vector<std::string> labels_of(const Name& name) {
  std::vector<std::string> out(1);
  for (const char c : name.lowered().to_string()) {
    if (c == '.')
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

// a.b.c.d from the labels d, c, b, a.
std::optional<IpAddress> ipv4(const std::vector<std::string>& labels) {
  std::string text;
  for (size_t i = 4; i-- > 0;) text += labels[i] + (i > 0 ? "." : "");
  return IpAddress::parse(text);
}

std::optional<IpAddress> ipv6(const std::vector<std::string>& labels) {
  std::string text;
  for (size_t i = 32; i-- > 0;) {
    if (labels[i].size() != 1) return std::nullopt;
    text += labels[i];
    if (i % 4 == 0 && i > 0) text += ':';
  }
  return IpAddress::parse(text);
}

}  // namespace

std::optional<IpAddress> reverse_mapped(const Name& name) {
  static const Name kIpv4 = Name::parse("in-addr.arpa").value();
  static const Name kIpv6 = Name::parse("ip6.arpa").value();
  const size_t count = name.label_count();
  std::optional<IpAddress> out;
  if (count == 4 + 2 && name.is_within(kIpv4)) out = ipv4(labels_of(name));
  if (count == 32 + 2 && name.is_within(kIpv6)) out = ipv6(labels_of(name));
  return out;
}

std::string reverse_name(const IpAddress& address) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const bool ipv4 = address.family == Family::kIpv4;
  std::string out;
  for (size_t i = ipv4 ? 4 : address.bytes.size(); i-- > 0;) {
    const unsigned octet = address.bytes[i];
    if (ipv4) {
      out += std::to_string(octet) + '.';
    } else {
      out += {kDigits[octet & 0xf], '.', kDigits[octet >> 4], '.'};
    }
  }
  return out + (ipv4 ? "in-addr.arpa" : "ip6.arpa");
}

}  // namespace happy::dns
