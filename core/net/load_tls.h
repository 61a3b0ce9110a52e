// Loads libhappy-tls.so, once, and checks that it is the one this core was
// built for. It opens no session. Kept loaded for the life of the process.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "core/net/tls_abi.h"

namespace happy::net {

// `flags` as for dlopen(3): RTLD_NOW | RTLD_LOCAL, and RTLD_DEEPBIND where the
// core needed it. The error is one sentence for the log; the next call tries
// again. Loop thread only. Costs about 1 ms the first time.
tl::expected<const happy_tls*, std::string> load_tls(
    const std::string& library_folder, int flags);

}  // namespace happy::net
