// What the library was told at load: environment, policy text, its own folder.
// Decided once, by the constructor or by the first hook that runs before it;
// a later chdir, chroot, setenv or unlink changes nothing.
#pragma once

#include <stddef.h>

#include <atomic>

namespace happy::shim {

struct Settings {
  bool disabled = false;  // HAPPY_DISABLE=1
  bool eager = false;     // HAPPY_EAGER=1
  bool secure = false;    // secure execution: environment not trusted

  const char* policy_text = nullptr;  // nullptr: the embedded default
  size_t policy_size = 0;
  const char* policy_path = nullptr;
  int policy_error = 0;  // errno of a policy file that could not be read

  int log_level = 0;                 // happy_log_level
  const char* log_path = nullptr;    // nullptr: standard error
  const char* trace_path = nullptr;  // nullptr: no trace
  const char* folder = nullptr;      // where libhappy-core.so is
  // Where processes share what they learn; nullptr: nowhere.
  const char* state_folder = nullptr;

  bool policy_configured() const { return policy_path != nullptr; }
  // Whether the policy may want something looked up at load. Its text is not
  // understood here: that of a comment will do.
  bool may_prefetch() const;
};

extern Settings the_settings;
extern std::atomic<bool> settings_read;
// They have been read, and the library is not switched off.
extern std::atomic<bool> enabled;
const Settings& read_settings();

// Reads them at the first call. Safe from any thread.
inline const Settings& settings() {
  if (settings_read.load(std::memory_order_acquire)) [[likely]]
    return the_settings;
  return read_settings();
}

}  // namespace happy::shim
