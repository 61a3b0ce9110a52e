#include "tools/happyctl/library_trial.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <vector>

#include "tools/happyctl/run_environment.h"

namespace happyctl {
namespace {

// What says that an object cannot be used, of all that may be said.
constexpr const char* kFaults[] = {"cannot be preloaded", "cannot load",
                                   "does not fit", "is not of this version"};

std::vector<std::string> trial_environment(const std::string& library) {
  std::vector<std::string> out;
  for (std::string& setting : environment()) {
    const auto is = [&setting](const char* name) {
      return setting.starts_with(name);
    };
    if (!is("LD_PRELOAD=") && !is("HAPPY_LOG=") && !is("HAPPY_TRACE=") &&
        !is("HAPPY_DISABLE=") && !is("HAPPY_EAGER=") && !is("HAPPY_STATE="))
      out.push_back(std::move(setting));
  }
  const char* const preload = std::getenv("LD_PRELOAD");
  const auto with = preload_with(preload != nullptr ? preload : "", library);
  out.push_back("LD_PRELOAD=" + with.value_or(library));
  out.emplace_back("HAPPY_LOG=error");
  out.emplace_back("HAPPY_EAGER=1");
  out.emplace_back("HAPPY_STATE=off");  // it would make the folder
  return out;
}

std::string read_all(int fd) {
  std::string out;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return out;
    out.append(buffer, static_cast<size_t>(got));
  }
}

// What it wrote to standard error; an errno in `*error` if it did not run.
std::string errors_of_trial(std::vector<std::string> settings, int* error) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    *error = errno;
    return {};
  }
  std::vector<char*> environment;
  for (std::string& setting : settings) environment.push_back(setting.data());
  environment.push_back(nullptr);
  char name[] = "happyctl", option[] = "--version";
  char* const arguments[] = {name, option, nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  pid_t pid = 0;
  *error = posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, arguments,
                       environment.data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  const std::string said = *error == 0 ? read_all(ends[0]) : "";
  close(ends[0]);
  while (*error == 0 && waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return said;
}

}  // namespace

std::string trial_fault(const std::string& library) {
  int error = 0;
  std::istringstream said(errors_of_trial(trial_environment(library), &error));
  if (error != 0)
    return std::string("no program can be started: ") + std::strerror(error);
  for (std::string line; std::getline(said, line);)
    for (const char* const fault : kFaults)
      if (line.find(fault) != std::string::npos) return line;
  return {};
}

}  // namespace happyctl
