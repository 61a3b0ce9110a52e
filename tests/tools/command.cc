#include "tests/tools/command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace happy::test {
namespace {

// A file without a name takes any amount of output; a pipe would have to be
// read while the program runs.
using File = std::unique_ptr<FILE, int (*)(FILE*)>;

std::string content(FILE* file) {
  std::string out;
  char buffer[4096];
  rewind(file);
  while (const size_t got = fread(buffer, 1, sizeof buffer, file)) {
    out.append(buffer, got);
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

int status_of(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<std::string> assignments(
    const std::map<std::string, std::string>& environment) {
  std::vector<std::string> out;
  for (const auto& [name, value] : environment) {
    out.push_back(name + "=" + value);
  }
  return out;
}

}  // namespace

Ended run(const std::vector<std::string>& arguments,
          const std::map<std::string, std::string>& environment) {
  std::vector<std::string> argv_strings = arguments;
  std::vector<std::string> env_strings = assignments(environment);
  const File out(tmpfile(), fclose), err(tmpfile(), fclose);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), 1);
  posix_spawn_file_actions_adddup2(&actions, fileno(err.get()), 2);
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, arguments[0].c_str(), &actions, nullptr,
                  pointers(argv_strings).data(), pointers(env_strings).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    ADD_FAILURE() << arguments[0] << ": " << strerror(error);
    return {};
  }
  const int status = status_of(pid);
  return {status, content(out.get()), content(err.get())};
}

Ended run_on_terminal(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment) {
  std::vector<std::string> argv_strings = arguments;
  std::vector<std::string> env_strings = assignments(environment);
  const auto argv = pointers(argv_strings), envp = pointers(env_strings);
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (pid == 0) {
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  if (pid < 0) {
    ADD_FAILURE() << "forkpty: " << strerror(errno);
    return {};
  }
  Ended ended;
  char buffer[4096];
  // EIO once the program has closed its side.
  for (ssize_t got; (got = read(terminal, buffer, sizeof buffer)) > 0;) {
    ended.out.append(buffer, static_cast<size_t>(got));
  }
  close(terminal);
  ended.status = status_of(pid);
  return ended;
}

}  // namespace happy::test
