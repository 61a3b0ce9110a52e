// What sockets answer about their options, and what fresh ones usually answer,
// to tell what a program has changed. Allocates nothing and takes no lock.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "shim/option_table.h"

namespace happy::shim::option_values {

inline constexpr int kMaxValue = 40;  // IP_OPTIONS is the longest

struct Value {
  uint8_t length = 0;
  uint8_t error = 0;  // of getsockopt(2)
  uint8_t bytes[kMaxValue] = {};
};
bool same(const Value& a, const Value& b);
Value read(int fd, const option_table::Row& row);

// The cookie of a socket's network namespace; 0: the kernel does not tell.
uint64_t network_of(int fd);

// Sockets as they are when they are made, by family and protocol. Asks a socket
// of its own, once a process for each option.
class Fresh {
 public:
  Fresh(int family, int protocol) : family_(family), protocol_(protocol) {}
  ~Fresh();
  Fresh(const Fresh&) = delete;
  Fresh& operator=(const Fresh&) = delete;

  // False: there can be no socket.
  bool usual(int row, Value* out);
  // Whether that is the namespace of the first such socket of this process, and
  // so of the stand-ins' listener.
  bool is_home(uint64_t network);

 private:
  int get();

  const int family_, protocol_;
  int fd_ = -1;
};

// The child may go to another network namespace.
void after_fork_child();

}  // namespace happy::shim::option_values
