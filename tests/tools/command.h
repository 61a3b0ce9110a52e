// Runs a program to its end and keeps what it said. For tests of commands that
// end by themselves: there is no time-out here.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace happy::test {

struct Ended {
  int status = -1;  // of exit(3); 128 + N for signal N
  std::string out;
  std::string err;
};

// `arguments[0]` is the program's path. The program has exactly that
// environment. Fails the current test where it cannot be started.
Ended run(const std::vector<std::string>& arguments,
          const std::map<std::string, std::string>& environment);

// The same on a pseudo-terminal: `out` has what the program wrote to it, as it
// would reach a screen (with "\r\n"), `err` is empty.
Ended run_on_terminal(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment);

}  // namespace happy::test
