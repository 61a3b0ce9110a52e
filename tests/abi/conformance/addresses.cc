#include "tests/abi/conformance/addresses.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include <stdexcept>

namespace happy::abi {
namespace {

struct Token {
  const char* name;
  const char* address;
  bool at_world_port = true;
};

constexpr Token kTokens[] = {{"OPEN", "127.0.1.1"},
                             {"OPEN-TOO", "127.0.1.4"},
                             {"DEAD", "127.0.1.2"},
                             {"DEAD-TOO", "127.0.1.6"},
                             {"SHUT", "127.0.1.3"},
                             {"DEAD6", "::1"},
                             {"OPEN-MAPPED", "::ffff:127.0.1.1"},
                             {"SHUT-MAPPED", "::ffff:127.0.1.3"},
                             {"BROADCAST", "255.255.255.255"},
                             {"ANY", "0.0.0.0", false},
                             {"ANY6", "::", false},
                             {"LOCAL", "127.0.0.1", false},
                             {"LOCAL6", "::1", false},
                             {"OTHERS", "192.0.2.1", false}};

Address of_family(sa_family_t family, socklen_t length) {
  Address out;
  out.storage.ss_family = family;
  out.length = length;
  return out;
}

Address unix_address() {
  Address out = of_family(AF_UNIX, sizeof(sockaddr_un));
  strcpy(reinterpret_cast<sockaddr_un*>(&out.storage)->sun_path,
         "/nonexistent/socket");
  return out;
}

std::string host_class(const std::string& text) {
  if (text.starts_with("::ffff:"))
    return "mapped-" + host_class(text.substr(7));
  if (text == "127.0.1.1" || text == "127.0.1.4") return "good";
  if (text == "127.0.1.2" || text == "127.0.1.6") return "dead";
  if (text == "127.0.1.3" || text == "127.0.1.5") return "refusing";
  if (text == "127.0.0.1" || text == "::1") return "loopback";
  if (text == "0.0.0.0" || text == "::") return "any";
  return text;
}

std::string port_class(uint16_t port, uint16_t world_port) {
  if (port == 0) return ":0";
  return port == world_port ? ":world" : ":automatic";
}

}  // namespace

Address numeric(const std::string& text, uint16_t port) {
  Address out = of_family(AF_INET, sizeof(sockaddr_in));
  auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
  in->sin_port = htons(port);
  if (inet_pton(AF_INET, text.c_str(), &in->sin_addr) == 1) return out;
  out = of_family(AF_INET6, sizeof(sockaddr_in6));
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  in6->sin6_port = htons(port);
  if (inet_pton(AF_INET6, text.c_str(), &in6->sin6_addr) != 1)
    throw std::runtime_error("no address: " + text);
  return out;
}

Address address_of(const std::string& name, uint16_t port) {
  for (const Token& token : kTokens)
    if (name == token.name)
      return numeric(token.address, token.at_world_port ? port : 0);
  if (name == "UNSPEC") return of_family(AF_UNSPEC, sizeof(sockaddr_in));
  if (name == "UNIX") return unix_address();
  Address bad = of_family(AF_INET, sizeof(sockaddr_in));
  bad.is_bad = true;
  if (name == "NULL") return bad;
  bad.pointer = reinterpret_cast<const sockaddr*>(8);
  if (name == "BAD") return bad;
  throw std::runtime_error("unknown address: " + name);
}

std::string describe(const sockaddr_storage& address, socklen_t length,
                     uint16_t world_port) {
  char text[INET6_ADDRSTRLEN] = "";
  if (length < sizeof address.ss_family) return "nothing";
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    return "inet " + host_class(text) +
           port_class(ntohs(in.sin_port), world_port);
  }
  if (address.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
    return "inet6 " + host_class(text) +
           port_class(ntohs(in6.sin6_port), world_port);
  }
  return "family " + std::to_string(address.ss_family) + " length " +
         std::to_string(length);
}

}  // namespace happy::abi
