#include "tests/lab/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <thread>

#include "tests/lab/descriptor.h"
#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

using std::chrono::milliseconds;

// All that the child needs, made before fork(): between fork() and exec() in a
// process with threads nothing may be allocated.
struct Prepared {
  std::vector<std::string> texts;
  std::vector<char*> arguments, environment;
  const std::function<bool()>* enter;
  pid_t parent = getpid();
};

bool inherited(std::string_view entry, const Environment& given) {
  constexpr std::array<std::string_view, 7> kDropped{
      "LD_PRELOAD=", "HAPPY_",       "HOME=",     "XDG_",
      "http_proxy=", "https_proxy=", "all_proxy="};
  for (const auto prefix : kDropped)
    if (entry.starts_with(prefix)) return false;
  // Of two entries getenv() finds the first.
  return !given.contains(std::string(entry.substr(0, entry.find('='))));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> texts;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (inherited(*entry, command.environment)) texts.emplace_back(*entry);
  // Marks all that a lab started, for the check that nothing is left behind.
  texts.emplace_back("HAPPY_LAB=" HAPPY_BUILD_FOLDER);
  if (!command.environment.contains("HOME"))
    texts.emplace_back("HOME=/nowhere");
  for (const auto& [name, value] : command.environment)
    texts.push_back(name + "=" + value);
  return texts;
}

[[noreturn]] void become(const Prepared& prepared, int in, int out, int err) {
  setpgid(0, 0);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (*prepared.enter && !(*prepared.enter)()) _exit(126);
  // After entering: the kernel forgets it where credentials change.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != prepared.parent) _exit(126);
  execvpe(prepared.arguments[0], prepared.arguments.data(),
          prepared.environment.data());
  _exit(127);
}

pid_t start(const Command& command, int in, int out, int err) {
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = environment_of(command);
  Prepared prepared{.texts = {},
                    .arguments = pointers(arguments),
                    .environment = pointers(environment),
                    .enter = &command.enter};
  const pid_t child = check(fork(), "fork");
  if (child == 0) become(prepared, in, out, err);
  setpgid(child, child);  // in both, so that neither has to be first
  return child;
}

struct Pipe {
  Descriptor read, write;
};

Pipe make_pipe() {
  int ends[2];
  check(pipe2(ends, O_CLOEXEC), "pipe2");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// glibc 2.36 declares pidfd_open() without C linkage.
int open_pidfd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

Time now() {
  return std::chrono::time_point_cast<Duration>(
      std::chrono::steady_clock::now());
}

// Appends what is there; false at the end of the file.
bool drain(int descriptor, std::string* text) {
  std::array<char, 65536> buffer;
  const ssize_t got = read(descriptor, buffer.data(), buffer.size());
  if (got > 0) text->append(buffer.data(), static_cast<size_t>(got));
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

// Reads until the child has ended and both pipes are empty, or the limit. A
// grandchild that keeps a pipe open does not hold this up.
void collect(int pidfd, const Pipe& out, const Pipe& err, Time limit,
             Outcome* outcome) {
  std::array<pollfd, 3> polled{{{pidfd, POLLIN, 0},
                                {out.read.get(), POLLIN, 0},
                                {err.read.get(), POLLIN, 0}}};
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(limit - now());
    if (left.count() <= 0) {
      outcome->timed_out = true;
      return;
    }
    const int ready =
        poll(polled.data(), polled.size(), static_cast<int>(left.count()));
    if (ready <= 0) continue;
    bool read_any = false;
    for (const size_t i : {1U, 2U}) {
      if ((polled[i].revents & (POLLIN | POLLHUP)) == 0) continue;
      read_any = true;
      if (!drain(polled[i].fd, i == 1 ? &outcome->out : &outcome->err))
        polled[i].fd = -1;
    }
    if (!read_any && (polled[0].revents & POLLIN) != 0) return;
  }
}

}  // namespace

std::string Outcome::describe() const {
  std::string text = "exit status " + std::to_string(exit_status);
  if (signal != 0) text += ", signal " + std::to_string(signal);
  if (timed_out) text += ", timed out";
  text += ", " + std::to_string(elapsed.count()) + " ms";
  return text + "\nstdout: " + out + "\nstderr: " + err;
}

Outcome run(const Command& command) {
  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  if (!command.input.empty() &&
      write(in.write.get(), command.input.data(), command.input.size()) !=
          static_cast<ssize_t>(command.input.size()))
    fail("input does not fit into a pipe");
  in.write.reset();
  Outcome outcome;
  outcome.started = now();
  const pid_t child =
      start(command, in.read.get(), out.write.get(), err.write.get());
  out.write.reset();
  err.write.reset();
  const Descriptor pidfd(check(open_pidfd(child), "pidfd_open"));
  collect(pidfd.get(), out, err, outcome.started + command.limit, &outcome);
  const Time ended = now();
  outcome.elapsed =
      std::chrono::duration_cast<milliseconds>(ended - outcome.started);
  kill(-child, SIGKILL);  // the program at its limit, or what it left behind
  int status = 0;
  check(waitpid(child, &status, 0), "waitpid");
  if (WIFEXITED(status)) outcome.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

Server::Server(const Command& command, const std::string& log) {
  const Descriptor none(check(open("/dev/null", O_RDONLY | O_CLOEXEC), "open"));
  const Descriptor out(check(
      open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), log));
  pid_ = start(command, none.get(), out.get(), out.get());
}

Server::~Server() {
  if (!running()) return;
  kill(-pid_, SIGTERM);
  for (int i = 0; i < 200; ++i) {
    if (!running()) return;
    std::this_thread::sleep_for(milliseconds(5));
  }
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Server::running() {
  if (pid_ < 0) return false;
  if (waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

}  // namespace happy::lab
