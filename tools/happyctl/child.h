// Runs one program in the foreground as if it stood in this process's place:
// the same descriptors, terminal, signals and exit status.
#pragma once

#include <string>
#include <vector>

namespace happyctl {

struct ChildEnd {
  int error = 0;   // errno of execve(2): it never ran
  int status = 0;  // as of waitpid(2)
};

// Runs the file `path` with these arguments (the first is its name) and this
// environment, and waits for its end. Signals sent to this process are passed
// on; those that a terminal sends to both are not, since the child has them
// already. When the child stops, so does this process.
ChildEnd run_child(const std::string& path,
                   const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment);

// Ends as the child did: by the same signal where it was ended by one. Returns
// the exit status where that is the way, 128 + N if signal N spared us.
int end_like(int status);

}  // namespace happyctl
