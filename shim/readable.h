// Whether the host's memory can be read. A bad pointer is the kernel's to
// refuse with EFAULT, and no reason for the library to end the host.
#pragma once

#include <cstddef>

namespace happy::shim {

// Of the octets from `from` on. No for some readable ones shorter than eight:
// whoever asks leaves those to libc. errno is kept.
bool is_readable(const void* from, size_t length);

}  // namespace happy::shim
