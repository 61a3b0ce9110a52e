// The text forms of addresses. Apart from ip.cc, which libhappy.so shares: it
// must not pull in std::string.
#include <arpa/inet.h>

#include "core/base/ip.h"

namespace happy {

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family == Family::kIpv4 ? AF_INET : AF_INET6, bytes.data(), text,
            sizeof text);
  std::string out = text;
  if (scope_id != 0) out += "%" + std::to_string(scope_id);
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  IpAddress out;
  if (inet_pton(AF_INET, copy.c_str(), out.bytes.data()) == 1) return out;
  out.family = Family::kIpv6;
  if (inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1) return out;
  return std::nullopt;
}

std::string Endpoint::to_string() const {
  const std::string host = address.to_string();
  const std::string colon_port = ":" + std::to_string(port);
  if (address.family == Family::kIpv4) return host + colon_port;
  return "[" + host + "]" + colon_port;
}

}  // namespace happy
