// Steps on the process: signals and what a program finds after exec.
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/abi/conformance/stage.h"
#include "tests/abi/conformance/vocabulary.h"

namespace happy::abi {
namespace {

volatile sig_atomic_t caught = 0;

void count_signal(int) { caught = caught + 1; }

void handle(int signal, bool restart) {
  struct sigaction action {};
  action.sa_handler = count_signal;
  action.sa_flags = restart ? SA_RESTART : 0;
  sigaction(signal, &action, nullptr);
}

// alarm MILLISECONDS [restart]: SIGALRM once, then.
std::string set_alarm(Stage&, const Words& words) {
  handle(SIGALRM, word(words, 1) == "restart");
  const int after = number(words.at(0));
  const itimerval timer{{0, 0}, {after / 1000, (after % 1000) * 1000L}};
  return call([&] { return setitimer(ITIMER_REAL, &timer, nullptr); });
}

// handle io: counts SIGIO from now on.
std::string count_io(Stage&, const Words& words) {
  if (words.at(0) != "io") throw std::runtime_error("only io");
  handle(SIGIO, true);
  return "handled";
}

// signals AT-LEAST MILLISECONDS: waits for that many; says whether they came.
std::string await_signals(Stage&, const Words& words) {
  const int wanted = number(words.at(0));
  for (int left = number(word(words, 1, "0")); caught < wanted && left > 0;)
    left -= poll(nullptr, 0, 10) == 0 ? 10 : 1;
  return caught >= wanted ? "came" : "did not come";
}

// exec: the numbers below 64 that a program started now finds open.
std::string exec_table(Stage&, const Words&) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    const std::string out = std::to_string(ends[1]);
    execl("/proc/self/exe", "conformance_player", "--descriptors", out.c_str(),
          nullptr);
    _exit(127);
  }
  close(ends[1]);
  std::string text;
  char buffer[256];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(got));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return text;
}

}  // namespace

StepTable process_steps() {
  return {{"alarm", set_alarm},
          {"handle", count_io},
          {"signals", await_signals},
          {"exec", exec_table}};
}

}  // namespace happy::abi
