// The only network device of a namespace, with its other end in this process: a
// veth pair, whose far end is read and written by a packet socket, one IP
// packet a call. Needs no /dev/net/tun, and so no privilege but that over the
// namespace itself.
#pragma once

#include <linux/if_packet.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tests/lab/descriptor.h"
#include "tests/lab/namespace.h"

namespace happy::lab {

class Link {
 public:
  static constexpr const char* kDevice = "wire0";

  // Makes wire0 inside, without addresses and down.
  explicit Link(const Namespace& inside);

  int descriptor() const { return socket_.get(); }  // for poll()
  // A packet that was sent over wire0, whole and with its checksums; nullopt
  // where there is none now.
  std::optional<std::vector<uint8_t>> read();
  // A packet that comes in over wire0.
  void write(std::span<const uint8_t> packet) const;

 private:
  Descriptor socket_;
  sockaddr_ll to_{};
  std::vector<uint8_t> buffer_;
};

// Why no lab of namespaces can be made here, in one sentence; nullopt if one
// can.
std::optional<std::string> why_no_namespaces();

}  // namespace happy::lab
