// The attempts of a race as sockets: which connect() may race, the first
// attempt on the caller's own socket, and further ones that look like it.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "core/engine.h"
#include "shim/race.h"

namespace happy::shim::attempts {

// What the caller's socket is.
struct Target {
  int family = 0;
  int protocol = 0;
  int status = 0;         // F_GETFL
  unsigned families = 0;  // see happy_engine::plan
  socket_options::Snapshot options;
};

// A plan for this connect(), or nullptr where libc's own is right (the trace
// says why). Not called for racing descriptors.
happy_plan* plan(int fd, const sockaddr* address, socklen_t length,
                 Target* target);
// connect() whose address has just failed in a race of the same look-up.
int fail(happy_plan* plan);

// TCP_CLOSE, TCP_SYN_SENT, TCP_ESTABLISHED ... or -1. Reads no error.
int tcp_state(int fd);
// connect(AF_UNSPEC): ends an attempt; the socket is fresh again.
void disconnect(int fd);
// Ends a connecting socket with ETIMEDOUT at its next retransmission.
void expire(int fd);
// The host has set TCP_USER_TIMEOUT of attempt 1: kept for the winner, while
// the rule's goes on to bound the attempts.
void take_callers_timeout(Race* race);
// Before a socket of the race becomes the caller's: options set during the
// race, and the caller's TCP_USER_TIMEOUT.
void settle_options(Race* race, int descriptor);

// The beginning of a race; owns the plan until launch().
class Start {
 public:
  Start(int fd, const sockaddr* address, socklen_t length, const Target& target,
        happy_plan* plan);
  ~Start();
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;

  // Attempt 1, non-blocking whatever the socket's mode; result and errno.
  int connect();
  // Whether that outcome leaves anything to race for. If not, the caller's
  // options are as they were.
  bool worth_racing(int result, int error);
  // A race with attempt 1 in it; nullptr without memory or descriptors.
  Race* make_race(int error);
  // Hands the race to the core, which may decide it before this returns. False:
  // nothing races; attempt 1 stands as it is. Without races::lock().
  bool launch(Race* race);
  // Under races::lock(), after launch(): the core's handle, unless the race is
  // decided already.
  void enter(Race* race) const;
  // No race after all: the trace says why, the options are restored.
  void give_up(const char* why);

 private:
  void restore_timeout() const;
  void aim_at(uint16_t port);

  int fd_;
  uint64_t handle_ = 0;
  const Target& target_;
  happy_plan* plan_;
  uint32_t timeout_ms_ = 0;
  uint32_t callers_timeout_ms_ = 0;
  sockaddr_storage elsewhere_{};
  const sockaddr* address_;
  socklen_t length_;
};

}  // namespace happy::shim::attempts
