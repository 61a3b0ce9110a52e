#include "tests/bench/figures.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <stdexcept>

namespace happy::bench {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::vector<double> numbers(const std::string& text) {
  std::istringstream in(text);
  std::vector<double> out;
  for (double value; in >> value;) out.push_back(value);
  return out;
}

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

std::string text(std::optional<double> value, int digits) {
  if (!value) return "-";
  char out[32];
  std::snprintf(out, sizeof out, "%.*f", digits, *value);
  return out;
}

double time_process(const std::vector<std::string>& arguments,
                    const lab::Environment& environment) {
  std::vector<std::string> words = arguments, entries;
  for (const auto& [name, value] : environment)
    entries.push_back(name + "=" + value);
  const auto argv = pointers(words), envp = pointers(entries);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
                                   O_WRONLY, 0);
  const auto started = std::chrono::steady_clock::now();
  pid_t child = -1;
  const int error =
      posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), envp.data());
  int status = -1;
  if (error == 0) waitpid(child, &status, 0);
  const std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - started;
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0) throw std::runtime_error(arguments[0] + " failed");
  return took.count();
}

}  // namespace happy::bench
