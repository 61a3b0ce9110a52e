// The conformance program: plays the rows of a table, each in a process of its
// own, a few at once, and prints what every call gave. The same with and
// without libhappy.so preloaded; conformance_test.cc compares.
//
//   conformance_player FILE PORT plain|library [ROW...]
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <stdexcept>

#include "tests/abi/conformance/stage.h"

namespace happy::abi {
namespace {

constexpr size_t kAtOnce = 12;
constexpr int kLimitMs = 15'000;  // without a word from a row

struct Played {
  const Row* row;
  pid_t pid;
  int output;
  std::string text;
};

// In the child: 0, 1 and 2 are open, everything else is the row's to find.
[[noreturn]] void play_row(const Row& row, const Setting& setting, int output) {
  dup2(output, STDOUT_FILENO);
  close_range(3, ~0U, 0);
  Stage(setting).play(row);
  _exit(0);
}

Played start(const Row& row, Setting setting) {
  setting.world = find_world(row.world);
  if (setting.world == nullptr)
    throw std::runtime_error(row.name + ": unknown world: " + row.world);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const pid_t pid = fork();
  if (pid == 0) play_row(row, setting, ends[1]);
  close(ends[1]);
  return {&row, pid, ends[0], {}};
}

// False where the row hangs.
bool read_all(Played* played) {
  char buffer[4096];
  while (true) {
    pollfd ready{played->output, POLLIN, 0};
    if (poll(&ready, 1, kLimitMs) == 0) return false;
    const ssize_t got = read(played->output, buffer, sizeof buffer);
    if (got <= 0) return true;
    played->text.append(buffer, static_cast<size_t>(got));
  }
}

void collect(Played* played) {
  if (!read_all(played)) kill(played->pid, SIGKILL);
  close(played->output);
  int status = 0;
  waitpid(played->pid, &status, 0);
  printf("row %s %s\n%s", played->row->name.c_str(), played->row->world.c_str(),
         played->text.c_str());
  if (WIFSIGNALED(status))
    printf("  ended by signal => %s\n", strsignal(WTERMSIG(status)));
}

void play_all(const std::vector<Row>& rows, const Setting& setting) {
  std::deque<Played> running;
  for (const Row& row : rows) {
    if (running.size() == kAtOnce) {
      collect(&running.front());
      running.pop_front();
    }
    running.push_back(start(row, setting));
  }
  for (Played& played : running) collect(&played);
}

int main_or_throw(const Words& arguments) {
  if (arguments.size() < 3) throw std::runtime_error("FILE PORT MODE [ROW...]");
  std::vector<Row> rows = read_rows(arguments[0]);
  const auto wanted_from = arguments.begin() + 3;
  if (wanted_from != arguments.end())
    std::erase_if(rows, [&](const Row& row) {
      return std::find(wanted_from, arguments.end(), row.name) ==
             arguments.end();
    });
  Setting setting;
  setting.port = static_cast<uint16_t>(number(arguments[1]));
  setting.with_library = arguments[2] == "library";
  play_all(rows, setting);
  return 0;
}

// After an exec: which low numbers are open.
int list_descriptors(int output) {
  for (int fd = 3; fd < 64; ++fd)
    if (fd != output && fcntl(fd, F_GETFD) >= 0) dprintf(output, "%d ", fd);
  dprintf(output, "after exec");
  return 0;
}

}  // namespace
}  // namespace happy::abi

int main(int count, char** arguments) {
  using namespace happy::abi;
  if (count == 3 && std::string(arguments[1]) == "--descriptors")
    return list_descriptors(number(arguments[2]));
  try {
    return main_or_throw(Words(arguments + 1, arguments + count));
  } catch (const std::exception& error) {
    fprintf(stderr, "conformance_player: %s\n", error.what());
    return 2;
  }
}
