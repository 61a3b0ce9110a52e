#include "core/net/network.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace happy::net {
namespace {

// Addresses of the world at large (a root name server's): what counts is which
// way the kernel would go, also under rules and tables of a VPN.
constexpr std::array<uint8_t, 4> kFar4 = {198, 41, 0, 4};
constexpr std::array<uint8_t, 16> kFar6 = {
    0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0x30};

class Fingerprint {
 public:
  void add(const void* data, size_t size) {  // FNV-1a
    const auto* octets = static_cast<const uint8_t*>(data);
    for (size_t i = 0; i < size; ++i) {
      value_ = (value_ ^ octets[i]) * 0x100000001b3ull;
    }
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325ull;
};

struct Question {
  nlmsghdr header{};
  rtmsg route{};
  rtattr attribute{};
  std::array<uint8_t, 16> destination{};
};

// Whether the kernel has a way there: added to `out`.
template <size_t kSize>
bool ask(int netlink, uint8_t family, const std::array<uint8_t, kSize>& far,
         Fingerprint* out) {
  Question question;
  question.attribute.rta_type = RTA_DST;
  question.attribute.rta_len = RTA_LENGTH(kSize);
  std::memcpy(question.destination.data(), far.data(), kSize);
  question.route.rtm_family = family;
  question.route.rtm_dst_len = kSize * 8;
  question.header.nlmsg_type = RTM_GETROUTE;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.header.nlmsg_len =
      NLMSG_LENGTH(sizeof(rtmsg)) + question.attribute.rta_len;
  if (send(netlink, &question, question.header.nlmsg_len, MSG_DONTWAIT) < 0) {
    return true;  // not known
  }
  // The answer is there when send() returns.
  alignas(nlmsghdr) std::array<char, 1024> reply;
  const auto got = recv(netlink, reply.data(), reply.size(), MSG_DONTWAIT);
  const auto* header = reinterpret_cast<const nlmsghdr*>(reply.data());
  if (got <= 0 || !NLMSG_OK(header, static_cast<size_t>(got))) return true;
  if (header->nlmsg_type != RTM_NEWROUTE) return false;  // an error
  const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(header));
  auto left = static_cast<int>(RTM_PAYLOAD(header));
  for (const rtattr* one = RTM_RTA(route); RTA_OK(one, left);
       one = RTA_NEXT(one, left)) {
    if (one->rta_type != RTA_OIF && one->rta_type != RTA_GATEWAY) continue;
    out->add(&family, sizeof family);
    out->add(RTA_DATA(one), RTA_PAYLOAD(one));
  }
  return true;
}

}  // namespace

Network ask_for_network() {
  Fingerprint out;
  const int netlink =
      socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (netlink < 0) return {state::NetworkId{out.value()}};
  const bool ipv4 = ask(netlink, AF_INET, kFar4, &out);
  ask(netlink, AF_INET6, kFar6, &out);
  close(netlink);
  return {state::NetworkId{out.value()}, ipv4};
}

}  // namespace happy::net
