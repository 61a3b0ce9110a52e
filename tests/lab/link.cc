#include "tests/lab/link.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

constexpr const char* kFarEnd = "relay0";
constexpr std::array<uint8_t, ETH_ALEN> kMac{2, 0, 0, 0, 0, 1};

// Without ARP every frame carries the device's own address, in both directions.
// That makes it a stranger's at the far end, whose kernel drops it unseen.
constexpr const char* kPair =
    "link add wire0 address 02:00:00:00:00:01 type veth "
    "peer name relay0 address 02:00:00:00:00:02\n"
    "link set wire0 addrgenmode none arp off\n"
    "link set relay0 addrgenmode none arp off\n"
    "link set relay0 up\n";

// A veth passes on unfinished checksums and segments larger than the MTU; what
// reads packets needs them as a network card would send them.
void finish_in_kernel(int socket, const char* device) {
  for (const uint32_t command : {ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO}) {
    ethtool_value value{.cmd = command, .data = 0};
    ifreq request{};
    std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    check(ioctl(socket, SIOCETHTOOL, &request), "SIOCETHTOOL");
  }
}

std::vector<Descriptor> open_far_end() {
  std::vector<Descriptor> opened;
  // Protocol 0: nothing comes in before it is bound.
  opened.emplace_back(
      check(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
            "packet socket"));
  const int made = opened[0].get();
  finish_in_kernel(made, Link::kDevice);
  // Bursts wait here. The first is for root only, the second up to a limit.
  const int room = 4 << 20, on = 1;
  if (setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
    setsockopt(made, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  setsockopt(made, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex =
      check(static_cast<int>(if_nametoindex(kFarEnd)) - 1, kFarEnd) + 1;
  check(bind(made, reinterpret_cast<sockaddr*>(&address), sizeof address),
        "bind to relay0");
  return opened;
}

}  // namespace

Link::Link(const Namespace& inside) : buffer_(65536) {
  inside.must_run({"ip", "-batch", "-"}, kPair);
  socket_ = std::move(inside.open_inside(open_far_end).at(0));
  socklen_t size = sizeof to_;
  check(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&to_), &size),
        "getsockname");
  to_.sll_halen = ETH_ALEN;
  std::ranges::copy(kMac, to_.sll_addr);
}

std::optional<std::vector<uint8_t>> Link::read() {
  const ssize_t got = recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
  if (got < 0) return std::nullopt;
  return std::vector<uint8_t>(buffer_.begin(), buffer_.begin() + got);
}

void Link::write(std::span<const uint8_t> packet) const {
  sockaddr_ll to = to_;
  to.sll_protocol = htons(packet[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
  // A failure is a lost packet, as on any wire.
  (void)!sendto(socket_.get(), packet.data(), packet.size(), 0,
                reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

std::optional<std::string> why_no_namespaces() {
  try {
    const Namespace tried;
    const Link link(tried);
    return std::nullopt;
  } catch (const std::exception& error) {
    return std::string(
               "no namespace lab here, neither by root nor in a user "
               "namespace: ") +
           error.what();
  }
}

}  // namespace happy::lab
