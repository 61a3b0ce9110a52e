#include "tests/tools/command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

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

}  // namespace

Ended run(const std::vector<std::string>& arguments,
          const std::map<std::string, std::string>& environment) {
  std::vector<std::string> argv_strings = arguments;
  std::vector<std::string> env_strings;
  for (const auto& [name, value] : environment) {
    env_strings.push_back(name + "=" + value);
  }
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

}  // namespace happy::test
