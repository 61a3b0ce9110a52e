// Programs as children: run to the end with a time limit, or kept as a server.
// A child dies with the thread that started it (PR_SET_PDEATHSIG) and is reaped
// by pid; nothing here waits for just any child.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.h"

namespace happy::lab {

using Environment = std::map<std::string, std::string>;

struct Command {
  std::vector<std::string> arguments;  // [0] is looked up in PATH
  // Set in the child. What is inherited is cleaned of LD_PRELOAD, HAPPY_*,
  // proxies and HOME first, so that a developer's machine does not matter.
  Environment environment;
  std::chrono::milliseconds limit{10'000};
  // Called in the child after fork(): only async-signal-safe calls. False ends
  // the child with status 126.
  std::function<bool()> enter;
  std::string input;  // up to a pipe's capacity; stdin ends after it
};

struct Outcome {
  int exit_status = -1;  // -1 where a signal ended the program
  int signal = 0;
  bool timed_out = false;  // killed at `limit`
  std::string out, err;
  Time started;
  std::chrono::milliseconds elapsed{};

  bool good() const { return exit_status == 0; }
  // Everything in one text for a failed expectation.
  std::string describe() const;
};

// Throws where the program cannot be started.
Outcome run(const Command& command);

// A child that runs until its owner ends it: SIGTERM, after a second SIGKILL.
class Server {
 public:
  // Both outputs go to the file `log`.
  Server(const Command& command, const std::string& log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  pid_t pid() const { return pid_; }
  bool running();

 private:
  pid_t pid_ = -1;
};

}  // namespace happy::lab
