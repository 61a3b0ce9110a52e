// Carries packets between the two namespaces of a lab: a thread that reads each
// side's device, asks the wire what becomes of each packet, and writes it to
// the other side when it is due.
#pragma once

#include <thread>

#include "tests/lab/descriptor.h"
#include "tests/lab/link.h"
#include "tests/lab/wire.h"

namespace happy::lab {

class Relay {
 public:
  Relay(Link client, Link server, WireWish wish);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  PacketLog& log() { return wire_.log(); }
  // See Wire::change().
  void change(const IpAddress& far, const Path& path, Time from) {
    wire_.change(far, path, from);
  }

 private:
  void serve();
  void read_all(bool from_client);
  void deliver_due();
  void arm_timer();

  Link client_, server_;
  Descriptor stop_, timer_;
  Wire wire_;
  std::thread thread_;
};

}  // namespace happy::lab
