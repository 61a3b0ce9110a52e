#include "shim/process.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/descriptors.h"
#include "shim/lock.h"
#include "shim/names.h"
#include "shim/option_values.h"
#include "shim/races.h"
#include "shim/report.h"
#include "shim/stand_in.h"

namespace happy::shim::process {

constinit std::atomic<uint32_t*> alive{nullptr};
constinit pid_t owner = 0;

namespace {

constinit sigset_t mask_before_fork{};

void mark_alive() {
  owner = getpid();
  if (uint32_t* word = alive.load()) *word = 1;
}

// Descriptors of the parent's loop, races and stand-ins; log, trace and shared
// state stay.
void close_inherited() {
  for (int fd = own::next(0); fd >= 0; fd = own::next(fd + 1)) {
    if (!report::uses(fd) && !own::is_for_children(fd)) own::close(fd);
  }
}

void forget_parent() {
  ++bypass_depth;
  races::after_fork_child();
  if (const happy_engine* engine = core::loaded()) engine->after_fork_child();
  stand_in::after_fork_child();
  option_values::after_fork_child();
  close_inherited();
  mark_alive();
  --bypass_depth;
}

// From here to the fork no signal handler of this thread runs: one that called
// a hook would wait for a lock that its own thread holds.
void before_fork() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  core::before_fork();
  ++bypass_depth;
  const happy_engine* engine = core::loaded();
  if (engine != nullptr) engine->pause_helper();
  races::lock().lock();
  if (engine != nullptr) engine->before_fork();
  --bypass_depth;
  mask_before_fork = before;
}

void after_fork_parent() {
  const sigset_t before = mask_before_fork;
  ++bypass_depth;
  if (const happy_engine* engine = core::loaded()) engine->after_fork_parent();
  --bypass_depth;
  races::lock().unlock();
  core::after_fork(false);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void after_fork_child() {
  const sigset_t before = mask_before_fork;
  races::lock().reset();
  core::after_fork(true);
  forget_parent();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

void prepare() {
  if (alive.load() != nullptr) return;
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED && madvise(page, 4096, MADV_WIPEONFORK) == 0) {
    alive.store(static_cast<uint32_t*>(page));
  }
  mark_alive();
  pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

void notice_fork() {
  const uint32_t* word = alive.load(std::memory_order_acquire);
  if (word == nullptr || *word != 0) [[likely]]
    return;
  const CoreCall call;
  races::lock().reset();
  core::after_fork(true);
  forget_parent();
}

}  // namespace happy::shim::process
