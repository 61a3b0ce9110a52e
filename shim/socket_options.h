// The options of the caller's socket, taken before its connect() and given to
// every other attempt. A table says for each option how it travels; an option
// that decides where packets may go is copied or the attempt is not made.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace happy::shim::socket_options {

inline constexpr int kMaxValue = 40;  // IP_OPTIONS is the longest
inline constexpr int kMaxChanged = 24;

// One option that differs from a fresh socket's.
struct Changed {
  uint8_t row = 0;  // in the table of socket_options.cc
  uint8_t length = 0;
  bool during_race = false;
  uint8_t bytes[kMaxValue] = {};
};

// What the caller has made of its socket. A bound local address has port 0, or
// there is no race.
struct Snapshot {
  int family = AF_INET;
  int protocol = 0;
  int count = 0;
  Changed changed[kMaxChanged];
  bool bound = false;
  sockaddr_storage local{};
  socklen_t local_length = 0;
};

// Reads `fd`, not yet connected. False if the socket has something that cannot
// be copied: then no race.
bool take(int fd, int family, int protocol, Snapshot* out);
// Gives it to a fresh socket about to connect, also the bound address.
// `mapped`: an AF_INET6 socket that will speak IPv4 (::ffff:a.b.c.d), where
// the kernel looks at IP_TOS and IP_TTL instead of their IPv6 sisters.
// False: something that must travel could not be set; errno says why.
bool give(const Snapshot& snapshot, int fd, bool mapped);
// The host has set an option during the race on attempt 1's socket `fd`: taken
// again, so that a winner gets it by give_changed().
void note_change(int fd, int level, int name, Snapshot* snapshot);
// Gives a connected winner what was set during the race.
void give_changed(const Snapshot& snapshot, int fd);
// Options that cannot be read back: their being set at all forbids a race.
bool is_unreadable(int level, int name);
// File status: O_NONBLOCK, and O_ASYNC with its owner and signal.
void copy_file_status(int from, int to);

}  // namespace happy::shim::socket_options
