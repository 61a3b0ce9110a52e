#include "tests/abi/conformance/vocabulary.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <sstream>
#include <stdexcept>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace happy::abi {
namespace {

struct Name {
  const char* text;
  uint32_t value;
};

constexpr Name kPoll[] = {
    {"in", POLLIN},         {"pri", POLLPRI},       {"out", POLLOUT},
    {"err", POLLERR},       {"hup", POLLHUP},       {"nval", POLLNVAL},
    {"rdnorm", POLLRDNORM}, {"wrnorm", POLLWRNORM}, {"rdhup", POLLRDHUP}};
constexpr Name kEpoll[] = {{"in", EPOLLIN},
                           {"pri", EPOLLPRI},
                           {"out", EPOLLOUT},
                           {"err", EPOLLERR},
                           {"hup", EPOLLHUP},
                           {"rdhup", EPOLLRDHUP},
                           {"edge", EPOLLET},
                           {"oneshot", EPOLLONESHOT},
                           {"rdnorm", EPOLLRDNORM},
                           {"wake", EPOLLWAKEUP},
                           {"exclusive", EPOLLEXCLUSIVE}};
constexpr Name kStatus[] = {{"nonblock", O_NONBLOCK},
                            {"async", O_ASYNC},
                            {"append", O_APPEND},
                            {"rdwr", O_RDWR}};
constexpr Name kConstants[] = {{"inet", AF_INET},
                               {"inet6", AF_INET6},
                               {"unix", AF_UNIX},
                               {"unspec", AF_UNSPEC},
                               {"stream", SOCK_STREAM},
                               {"dgram", SOCK_DGRAM},
                               {"nonblock", SOCK_NONBLOCK},
                               {"cloexec", SOCK_CLOEXEC},
                               {"mptcp", IPPROTO_MPTCP},
                               {"rd", SHUT_RD},
                               {"wr", SHUT_WR},
                               {"rdwr", SHUT_RDWR}};

constexpr auto kErrno = ValueKind::kErrno;
constexpr auto kLinger = ValueKind::kLinger;
constexpr auto kTime = ValueKind::kTime;
constexpr auto kText = ValueKind::kText;
constexpr Option kOptions[] = {
    {"SO_ERROR", SOL_SOCKET, SO_ERROR, kErrno},
    {"SO_TYPE", SOL_SOCKET, SO_TYPE},
    {"SO_DOMAIN", SOL_SOCKET, SO_DOMAIN},
    {"SO_PROTOCOL", SOL_SOCKET, SO_PROTOCOL},
    {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN},
    {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE},
    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR},
    {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT},
    {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE},
    {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST},
    {"SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE},
    {"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY},
    {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF},
    {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF},
    {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT},
    {"SO_TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP},
    {"SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY},
    {"SO_LINGER", SOL_SOCKET, SO_LINGER, kLinger},
    {"SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, kTime},
    {"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, kTime},
    {"SO_NOSUCH", SOL_SOCKET, 9999},
    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY},
    {"TCP_CORK", IPPROTO_TCP, TCP_CORK},
    {"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG},
    {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE},
    {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL},
    {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT},
    {"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT},
    {"TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2},
    {"TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT},
    {"TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT},
    {"TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK},
    {"TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
    {"TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, kText},
    {"IP_TOS", IPPROTO_IP, IP_TOS},
    {"IP_TTL", IPPROTO_IP, IP_TTL},
    {"IP_RECVERR", IPPROTO_IP, IP_RECVERR},
    {"IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER},
    {"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT},
    {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY},
    {"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS},
    {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS}};

template <size_t N>
uint32_t value_of(const Name (&names)[N], const std::string& text) {
  for (const Name& name : names)
    if (text == name.text) return name.value;
  throw std::runtime_error("unknown word: " + text);
}

template <size_t N>
uint32_t mask_of(const Name (&names)[N], const std::string& text) {
  if (text == "0") return 0;
  uint32_t mask = 0;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');)
    mask |= value_of(names, part);
  return mask;
}

template <size_t N>
std::string text_of(const Name (&names)[N], uint32_t mask) {
  std::string text;
  for (const Name& name : names) {
    if ((mask & name.value) == 0) continue;
    text += (text.empty() ? "" : ",") + std::string(name.text);
    mask &= ~name.value;
  }
  if (mask != 0) text += "+" + std::to_string(mask);
  return text.empty() ? "0" : text;
}

}  // namespace

std::string errno_name(int error) {
  if (error == 0) return "0";
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

const Option& option_of(const std::string& name) {
  for (const Option& option : kOptions)
    if (name == option.name) return option;
  throw std::runtime_error("unknown option: " + name);
}

short poll_events(const std::string& text) {
  return static_cast<short>(mask_of(kPoll, text));
}
std::string poll_text(int events) {
  return text_of(kPoll, static_cast<uint32_t>(events));
}
uint32_t epoll_events(const std::string& text) { return mask_of(kEpoll, text); }
std::string epoll_text(uint32_t events) { return text_of(kEpoll, events); }
int status_flags(const std::string& text) {
  return static_cast<int>(mask_of(kStatus, text));
}
std::string status_text(int flags) {
  return text_of(kStatus, static_cast<uint32_t>(flags));
}
int constant_of(const std::string& name) {
  return static_cast<int>(value_of(kConstants, name));
}

}  // namespace happy::abi
