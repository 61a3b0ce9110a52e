// What a program has on board that passes libc by, or bears on preloading:
// resolvers of its own, io_uring, sanitizers, allocators, wrappers. A table of
// traces that such code leaves in names of libraries and symbols.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/happyctl/library_search.h"

namespace happyctl {

enum class ForeignKind {
  kResolver,   // asks name servers by itself
  kRing,       // io_uring
  kSanitizer,  // wants to be the first library
  kAllocator,  // harmless, good to know
};

struct Foreign {
  ForeignKind kind;
  std::string name;  // "c-ares"
  std::string seen;  // where: "libcares.so.2", or a file and its symbol
};

// Each once.
std::vector<Foreign> foreign_code(const Linkage& linkage);

// "Chromium", where what such browsers come with lies beside the program.
std::optional<std::string> browser_at(const std::string& program);
// "snap" or "flatpak" where the program is started by one.
std::optional<std::string> wrapper_of(const std::string& program);

}  // namespace happyctl
