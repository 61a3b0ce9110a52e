// Addresses that drop every SYN until they are opened, and then accept whatever
// the clients' kernels send again, a second later or so. So any number of
// connections is in flight until a test has seen what it wants to. They are
// accepted in a process of its own, which takes their descriptors; it keeps
// them open and says nothing.
#pragma once

#include <sys/types.h>

#include <vector>

#include "core/base/ip.h"
#include "tests/lab/descriptor.h"

namespace happy::lab {

class LateServer {
 public:
  explicit LateServer(const std::vector<Endpoint>& endpoints);
  ~LateServer();
  LateServer(const LateServer&) = delete;
  LateServer& operator=(const LateServer&) = delete;

  // By the endpoint's place in the list.
  void open(size_t index);

 private:
  std::vector<Descriptor> listeners_;
  Descriptor orders_;
  pid_t child_ = -1;
};

}  // namespace happy::lab
