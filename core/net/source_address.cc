#include "core/net/source_address.h"

#include <ifaddrs.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <tuple>

namespace happy::net {
namespace {

// One unconnected UDP socket of a family, opened at first use.
class Probe {
 public:
  explicit Probe(int family) : family_(family) {}
  ~Probe() {
    if (socket_ >= 0) close(socket_);
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  std::optional<IpAddress> source_for(const IpAddress& destination) {
    if (socket_ < 0) socket_ = socket(family_, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return std::nullopt;
    // Else the kernel keeps the source of the destination before.
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    std::ignore = connect(socket_, &nobody, sizeof nobody);
    sockaddr_storage address;
    // Any port but 0, which some kernels refuse.
    socklen_t length = Endpoint{destination, 9}.to_sockaddr(&address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (connect(socket_, generic, length) != 0) return std::nullopt;
    length = sizeof address;
    if (getsockname(socket_, generic, &length) != 0) return std::nullopt;
    const auto local = Endpoint::from_sockaddr(generic, length);
    return local ? std::optional(local->address) : std::nullopt;
  }

 private:
  const int family_;
  int socket_ = -1;
};

class Interfaces {
 public:
  Interfaces() {
    if (getifaddrs(&list_) != 0) list_ = nullptr;
  }
  ~Interfaces() {
    if (list_ != nullptr) freeifaddrs(list_);
  }
  Interfaces(const Interfaces&) = delete;
  Interfaces& operator=(const Interfaces&) = delete;

  // 32, a subnet of its own, for an address that no interface has.
  uint8_t prefix_length(const IpAddress& local) const {
    for (const ifaddrs* i = list_; i != nullptr; i = i->ifa_next) {
      if (i->ifa_addr == nullptr || i->ifa_netmask == nullptr) continue;
      const auto own =
          Endpoint::from_sockaddr(i->ifa_addr, sizeof(sockaddr_in));
      if (!own || own->address != local) continue;
      sockaddr_in mask;
      std::memcpy(&mask, i->ifa_netmask, sizeof mask);
      return static_cast<uint8_t>(std::popcount(mask.sin_addr.s_addr));
    }
    return 32;
  }

 private:
  ifaddrs* list_ = nullptr;
};

bool is_v4(const race::Destination& destination) {
  return destination.address.family == Family::kIpv4;
}

}  // namespace

std::vector<race::Destination> with_sources(
    std::span<const IpAddress> addresses) {
  Probe v4(AF_INET);
  Probe v6(AF_INET6);
  std::vector<race::Destination> out;
  for (const IpAddress& address : addresses) {
    Probe& probe = address.family == Family::kIpv4 ? v4 : v6;
    out.push_back({address, probe.source_for(address)});
  }
  if (std::count_if(out.begin(), out.end(), is_v4) < 2) return out;
  const Interfaces interfaces;
  for (race::Destination& destination : out) {
    if (!is_v4(destination) || !destination.source) continue;
    destination.source_prefix_length =
        interfaces.prefix_length(*destination.source);
  }
  return out;
}

const std::vector<race::Destination>& SourceReader::of(
    const std::vector<IpAddress>& addresses, Time now) {
  if (now - began_ >= kLife || known_.size() >= kMost) {
    known_.clear();
    began_ = now;
  }
  const auto [slot, is_new] = known_.try_emplace(addresses);
  if (is_new) slot->second = with_sources(addresses);
  return slot->second;
}

}  // namespace happy::net
