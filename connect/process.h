// The engine in a process without hooks: what libhappy.so does at load for
// others (settings, log, trace, fork), for a program that asks for it. One
// engine a process, opened at the first use and never closed.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <string>

#include "core/engine.h"

namespace happy::direct {

// nullptr: the engine does not fit, which only a broken build shows. Reads
// policy and environment at the first call. Any thread.
const happy_engine* engine();

// Around each call into the engine, as engine.h asks for: signals blocked and
// errno kept. (Cancellation is off for all of happy_connect().)
class EngineCall {
 public:
  EngineCall();
  ~EngineCall();
  EngineCall(const EngineCall&) = delete;
  EngineCall& operator=(const EngineCall&) = delete;

 private:
  const int saved_errno_ = errno;
  sigset_t signals_;
};

// Where libhappy-tls.so is; before the first engine(). Without it, beside the
// object that this code is in.
void set_library_folder(const std::string& folder);

using TraceLine = void (*)(const char* json, size_t length, void* context);
// See happy_set_trace().
void set_trace(TraceLine line, void* context);

}  // namespace happy::direct
