// What happens to the descriptors that a connection makes: plain by default;
// the engine moves them out of the host's way (happy_host::own_descriptor).
#pragma once

#include <unistd.h>

#include <functional>

namespace happy::net {

struct DescriptorPolicy {
  // Takes a new descriptor and returns its final number.
  std::function<int(int)> own = [](int descriptor) { return descriptor; };
  // Closes what `own` returned.
  std::function<void(int)> close = [](int descriptor) { ::close(descriptor); };
};

}  // namespace happy::net
