#include "shim/option_values.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <atomic>

#include "shim/option_numbers.h"
#include "shim/real.h"

namespace happy::shim::option_values {
namespace {

using option_table::kMostRows;
using option_table::kRows;
using option_table::Row;

constexpr uint8_t kUnknown = 0, kBeingWritten = 1, kKnown = 2;

// Of two threads that ask at the same time one keeps the answer.
struct Defaults {
  std::atomic<uint8_t> states[kMostRows]{};
  Value values[kMostRows]{};
};
constinit Defaults defaults_v4, defaults_v6, defaults_other_v4,
    defaults_other_v6;

Defaults& defaults_for(int family, int protocol) {
  const bool tcp = protocol == IPPROTO_TCP || protocol == 0;
  if (family == AF_INET6) return tcp ? defaults_v6 : defaults_other_v6;
  return tcp ? defaults_v4 : defaults_other_v4;
}

constinit std::atomic<uint64_t> home_network{0};

}  // namespace

bool same(const Value& a, const Value& b) {
  return a.error == b.error && a.length == b.length &&
         memcmp(a.bytes, b.bytes, a.length) == 0;
}

Value read(int fd, const Row& row) {
  Value value;
  // A filter can be neither read whole nor told from an eBPF program: only
  // whether there is one is asked; the answer is the count of instructions.
  const bool filter = row.level == SOL_SOCKET && row.name == SO_GET_FILTER;
  socklen_t length = filter ? 0 : kMaxValue;
  void* const bytes = filter ? nullptr : value.bytes;
  if (real::getsockopt(fd, int{row.level}, int{row.name}, bytes, &length) ==
      0) {
    value.length =
        length < kMaxValue ? static_cast<uint8_t>(length) : uint8_t{kMaxValue};
  } else {
    value.error = static_cast<uint8_t>(errno);
  }
  return value;
}

uint64_t network_of(int fd) {
  uint64_t cookie = 0;
  socklen_t length = sizeof cookie;  // the kernel takes no other
  const int result = real::getsockopt(fd, int{SOL_SOCKET}, int{SO_NETNS_COOKIE},
                                      static_cast<void*>(&cookie), &length);
  return result == 0 && length == sizeof cookie ? cookie : 0;
}

Fresh::~Fresh() {
  if (fd_ >= 0) real::close(fd_);
}

int Fresh::get() {
  if (fd_ < 0) fd_ = socket(family_, SOCK_STREAM | SOCK_CLOEXEC, protocol_);
  return fd_;
}

bool Fresh::usual(int row, Value* out) {
  Defaults& defaults = defaults_for(family_, protocol_);
  if (defaults.states[row].load(std::memory_order_acquire) == kKnown) {
    *out = defaults.values[row];
    return true;
  }
  if (get() < 0) return false;
  *out = read(fd_, kRows[row]);
  uint8_t unknown = kUnknown;
  if (defaults.states[row].compare_exchange_strong(unknown, kBeingWritten)) {
    defaults.values[row] = *out;
    defaults.states[row].store(kKnown, std::memory_order_release);
  }
  return true;
}

bool Fresh::is_home(uint64_t network) {
  uint64_t home = home_network.load(std::memory_order_relaxed);
  if (home == 0 && network != 0) {
    home = get() >= 0 ? network_of(fd_) : 0;
    home_network.store(home, std::memory_order_relaxed);
  }
  return home == network;
}

void after_fork_child() { home_network.store(0); }

}  // namespace happy::shim::option_values
