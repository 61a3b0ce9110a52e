// Loads libhappy-core.so at the first look-up of a host name, once, in the way
// that keeps its symbols and the host's apart.
#pragma once

#include "core/engine.h"

namespace happy::shim::core {

// The engine, loading it if need be; nullptr if it cannot be loaded (one log
// line, once). Takes a lock and may call dlopen(3).
const happy_engine* engine();
// The engine if it is loaded already: one load.
const happy_engine* loaded();
// Fork support: the loader's own lock.
void before_fork();
void after_fork(bool child);

}  // namespace happy::shim::core
