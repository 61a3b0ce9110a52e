// IpAddress to and from the form in which addresses cross the C ABI of
// engine.h, and the form of lists of names. Included on both sides.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/ip.h"
#include "core/engine.h"

namespace happy {

inline happy_address to_abi(const IpAddress& address) {
  happy_address out{};
  out.family = address.family == Family::kIpv4 ? AF_INET : AF_INET6;
  out.scope_id = address.scope_id;
  std::copy(address.bytes.begin(), address.bytes.end(), out.bytes);
  return out;
}

inline IpAddress from_abi(const happy_address& address) {
  IpAddress out;
  out.family = address.family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  out.scope_id = address.scope_id;
  std::copy_n(address.bytes, out.family == Family::kIpv4 ? 4 : 16,
              out.bytes.begin());
  return out;
}

// Each name ended by a NUL.
inline std::string to_abi(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out.append(name).push_back('\0');
  return out;
}

}  // namespace happy
