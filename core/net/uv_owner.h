// Owners of libuv handles: a handle's memory may only be freed in its close
// callback, so the owner's end starts the closing and lets go. The loop has to
// turn once more for the memory to be freed. Loop thread only.
#pragma once

#include <uv.h>

#include <memory>

namespace happy::net {

struct UvCloser {
  template <typename T>
  void operator()(T* handle) const {
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<T*>(closed); });
  }
};

// Only for handles whose uv_*_init() succeeded: others may not be closed.
template <typename T>
using UvOwner = std::unique_ptr<T, UvCloser>;

}  // namespace happy::net
