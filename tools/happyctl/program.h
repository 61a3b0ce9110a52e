// The program that a command names: where it is, and whether the library can
// get into it. Looks at files; starts nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace happyctl {

struct Program {
  std::string path;
  int error = 0;  // ENOENT, EACCES ...: cannot be started
};

// As execvp(3) finds it: through $PATH where `name` has no slash.
Program find_program(const std::string& name);

// Whether a shell could make sense of a file that the kernel does not know.
bool is_text(const std::string& path);

// The file itself; for a script then its interpreter, and where that is a
// script its own. "#!/usr/bin/env PROGRAM" is about PROGRAM.
std::vector<std::string> interpreters_of(const std::string& path);

// Why `library` would not be loaded with the program at `path`, in the words
// that follow "cannot be intercepted: "; nullopt if nothing speaks against it.
// Scripts are followed to their interpreter.
std::optional<std::string> why_not_intercepted(const std::string& path,
                                               const std::string& library);

}  // namespace happyctl
