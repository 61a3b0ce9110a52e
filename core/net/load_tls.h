// Loads libhappy-tls.so, once, and checks that it is the one this core was
// built for. It opens no session. Kept loaded for the life of the process.
#pragma once

#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "core/net/tls_abi.h"

namespace happy::net {

// `flags` as for dlopen(3): RTLD_NOW | RTLD_LOCAL, and RTLD_DEEPBIND where the
// core needed it. The error is one sentence for the log; the next call tries
// again. Loop thread only. Costs about 1 ms the first time.
tl::expected<const happy_tls*, std::string> load_tls(
    const std::string& library_folder, int flags);

// What load_tls() gives, or nullptr where it cannot be had. Asked for while a
// connection is on its way, which takes longer.
using LoadTls = std::function<const happy_tls*()>;

}  // namespace happy::net
