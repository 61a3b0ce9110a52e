#include "shim/settings.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>

#include "core/base/log_level.h"
#include "core/engine.h"
#include "shim/context.h"
#include "shim/lock.h"
#include "shim/real.h"

namespace happy::shim {

constinit Settings the_settings;
constinit std::atomic<bool> settings_read{false};
constinit std::atomic<bool> enabled{false};

namespace {

constexpr size_t kPolicyLimit = size_t{1} << 20;
constexpr const char* kSystemPolicy = "/etc/libhappy/policy.json";

constinit Lock once;
char policy_path_buffer[4096];
char folder_buffer[4096];
char state_folder_buffer[4096];

// Reads the whole regular file into a mapping of its own: no allocator, since
// the host's may not be ready when constructors of other libraries run.
int read_policy(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return errno;
  struct stat info;
  int error = fstat(fd, &info) != 0 ? errno : 0;
  if (error == 0 && !S_ISREG(info.st_mode))
    error = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
  if (error == 0 && static_cast<size_t>(info.st_size) > kPolicyLimit) {
    error = EFBIG;
  }
  void* text = MAP_FAILED;
  if (error == 0) {
    text = mmap(nullptr, static_cast<size_t>(info.st_size) + 1,
                PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (text == MAP_FAILED) error = errno;
  }
  size_t size = 0;
  while (error == 0 && size < static_cast<size_t>(info.st_size)) {
    const ssize_t got = read(fd, static_cast<char*>(text) + size,
                             static_cast<size_t>(info.st_size) - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  real::close(fd);
  if (error != 0) return error;
  the_settings.policy_text = static_cast<const char*>(text);
  the_settings.policy_size = size;
  return 0;
}

bool join(char* out, size_t size, const char* a, const char* b) {
  const size_t la = strlen(a), lb = strlen(b);
  if (la + lb + 1 > size) return false;
  memcpy(out, a, la);
  memcpy(out + la, b, lb + 1);
  return true;
}

// A user's file that is not there is fine; one that is there but cannot be
// read is an error, since its user believes in it. A folder that may not be
// searched (a daemon with a stranger's HOME) counts as "not there".
bool take_if_present(const char* path) {
  const int error = read_policy(path);
  struct stat info;
  if (error == ENOENT || error == ENOTDIR) return false;
  if (error == EACCES && stat(path, &info) != 0) return false;
  the_settings.policy_path = path;
  the_settings.policy_error = error;
  return true;
}

bool take_users_policy() {
  const char* base = secure_getenv("XDG_CONFIG_HOME");
  const char* rest = "/libhappy/policy.json";
  if (base == nullptr || *base != '/') {
    base = secure_getenv("HOME");
    rest = "/.config/libhappy/policy.json";
  }
  return base != nullptr && *base == '/' &&
         join(policy_path_buffer, sizeof policy_path_buffer, base, rest) &&
         take_if_present(policy_path_buffer);
}

void find_policy() {
  if (const char* named = secure_getenv("HAPPY_POLICY"); named && *named) {
    join(policy_path_buffer, sizeof policy_path_buffer, named, "");
    the_settings.policy_path = policy_path_buffer;
    the_settings.policy_error = read_policy(named);
    return;
  }
  if (take_users_policy()) return;
  take_if_present(kSystemPolicy);
}

// LEVEL or LEVEL:FILE.
void read_log_setting() {
  const char* text = secure_getenv("HAPPY_LOG");
  if (text == nullptr) return;
  const char* colon = strchr(text, ':');
  const size_t length =
      colon ? static_cast<size_t>(colon - text) : strlen(text);
  const int level = log_level_of(text, length);
  the_settings.log_level = level >= 0 ? level : int{HAPPY_LOG_OFF};
  if (colon != nullptr && colon[1] != '\0') the_settings.log_path = colon + 1;
}

// The folder of this very object, absolute, as the host may chdir later.
void find_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&find_folder), &info) == 0) return;
  const char* slash = strrchr(info.dli_fname, '/');
  size_t at = 0;
  if (info.dli_fname[0] != '/') {
    if (getcwd(folder_buffer, sizeof folder_buffer - 1) == nullptr) return;
    at = strlen(folder_buffer);
    folder_buffer[at++] = '/';
  }
  const size_t length = slash ? static_cast<size_t>(slash - info.dli_fname) : 0;
  if (at + length + 1 > sizeof folder_buffer) return;
  memcpy(folder_buffer + at, info.dli_fname, length);
  folder_buffer[at + length] = '\0';
  the_settings.folder = folder_buffer;
}

// "off", a folder, or by default one in the user's folder for what lives as
// long as the session does.
void find_state_folder() {
  const char* base = secure_getenv("HAPPY_STATE");
  const char* rest = "";
  if (base == nullptr || *base == '\0') {
    base = secure_getenv("XDG_RUNTIME_DIR");
    rest = "/libhappy";
  }
  if (base != nullptr && *base == '/' &&
      join(state_folder_buffer, sizeof state_folder_buffer, base, rest))
    the_settings.state_folder = state_folder_buffer;
}

bool is_set(const char* name) {
  const char* value = secure_getenv(name);
  return value != nullptr && strcmp(value, "1") == 0;
}

void read_all() {
  the_settings.secure = getauxval(AT_SECURE) != 0;
  the_settings.disabled = is_set("HAPPY_DISABLE");
  if (the_settings.disabled) return;
  the_settings.eager = is_set("HAPPY_EAGER");
  read_log_setting();
  the_settings.trace_path = secure_getenv("HAPPY_TRACE");
  if (the_settings.trace_path != nullptr && *the_settings.trace_path == '\0') {
    the_settings.trace_path = nullptr;
  }
  find_folder();
  find_state_folder();
  find_policy();
}

}  // namespace

bool Settings::may_prefetch() const {
  constexpr char kKey[] = "\"prefetch\"";
  return policy_text != nullptr &&
         memmem(policy_text, policy_size, kKey, sizeof kKey - 1) != nullptr;
}

const Settings& read_settings() {
  const int saved = errno;
  {
    const Guard guard(once);
    if (!settings_read.load(std::memory_order_relaxed)) {
      // Another preloaded library may have its own open() in front of libc's,
      // and call one of our hooks from it, which must not ask for settings.
      ++bypass_depth;
      read_all();
      --bypass_depth;
      settings_read.store(true, std::memory_order_release);
      enabled.store(!the_settings.disabled, std::memory_order_release);
    }
  }
  errno = saved;
  return the_settings;
}

}  // namespace happy::shim
