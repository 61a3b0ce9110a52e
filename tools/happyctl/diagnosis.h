// What `happyctl doctor PROGRAM` finds out about a program, as a value: whether
// the library will act in it, and what of the program passes it by. Looks at
// files; starts nothing and prints nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/happyctl/library_search.h"

namespace happyctl {

// The functions of one file that the library stands in for.
struct HookedImports {
  std::string file;
  std::vector<std::string> functions;
};

struct Fact {
  std::string what, text;
};

struct Diagnosis {
  std::string path;                      // of what was named
  std::optional<std::string> why_not{};  // it will not be intercepted
  std::vector<std::string> but{};        // it will, with these exceptions
  std::vector<Fact> facts{};             // in the order to tell them
  std::vector<HookedImports> imports{};  // the program's first
};

// `library`: libhappy.so, which says by its own symbols what it stands in for.
Diagnosis diagnose(const std::string& path, const std::string& library);

}  // namespace happyctl
