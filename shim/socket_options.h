// The options of the caller's socket, taken before its connect() and given to
// every other attempt, and what is set during the race. option_table.h says
// for each option how it travels; one that decides where packets may go is
// copied or the attempt is not made.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "shim/option_values.h"

namespace happy::shim::socket_options {

using option_values::kMaxValue;
inline constexpr int kMaxChanged = 32;

// One option to set, with the value to set it to.
struct Changed {
  uint8_t row = 0;  // in option_table.h
  uint8_t length = 0;
  bool during_race = false;
  uint8_t bytes[kMaxValue] = {};
};

// What the caller has made of its socket. A bound local address has port 0, or
// there is no race.
struct Snapshot {
  int family = AF_INET;
  int protocol = 0;
  bool speaks_ipv4 = true;  // so may an AF_INET6 socket, to ::ffff:a.b.c.d
  // IPV6_V6ONLY is set. Some programs set it on every socket (ruby's), and it
  // forbids nothing to a name whose IPv4 addresses were asked for as well: an
  // attempt that speaks IPv4 goes without it, and a winner reads as if it had
  // it still.
  bool v6_only = false;
  int count = 0;
  Changed changed[kMaxChanged];
  bool bound = false;
  sockaddr_storage local{};
  socklen_t local_length = 0;
  uint64_t network = 0;    // SO_NETNS_COOKIE; 0: the kernel has none
  uint32_t owner = kNone;  // the user whose rules count; kNone: not known
  static constexpr uint32_t kNone = ~0U;
};

// Reads `fd`, not yet connected. nullptr; or why there can be no race.
const char* take(int fd, int family, int protocol, Snapshot* out);
// Gives it to a fresh socket about to connect, also the bound address.
// `speaks_ipv4`: what it will connect to, also as ::ffff:a.b.c.d, is IPv4: the
// kernel looks at IP_TOS and IP_TTL, not at their IPv6 sisters.
// False: something that must travel could not be set; errno says why, EXDEV
// for a socket of another network namespace. `network`: that of `fd`; 0: to be
// asked for.
bool give(const Snapshot& snapshot, int fd, bool speaks_ipv4,
          uint64_t network = 0);
// The host has set an option during the race: kept, as it was given, for
// attempts still to be opened and for the winner. False: there is no room.
bool note_change(int level, int name, const void* value, socklen_t length,
                 Snapshot* snapshot);
// Whether a connected socket speaks IPv4. Not connected: `otherwise`.
bool speaks_ipv4(int fd, bool otherwise);
// Gives a winner what was set during the race.
void give_changed(const Snapshot& snapshot, int fd);

// What a successful setsockopt(2) means for races.
enum class Effect : uint8_t {
  kNone,      // nothing
  kTravels,   // attempts need it: mark_set(), and note_change() during a race
  kEndsRace,  // the same, but no race may go on over it
  kForbids,   // there may be no race with this socket any more
};
Effect effect_of(int level, int name);
// Remembers that this process uses the option: take() asks for rare ones only
// then.
void mark_set(int level, int name);

// File status: O_NONBLOCK, and O_ASYNC with its owner and signal.
void copy_file_status(int from, int to);

}  // namespace happy::shim::socket_options
