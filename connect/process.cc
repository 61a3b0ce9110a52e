#include "connect/process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "connect/race.h"
#include "core/base/log_level.h"
#include "core/policy_file.h"
#include "core/quiet_write.h"
#include "core/state_folder.h"

namespace happy::direct {
namespace {

// Leaked, as the engine is: it may be used until the process ends.
struct Process {
  std::mutex mutex;  // of what follows, and held across a fork
  std::atomic<const happy_engine*> engine = nullptr;  // read without it
  bool opened = false;
  std::string folder;
  std::string state_folder;
  PolicyFile policy;
  happy_host host{};
  int log_descriptor = -1;
  int trace_descriptor = -1;
  // Apart, since events come while the engine works.
  std::mutex trace_mutex;
  TraceLine trace_line = nullptr;
  void* trace_context = nullptr;
};

Process& process() {
  static Process& the_process = *new Process;
  return the_process;
}

void write_line(int descriptor, std::string line) {
  line += '\n';
  write_quietly(descriptor, line.data(), line.size());
}

void log_line(int level, const char* line, size_t length) {
  const Process& self = process();
  if (level > self.host.log_level || self.log_descriptor < 0) return;
  write_line(self.log_descriptor, std::string("libhappy: ") +
                                      kLogLevels[level] + ": " +
                                      std::string(line, length));
}

void trace_line(const char* line, size_t length) {
  Process& self = process();
  const std::lock_guard lock(self.trace_mutex);
  if (self.trace_line != nullptr)
    self.trace_line(line, length, self.trace_context);
  if (self.trace_descriptor >= 0)
    write_line(self.trace_descriptor, std::string(line, length));
}

int open_for_append(const char* path) {
  return open(path,
              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
              0600);
}

// HAPPY_LOG: LEVEL or LEVEL:FILE.
void read_log_setting(Process* self) {
  const char* const text = secure_getenv("HAPPY_LOG");
  if (text == nullptr) return;
  const char* const colon = strchr(text, ':');
  const size_t length =
      colon != nullptr ? static_cast<size_t>(colon - text) : strlen(text);
  self->host.log_level = std::max(log_level_of(text, length), 0);
  const bool to_file = colon != nullptr && colon[1] != '\0';
  self->log_descriptor = to_file ? open_for_append(colon + 1) : STDERR_FILENO;
}

void read_trace_setting(Process* self) {
  const char* const path = secure_getenv("HAPPY_TRACE");
  if (path != nullptr && *path != '\0')
    self->trace_descriptor = open_for_append(path);
  if (self->trace_descriptor >= 0) self->host.tracing = 1;
}

// Of this very object, or of the program that it is linked into.
std::string own_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) == 0) return ".";
  const std::string file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

void read_settings(Process* self) {
  happy_host& host = self->host;
  read_log_setting(self);
  read_trace_setting(self);
  self->policy = find_policy(std::nullopt);
  if (self->policy.source != PolicySource::kEmbedded) {
    host.policy_text = self->policy.text.data();
    host.policy_size = self->policy.text.size();
    host.policy_path = self->policy.path.c_str();
    host.policy_error = self->policy.error;
  }
  if (self->folder.empty()) self->folder = own_folder();
  host.library_folder = self->folder.c_str();
  self->state_folder = find_state_folder();
  if (!self->state_folder.empty())
    host.state_folder = self->state_folder.c_str();
}

// Descriptors stay where they are: this program knows whom it has called.
int same_descriptor(int descriptor) { return descriptor; }

void open_engine(Process* self) {
  read_settings(self);
  happy_host& host = self->host;
  host.abi = HAPPY_ENGINE_ABI;
  host.races_all = 1;
  host.log = log_line;
  host.trace = trace_line;
  host.enter_helper_thread = [] {};
  host.own_descriptor = same_descriptor;
  host.keep_descriptor = same_descriptor;
  host.close_descriptor = [](int descriptor) { close(descriptor); };
  host.attempt_open = Race::attempt_open;
  host.race_decided = Race::decided;
  host.race_over = Race::over;
  host.watch_fired = [](void*) {};  // nothing is watched
  self->engine = happy_engine_open(&host);
}

// The signals of the thread that forks, from before to after.
constinit sigset_t mask_before_fork{};

void before_fork() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Process& self = process();
  self.mutex.lock();
  if (const happy_engine* const engine = self.engine) {
    engine->pause_helper();
    engine->before_fork();
  }
  self.trace_mutex.lock();
  mask_before_fork = before;
}

void after_fork(void (*happy_engine::*tell)()) {
  const sigset_t before = mask_before_fork;
  Process& self = process();
  self.trace_mutex.unlock();
  if (const happy_engine* const engine = self.engine) (engine->*tell)();
  self.mutex.unlock();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

const happy_engine* engine() {
  Process& self = process();
  if (const happy_engine* const opened = self.engine) return opened;
  const EngineCall call;
  const std::lock_guard lock(self.mutex);
  if (!self.opened) {
    self.opened = true;
    open_engine(&self);
    pthread_atfork(
        before_fork, [] { after_fork(&happy_engine::after_fork_parent); },
        [] { after_fork(&happy_engine::after_fork_child); });
  }
  return self.engine;
}

EngineCall::EngineCall() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &signals_);
}

EngineCall::~EngineCall() {
  pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
  errno = saved_errno_;
}

void set_library_folder(const std::string& folder) {
  process().folder = folder;
}

void set_trace(TraceLine line, void* context) {
  Process& self = process();
  const std::lock_guard lock(self.trace_mutex);
  self.trace_line = line;
  self.trace_context = context;
  self.host.tracing = line != nullptr || self.trace_descriptor >= 0 ? 1 : 0;
}

}  // namespace happy::direct
