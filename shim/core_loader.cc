#include "shim/core_loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <atomic>

#include "shim/context.h"
#include "shim/core_host.h"
#include "shim/lock.h"
#include "shim/process.h"
#include "shim/real.h"
#include "shim/report.h"
#include "shim/settings.h"

namespace happy::shim::core {
namespace {

constinit Lock loader_lock;
constinit std::atomic<const happy_engine*> the_engine{nullptr};
constinit bool tried = false;

// Sanitizer runtimes abort on RTLD_DEEPBIND.
bool host_has_sanitizer() {
  return dlsym(RTLD_DEFAULT, "__asan_init") != nullptr ||
         dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr ||
         dlsym(RTLD_DEFAULT, "__msan_init") != nullptr;
}

// Whether somebody other than libuv.so.1 defines libuv's functions in the
// global scope (node exports its own): those would capture the core's calls.
bool host_has_other_libuv() {
  void* symbol = dlsym(RTLD_DEFAULT, "uv_loop_init");
  Dl_info info;
  if (symbol == nullptr || dladdr(symbol, &info) == 0) return false;
  const char* slash = strrchr(info.dli_fname, '/');
  const char* base = slash != nullptr ? slash + 1 : info.dli_fname;
  return strncmp(base, "libuv.so.1", strlen("libuv.so.1")) != 0;
}

const happy_engine* open_core() {
  const Settings& s = settings();
  char path[4200];
  snprintf(path, sizeof path, "%s/libhappy-core.so",
           s.folder != nullptr ? s.folder : "");
  const bool deep = host_has_other_libuv() && !host_has_sanitizer();
  void* handle =
      real::dlopen(path, RTLD_NOW | RTLD_LOCAL | (deep ? RTLD_DEEPBIND : 0));
  if (handle == nullptr) {
    report::log(HAPPY_LOG_ERROR, "cannot load the core: %s; %s", dlerror(),
                s.policy_configured()
                    ? "host names fail, as a policy is configured"
                    : "going on without it");
    return nullptr;
  }
  using Open = const happy_engine* (*)(const happy_host*);
  const auto open = reinterpret_cast<Open>(dlsym(handle, "happy_engine_open"));
  const happy_engine* engine =
      open != nullptr ? open(host_for_core(deep)) : nullptr;
  if (engine == nullptr || engine->abi != HAPPY_ENGINE_ABI) {
    report::log(HAPPY_LOG_ERROR, "%s does not fit this libhappy.so", path);
    return nullptr;
  }
  return engine;
}

}  // namespace

const happy_engine* loaded() {
  return the_engine.load(std::memory_order_acquire);
}

const happy_engine* engine() {
  if (const happy_engine* e = loaded()) [[likely]]
    return e;
  const CoreCall call;
  loader_lock.lock();
  if (!tried) {
    tried = true;
    report::open_files();
    process::prepare();
    the_engine.store(open_core(), std::memory_order_release);
  }
  loader_lock.unlock();
  return loaded();
}

void before_fork() { loader_lock.lock(); }

void after_fork(bool child) {
  if (child) {
    loader_lock.reset();
  } else {
    loader_lock.unlock();
  }
}

}  // namespace happy::shim::core
