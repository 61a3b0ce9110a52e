#include "shim/attempts.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include <optional>

#include "core/base/ip.h"
#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/descriptors.h"
#include "shim/disguises.h"
#include "shim/exchange.h"
#include "shim/fd_table.h"
#include "shim/names.h"
#include "shim/option_values.h"
#include "shim/races.h"
#include "shim/real.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

namespace happy::shim::attempts {
namespace {

int get_int(int fd, int level, int name, int otherwise) {
  int value = otherwise;
  socklen_t length = sizeof value;
  real::getsockopt(fd, level, name, static_cast<void*>(&value), &length);
  return value;
}

std::optional<Endpoint> local_endpoint(int fd) {
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  auto* generic = reinterpret_cast<sockaddr*>(&local);
  if (real::getsockname(fd, generic, &length) != 0) return std::nullopt;
  return Endpoint::from_sockaddr(generic, length);
}

// Also ::ffff:a.b.c.d of an AF_INET6 socket.
bool speaks_ipv4(const sockaddr* address, socklen_t length) {
  const auto endpoint = Endpoint::from_sockaddr(address, length);
  return endpoint && endpoint->address.unmapped().family == Family::kIpv4;
}

// Why this socket's connect() must stay libc's own; nullptr if it need not.
const char* why_not(int fd, const sockaddr* address, Target* target) {
  target->family = get_int(fd, SOL_SOCKET, SO_DOMAIN, -1);
  target->protocol = get_int(fd, SOL_SOCKET, SO_PROTOCOL, -1);
  if (target->protocol != IPPROTO_TCP && target->protocol != IPPROTO_MPTCP) {
    return "not TCP";
  }
  if (target->family != address->sa_family) return "address of another family";
  if (tcp_state(fd) != TCP_CLOSE) return "already connecting or connected";
  const auto local = local_endpoint(fd);
  if (!local || local->port != 0) return "local port already chosen";
  if (get_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0) != 0) {
    return "Fast Open";
  }
  if (fd_table::is_uncopyable(fd)) return "an option that cannot be copied";
  if (!own::leaves_room(fd, own::Share::kToBegin)) {
    return "too few descriptors left";
  }
  // One that is bound to an IPv4 address has nothing to bind an IPv6 one to.
  target->families = local->address == IpAddress{} ? 1 | 4 : 1;
  if (target->family == AF_INET6) {
    target->families = 3;
    target->options.v6_only = get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0;
    if (target->options.v6_only && speaks_ipv4(address, sizeof(sockaddr_in6))) {
      return "IPv4 on a socket of IPv6 only";
    }
  }
  target->status = real::fcntl(fd, F_GETFL);
  return nullptr;
}

void passed(const sockaddr* address, socklen_t length, const char* why) {
  const CoreCall call;
  core::loaded()->trace_passed(address, length, why);
}

void release(happy_plan* plan) {
  const CoreCall call;
  core::loaded()->plan_release(plan);
}

void set_user_timeout(int fd, uint32_t milliseconds) {
  const int value = static_cast<int>(milliseconds);
  real::setsockopt(fd, int{IPPROTO_TCP}, int{TCP_USER_TIMEOUT},
                   static_cast<const void*>(&value), socklen_t{sizeof value});
}

// A failure of connect(2) itself that another address may not share.
bool is_network_failure(int error) {
  switch (error) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ECONNREFUSED:
    case ETIMEDOUT:
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM:
    case EINVAL:
    case ENOBUFS:
      return true;
    default:
      return false;
  }
}

}  // namespace

happy_plan* plan(int fd, const sockaddr* address, socklen_t length,
                 Target* target) {
  const char* why = why_not(fd, address, target);
  happy_plan* out = nullptr;
  if (why == nullptr) {
    const CoreCall call;
    out =
        core::loaded()->plan(address, length, target->families, nullptr, &why);
  }
  if (out != nullptr && out->fail_with == 0) {
    why = socket_options::take(fd, target->family, target->protocol,
                               &target->options);
    target->options.speaks_ipv4 = speaks_ipv4(address, length);
    if (why != nullptr) {
      release(out);
      out = nullptr;
    }
  }
  if (out == nullptr && why != nullptr) passed(address, length, why);
  return out;
}

int fail(happy_plan* plan) {
  const int error = plan->fail_with;
  release(plan);
  errno = error;
  return -1;
}

int tcp_state(int fd) {
  uint8_t state = 0;  // the first octet of struct tcp_info
  socklen_t length = sizeof state;
  if (real::getsockopt(fd, int{IPPROTO_TCP}, int{TCP_INFO},
                       static_cast<void*>(&state), &length) != 0) {
    return -1;
  }
  return state;
}

void disconnect(int fd) {
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  real::connect(fd, static_cast<const sockaddr*>(&none),
                socklen_t{sizeof none});
  get_int(fd, SOL_SOCKET, SO_ERROR, 0);  // the kernel leaves ECONNRESET there
}

void expire(int fd) { set_user_timeout(fd, 1); }

void take_callers_timeout(Race* race) {
  const int set = get_int(race->attempt, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
  race->callers_timeout_ms = static_cast<uint32_t>(set);
  if (set == 0 || race->callers_timeout_ms > race->timeout_ms) {
    set_user_timeout(race->attempt, race->timeout_ms);
  }
}

namespace {

// The winner is of another kind than the caller's own socket: the numbers that
// will show it answer as that would.
void disguise(const Race& race, int descriptor) {
  const int family = get_int(descriptor, SOL_SOCKET, SO_DOMAIN, AF_UNSPEC);
  Disguise disguise;
  if (family == AF_INET6 && race.options.family == AF_INET) {
    disguise = Disguise::as_ipv4(race.asked.sin_addr);
  } else if (race.options.v6_only &&
             socket_options::speaks_ipv4(descriptor, false)) {
    disguise = Disguise::as_v6_only();
  } else {
    return;
  }
  for (int i = 0; i < race.number_count; ++i) {
    if (exchange::is_shown(&race, race.numbers[i]))
      disguises::put_on(race.numbers[i], disguise);
  }
}

}  // namespace

void settle_options(Race* race, int descriptor) {
  if (descriptor != race->attempt) {
    race->options_lock.lock();
    socket_options::give_changed(race->options, descriptor);
    race->options_lock.unlock();
    disguise(*race, descriptor);
  }
  if (race->timeout_ms != 0) {
    set_user_timeout(descriptor, race->callers_timeout_ms);
  }
}

Start::Start(int fd, const sockaddr* address, socklen_t length,
             const Target& target, happy_plan* plan)
    : fd_(fd),
      target_(target),
      plan_(plan),
      address_(address),
      length_(length) {
  aim_at(plan->port);
  // The kernel itself ends an attempt at the rule's time-out, so that the
  // caller finds ETIMEDOUT on it; a shorter one of the caller's stays.
  const uint32_t limit =
      plan->connect_ms != 0 ? plan->connect_ms : plan->attempt_ms;
  callers_timeout_ms_ =
      static_cast<uint32_t>(get_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 0));
  if (limit != 0 && (callers_timeout_ms_ == 0 || callers_timeout_ms_ > limit)) {
    timeout_ms_ = limit;
  }
}

// The rule's first port in place of the one that the caller has named.
void Start::aim_at(uint16_t port) {
  auto endpoint = Endpoint::from_sockaddr(address_, length_);
  if (port == 0 || !endpoint) return;
  endpoint->port = port;
  length_ = endpoint->to_sockaddr(&elsewhere_);
  address_ = reinterpret_cast<const sockaddr*>(&elsewhere_);
}

Start::~Start() {
  if (plan_ != nullptr) release(plan_);
}

int Start::connect() {
  if (timeout_ms_ != 0) set_user_timeout(fd_, timeout_ms_);
  if ((target_.status & O_NONBLOCK) != 0) {
    return real::connect(fd_, address_, length_);
  }
  const SignalBlock block;  // a handler may leave by siglongjmp()
  real::fcntl(fd_, F_SETFL, target_.status | O_NONBLOCK);
  const int result = real::connect(fd_, address_, length_);
  const int error = errno;
  real::fcntl(fd_, F_SETFL, target_.status);
  errno = error;
  return result;
}

bool Start::worth_racing(int result, int error) {
  const bool racing =
      result != 0 && (error == EINPROGRESS ? tcp_state(fd_) != TCP_ESTABLISHED
                                           : is_network_failure(error));
  if (!racing) restore_timeout();
  return racing;
}

Race* Start::make_race(int error) {
  Race* race = new_race();
  if (race == nullptr) return nullptr;
  race->attempt = own::duplicate(fd_);
  if (race->attempt < 0) {
    drop(race);
    return nullptr;
  }
  race->error_at_once = error == EINPROGRESS ? 0 : error;
  race->connect_ms = plan_->connect_ms;
  race->timeout_ms = timeout_ms_;
  race->callers_timeout_ms = callers_timeout_ms_;
  race->options = target_.options;
  if (target_.family == AF_INET)
    memcpy(&race->asked, address_, sizeof race->asked);
  return race;
}

bool Start::launch(Race* race) {
  hold(race);  // the core's, until race_over
  int all_failed = 0;
  {
    const CoreCall call;
    handle_ = core::loaded()->race_start(
        plan_, race, race->attempt, race->error_at_once,
        target_.family == AF_INET6, &all_failed);
  }
  plan_ = nullptr;
  if (handle_ != 0) return true;
  drop(race);
  give_up(all_failed ? "every address failed at once" : "no helper thread");
  return false;
}

void Start::enter(Race* race) const {
  if (!race->decided) race->handle = handle_;
}

void Start::give_up(const char* why) {
  restore_timeout();
  passed(address_, length_, why);
}

void Start::restore_timeout() const {
  if (timeout_ms_ != 0) set_user_timeout(fd_, callers_timeout_ms_);
}

}  // namespace happy::shim::attempts

namespace happy::shim::races {
namespace {

// Of a socket that this thread has just made. The helper thread stays in the
// namespace that it was made in.
uint64_t network_here(int fresh) {
  static constinit thread_local uint64_t helpers = 0;
  if (!helper_thread) return option_values::network_of(fresh);
  if (helpers == 0) helpers = option_values::network_of(fresh);
  return helpers;
}

}  // namespace

// Called by the core, on the helper thread or within race_start.
int attempt_open(void* context, const sockaddr* address, socklen_t length,
                 int* error) {
  auto* race = static_cast<Race*>(context);
  socket_options::Snapshot options;
  {
    const HelperGuard guard(race->options_lock);
    options = race->options;
  }
  names::note_known(address, length);  // getpeername() may show it
  const int fresh =
      socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
             options.protocol);
  if (fresh >= 0 && !own::leaves_room(fresh, own::Share::kToGoOn)) {
    real::close(fresh);
    *error = EMFILE;
    return -1;
  }
  const int fd = own::take(fresh);
  const bool ipv4 = attempts::speaks_ipv4(address, length);
  if (fd < 0 || !socket_options::give(options, fd, ipv4, network_here(fd))) {
    *error = errno;
    own::close(fd);
    return -1;
  }
  if (race->timeout_ms != 0) attempts::set_user_timeout(fd, race->timeout_ms);
  *error = real::connect(fd, address, length) == 0 ? 0 : errno;
  return fd;
}

}  // namespace happy::shim::races
