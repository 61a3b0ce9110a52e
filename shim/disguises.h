// A race may be won by a socket of another kind than the caller's own: one of
// IPv6 for a caller of IPv4 (`cross_family`), one that speaks IPv4 where the
// caller had set IPV6_V6ONLY. Its numbers then answer as the caller's own
// would. With none in the process each call costs one relaxed load.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>

namespace happy::shim {

// Fits an atomic word of FdEntry; 0 is none.
class Disguise {
 public:
  Disguise() = default;
  explicit Disguise(uint64_t word) : word_(word) {}
  static Disguise as_v6_only() { return Disguise(kV6Only); }
  // `asked`: where the caller wanted to go.
  static Disguise as_ipv4(in_addr asked) {
    return Disguise(kIpv4 | asked.s_addr);
  }

  uint64_t word() const { return word_; }
  bool is_v6_only() const { return (word_ & kV6Only) != 0; }
  bool is_ipv4() const { return (word_ & kIpv4) != 0; }
  in_addr asked() const { return {static_cast<in_addr_t>(word_)}; }

 private:
  static constexpr uint64_t kV6Only = uint64_t{1} << 32;
  static constexpr uint64_t kIpv4 = uint64_t{1} << 33;

  uint64_t word_ = 0;
};

namespace disguises {

extern constinit std::atomic<bool> worn;  // ever, in this process
inline bool any() { return worn.load(std::memory_order_relaxed); }

void put_on(int fd, Disguise disguise);
// dup(2) and friends: the copy wears what the number wears.
void copy(int fd, int to);

// The calls themselves, for a number that may wear one. False: it wears none
// that matters here.
bool answer_getsockopt(int fd, int level, int name, void* value,
                       socklen_t* length, int* result);
bool answer_setsockopt(int fd, int level, int* result);
bool answer_getsockname(int fd, sockaddr* address, socklen_t* length,
                        int* result);
bool answer_getpeername(int fd, sockaddr* address, socklen_t* length,
                        int* result);

}  // namespace disguises
}  // namespace happy::shim
