#include "tests/lab/temp_folder.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

// What the signal handler removes: a table of fixed size, since a handler may
// not allocate. An empty path is a free slot.
constexpr size_t kMost = 16;
std::array<std::array<char, 256>, kMost> paths;
std::mutex paths_mutex;

// Only async-signal-safe calls: a child removes the folders, then the signal
// does what it would have done.
void remove_folders_and_die(int signal) {
  std::array<const char*, kMost + 4> arguments{"rm", "-rf", "--"};
  size_t count = 3;
  for (const auto& path : paths)
    if (path[0] != '\0') arguments[count++] = path.data();
  const pid_t child = _Fork();
  if (child == 0) {
    execv("/bin/rm", const_cast<char* const*>(arguments.data()));
    _exit(127);
  }
  if (child > 0) waitpid(child, nullptr, 0);
  ::signal(signal, SIG_DFL);
  raise(signal);
}

void install_handlers() {
  struct sigaction action {};
  action.sa_handler = remove_folders_and_die;
  sigfillset(&action.sa_mask);
  action.sa_flags = SA_NODEFER;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGABRT})
    sigaction(signal, &action, nullptr);
}

void remember(const std::string& path) {
  const std::lock_guard lock(paths_mutex);
  static const bool installed = (install_handlers(), true);
  (void)installed;
  for (auto& slot : paths) {
    if (slot[0] != '\0' || path.size() >= slot.size()) continue;
    std::memcpy(slot.data(), path.c_str(), path.size() + 1);
    return;
  }
}

void forget(const std::string& path) {
  const std::lock_guard lock(paths_mutex);
  for (auto& slot : paths)
    if (path == slot.data()) slot[0] = '\0';
}

}  // namespace

TempFolder::TempFolder() {
  const char* base = getenv("TMPDIR");
  std::string pattern =
      std::string(base != nullptr ? base : "/tmp") + "/happy-lab.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) fail_errno("mkdtemp");
  path_ = pattern;
  remember(path_);
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  forget(path_);
}

std::string TempFolder::file(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

std::string TempFolder::write(std::string_view name,
                              std::string_view text) const {
  const std::string path = file(name);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  if (!out.flush()) fail("cannot write " + path);
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace happy::lab
