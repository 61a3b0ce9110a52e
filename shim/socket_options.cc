#include "shim/socket_options.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/tcp.h>
#include <string.h>

#include <atomic>

#include "shim/real.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IP_XFRM_POLICY
#define IP_XFRM_POLICY 17
#endif
#ifndef IP_IPSEC_POLICY
#define IP_IPSEC_POLICY 16
#endif

namespace happy::shim::socket_options {
namespace {

enum class Travel : uint8_t {
  kCopied,  // the same bytes; a failure to set it is no reason to lose a race
  kHalved,  // read back doubled (socket(7))
  kMust,    // decides where packets may go: set, or no attempt
  kMapsTo,  // IPv6 form of an IPv4 option, `twin`, on mapped attempts
};

struct Row {
  int level;
  int name;
  Travel travel;
  int twin = 0;
};

// IP_TOS stands before SO_PRIORITY, which it changes. Left out on purpose:
// TCP_FASTOPEN_CONNECT (extra attempts carry no data), and what describes a
// connection rather than asks for something.
constexpr Row kRows[] = {
    {IPPROTO_IP, IP_TOS, Travel::kCopied},
    {IPPROTO_IP, IP_TTL, Travel::kCopied},
    {IPPROTO_IP, IP_OPTIONS, Travel::kMust},
    {IPPROTO_IP, IP_MTU_DISCOVER, Travel::kCopied},
    {IPPROTO_IP, IP_RECVERR, Travel::kCopied},
    {IPPROTO_IP, IP_FREEBIND, Travel::kMust},
    {IPPROTO_IP, IP_TRANSPARENT, Travel::kMust},
    {IPPROTO_IP, IP_MINTTL, Travel::kCopied},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, Travel::kMust},
    {IPPROTO_IP, IP_UNICAST_IF, Travel::kMust},
    {IPPROTO_IP, IP_LOCAL_PORT_RANGE, Travel::kMust},
    {IPPROTO_IPV6, IPV6_V6ONLY, Travel::kMust},
    {IPPROTO_IPV6, IPV6_TCLASS, Travel::kMapsTo, IP_TOS},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, Travel::kMapsTo, IP_TTL},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, Travel::kCopied},
    {IPPROTO_IPV6, IPV6_DONTFRAG, Travel::kCopied},
    {IPPROTO_IPV6, IPV6_RECVERR, Travel::kCopied},
    {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, Travel::kCopied},
    {IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, Travel::kMust},
    {IPPROTO_IPV6, IPV6_FREEBIND, Travel::kMust},
    {IPPROTO_IPV6, IPV6_TRANSPARENT, Travel::kMust},
    {IPPROTO_IPV6, IPV6_UNICAST_IF, Travel::kMust},
    {IPPROTO_IPV6, IPV6_MINHOPCOUNT, Travel::kCopied},
    {SOL_SOCKET, SO_MARK, Travel::kMust},
    {SOL_SOCKET, SO_BINDTODEVICE, Travel::kMust},
    {SOL_SOCKET, SO_DONTROUTE, Travel::kMust},
    {SOL_SOCKET, SO_REUSEADDR, Travel::kCopied},
    {SOL_SOCKET, SO_REUSEPORT, Travel::kCopied},
    {SOL_SOCKET, SO_KEEPALIVE, Travel::kCopied},
    {SOL_SOCKET, SO_OOBINLINE, Travel::kCopied},
    {SOL_SOCKET, SO_LINGER, Travel::kCopied},
    {SOL_SOCKET, SO_PRIORITY, Travel::kCopied},
    {SOL_SOCKET, SO_SNDBUF, Travel::kHalved},
    {SOL_SOCKET, SO_RCVBUF, Travel::kHalved},
    {SOL_SOCKET, SO_RCVLOWAT, Travel::kCopied},
    {SOL_SOCKET, SO_SNDTIMEO, Travel::kCopied},
    {SOL_SOCKET, SO_RCVTIMEO, Travel::kCopied},
    {SOL_SOCKET, SO_TIMESTAMP, Travel::kCopied},
    {SOL_SOCKET, SO_TIMESTAMPNS, Travel::kCopied},
    {SOL_SOCKET, SO_TIMESTAMPING, Travel::kCopied},
    {SOL_SOCKET, SO_BUSY_POLL, Travel::kCopied},
    {SOL_SOCKET, SO_MAX_PACING_RATE, Travel::kCopied},
    {SOL_SOCKET, SO_INCOMING_CPU, Travel::kCopied},
    {SOL_SOCKET, SO_ZEROCOPY, Travel::kCopied},
    {SOL_SOCKET, SO_TXREHASH, Travel::kCopied},
    {IPPROTO_TCP, TCP_NODELAY, Travel::kCopied},
    {IPPROTO_TCP, TCP_MAXSEG, Travel::kCopied},
    {IPPROTO_TCP, TCP_CORK, Travel::kCopied},
    {IPPROTO_TCP, TCP_KEEPIDLE, Travel::kCopied},
    {IPPROTO_TCP, TCP_KEEPINTVL, Travel::kCopied},
    {IPPROTO_TCP, TCP_KEEPCNT, Travel::kCopied},
    {IPPROTO_TCP, TCP_SYNCNT, Travel::kCopied},
    {IPPROTO_TCP, TCP_LINGER2, Travel::kCopied},
    {IPPROTO_TCP, TCP_WINDOW_CLAMP, Travel::kCopied},
    {IPPROTO_TCP, TCP_CONGESTION, Travel::kCopied},
    {IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, Travel::kCopied},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, Travel::kCopied},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, Travel::kCopied},
    {IPPROTO_TCP, TCP_INQ, Travel::kCopied},
    {IPPROTO_TCP, TCP_TX_DELAY, Travel::kCopied},
};
constexpr int kRowCount = static_cast<int>(sizeof kRows / sizeof kRows[0]);

struct Value {
  uint8_t length = 0;
  uint8_t bytes[kMaxValue] = {};
};

// What a fresh TCP socket answers, by family; read once.
struct Defaults {
  std::atomic<bool> ready{false};
  Value values[kRowCount];
};
constinit Defaults defaults_v4, defaults_v6;

bool applies(const Row& row, int family) {
  return row.level != IPPROTO_IPV6 || family == AF_INET6;
}

Value read(int fd, const Row& row) {
  Value value;
  socklen_t length = kMaxValue;
  if (real::getsockopt(fd, row.level, row.name, static_cast<void*>(value.bytes),
                       &length) == 0) {
    value.length = static_cast<uint8_t>(length);
  }
  return value;
}

const Value* defaults_for(int family) {
  Defaults& defaults = family == AF_INET6 ? defaults_v6 : defaults_v4;
  if (defaults.ready.load(std::memory_order_acquire)) return defaults.values;
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  // Two threads may both do this; they write the same values.
  for (int i = 0; i < kRowCount; ++i) {
    if (applies(kRows[i], family)) defaults.values[i] = read(fd, kRows[i]);
  }
  real::close(fd);
  defaults.ready.store(true, std::memory_order_release);
  return defaults.values;
}

bool same(const Value& a, const Value& b) {
  return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

// A socket filter can be neither read whole nor told from an eBPF program.
bool has_filter(int fd) {
  socklen_t instructions = 0;
  return real::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER,
                          static_cast<void*>(nullptr), &instructions) != 0 ||
         instructions != 0;
}

bool add(int row, const Value& value, bool during_race, Snapshot* out) {
  Changed* slot = nullptr;
  for (int i = 0; i < out->count; ++i) {
    if (out->changed[i].row == row) slot = &out->changed[i];
  }
  if (slot == nullptr) {
    if (out->count == kMaxChanged) return false;
    slot = &out->changed[out->count++];
  }
  slot->row = static_cast<uint8_t>(row);
  slot->length = value.length;
  slot->during_race = during_race;
  memcpy(slot->bytes, value.bytes, value.length);
  return true;
}

bool take_bound_address(int fd, Snapshot* out) {
  out->local_length = sizeof out->local;
  if (real::getsockname(fd, reinterpret_cast<sockaddr*>(&out->local),
                        &out->local_length) != 0) {
    return false;
  }
  static constexpr uint8_t kAny[16] = {};
  if (out->family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&out->local);
    out->bound = in->sin_addr.s_addr != INADDR_ANY;
  } else {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&out->local);
    out->bound = memcmp(&in6->sin6_addr, kAny, sizeof kAny) != 0;
  }
  return true;
}

bool apply(const Changed& changed, int fd, bool mapped) {
  const Row& row = kRows[changed.row];
  uint8_t bytes[kMaxValue];
  memcpy(bytes, changed.bytes, changed.length);
  if (row.travel == Travel::kHalved) {
    int doubled;
    memcpy(&doubled, bytes, sizeof doubled);
    doubled /= 2;
    memcpy(bytes, &doubled, sizeof doubled);
  }
  const void* value = bytes;
  const socklen_t length = changed.length;
  int result = real::setsockopt(fd, row.level, row.name, value, length);
  if (mapped && row.travel == Travel::kMapsTo) {
    result = real::setsockopt(fd, int{IPPROTO_IP}, row.twin, value, length);
  }
  return result == 0 || row.travel != Travel::kMust;
}

}  // namespace

bool take(int fd, int family, int protocol, Snapshot* out) {
  out->family = family;
  out->protocol = protocol;
  out->count = 0;
  const Value* defaults = defaults_for(family);
  if (defaults == nullptr || has_filter(fd)) return false;
  for (int i = 0; i < kRowCount; ++i) {
    if (!applies(kRows[i], family)) continue;
    const Value value = read(fd, kRows[i]);
    if (value.length == 0 || same(value, defaults[i])) continue;
    if (!add(i, value, false, out)) return false;
  }
  return take_bound_address(fd, out);
}

bool give(const Snapshot& snapshot, int fd, bool mapped) {
  for (int i = 0; i < snapshot.count; ++i) {
    if (!apply(snapshot.changed[i], fd, mapped)) return false;
  }
  if (!snapshot.bound) return true;
  return bind(fd, reinterpret_cast<const sockaddr*>(&snapshot.local),
              snapshot.local_length) == 0;
}

void note_change(int fd, int level, int name, Snapshot* snapshot) {
  for (int i = 0; i < kRowCount; ++i) {
    if (kRows[i].level != level || kRows[i].name != name) continue;
    const Value value = read(fd, kRows[i]);
    if (value.length != 0) add(i, value, true, snapshot);
  }
}

void give_changed(const Snapshot& snapshot, int fd) {
  for (int i = 0; i < snapshot.count; ++i) {
    if (snapshot.changed[i].during_race) {
      apply(snapshot.changed[i], fd, snapshot.family == AF_INET6);
    }
  }
}

bool is_unreadable(int level, int name) {
  switch (level) {
    case IPPROTO_TCP:
      return name == TCP_MD5SIG || name == TCP_MD5SIG_EXT ||
             name == TCP_REPAIR || name == TCP_ULP;
    case IPPROTO_IP:
      return name == IP_XFRM_POLICY || name == IP_IPSEC_POLICY;
    case IPPROTO_IPV6:
      return name == IPV6_XFRM_POLICY || name == IPV6_IPSEC_POLICY ||
             name == IPV6_HOPOPTS || name == IPV6_DSTOPTS ||
             name == IPV6_RTHDR || name == IPV6_RTHDRDSTOPTS ||
             name == IPV6_PKTINFO || name == IPV6_2292PKTOPTIONS;
    default:
      return false;
  }
}

void copy_file_status(int from, int to) {
  const int flags = real::fcntl(from, F_GETFL);
  if (flags < 0) return;
  // Also without O_ASYNC: SIGURG goes to the owner too (socket(7)).
  f_owner_ex owner{};
  if (real::fcntl(from, F_GETOWN_EX, &owner) == 0) {
    real::fcntl(to, F_SETOWN_EX, &owner);
  }
  real::fcntl(to, F_SETSIG, real::fcntl(from, F_GETSIG));
  real::fcntl(to, F_SETFL, flags);
}

}  // namespace happy::shim::socket_options
