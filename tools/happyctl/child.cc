#include "tools/happyctl/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace happyctl {
namespace {

// What may end or stop a program, or tell it something. The others either
// cannot be caught or speak of our own faults.
constexpr int kPassedOn[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
                             SIGUSR2, SIGALRM, SIGTSTP, SIGWINCH};

// The signals of this process as they were, for the child; ours are then
// blocked and taken one by one.
class Signals {
 public:
  Signals() {
    sigemptyset(&taken_);
    for (const int signal : kPassedOn) sigaddset(&taken_, signal);
    sigaddset(&taken_, SIGCHLD);
    // Stops of ours follow the child's alone, see has_ended().
    sigaddset(&taken_, SIGTTIN);
    sigaddset(&taken_, SIGTTOU);
    // Ignored, it would make children vanish without their status.
    struct sigaction usual {};
    usual.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &usual, &child_action_);
    sigprocmask(SIG_BLOCK, &taken_, &mask_);
  }
  ~Signals() { restore(); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void restore() const {
    sigaction(SIGCHLD, &child_action_, nullptr);
    sigprocmask(SIG_SETMASK, &mask_, nullptr);
  }
  const sigset_t& taken() const { return taken_; }

 private:
  sigset_t taken_, mask_;
  struct sigaction child_action_ {};
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// Only what is allowed between fork(2) and execve(2).
[[noreturn]] void become(const char* path, char* const* argv, char* const* envp,
                         int report, const Signals& signals) {
  signals.restore();
  execve(path, argv, envp);
  const int error = errno;
  const ssize_t written = write(report, &error, sizeof error);
  _exit(written == sizeof error ? 127 : 126);
}

// 0 once the program runs, else why it does not.
int exec_error(int pipe_end) {
  int error = 0;
  ssize_t got;
  do {
    got = read(pipe_end, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == sizeof error ? error : 0;
}

// True when the child has ended. A child that stops takes us with it, so that
// the shell sees the job stopped; when we go on, so does the child.
bool has_ended(pid_t pid, int* status) {
  const pid_t got = waitpid(pid, status, WNOHANG | WUNTRACED);
  if (got != pid) return got < 0 && errno == ECHILD;
  if (!WIFSTOPPED(*status)) return true;
  raise(SIGSTOP);
  kill(pid, SIGCONT);
  return false;
}

int wait_for(pid_t pid, const Signals& signals) {
  int status = 0;
  while (!has_ended(pid, &status)) {
    siginfo_t info;
    const int signal = sigwaitinfo(&signals.taken(), &info);
    if (signal < 0 || signal == SIGCHLD) continue;
    // From the terminal (SI_KERNEL) the whole foreground group has it.
    const bool sent_to_us = info.si_code <= 0;
    if (sent_to_us && signal != SIGTTIN && signal != SIGTTOU) {
      kill(pid, signal);
    }
  }
  // An interrupt that ended the child must not end us before we are done.
  const timespec now{};
  while (sigtimedwait(&signals.taken(), nullptr, &now) > 0) {
  }
  return status;
}

}  // namespace

ChildEnd run_child(const std::string& path,
                   const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment) {
  const auto argv = pointers(arguments), envp = pointers(environment);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return {.error = errno};
  const Signals signals;
  const pid_t pid = fork();
  if (pid == 0) {
    become(path.c_str(), argv.data(), envp.data(), report[1], signals);
  }
  ChildEnd end{.error = pid < 0 ? errno : 0};
  close(report[1]);
  if (pid > 0) {
    end.error = exec_error(report[0]);
    end.status = wait_for(pid, signals);
  }
  close(report[0]);
  return end;
}

int end_like(int status) {
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  const int signal = WTERMSIG(status);
  prctl(PR_SET_DUMPABLE, 0);  // the child has left its core dump, if any
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  sigaction(signal, &usual, nullptr);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, signal);
  sigprocmask(SIG_UNBLOCK, &mask, nullptr);
  raise(signal);
  return 128 + signal;
}

}  // namespace happyctl
