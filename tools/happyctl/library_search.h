// Where the dynamic linker would find a library that a program needs: run
// paths, LD_LIBRARY_PATH, ld.so.cache and the default folders, as in ld.so(8).
// Loads and runs nothing. Left out: $LIB, $PLATFORM, hardware folders.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/happyctl/elf_dynamic.h"

namespace happyctl {

// The entries of a file as ldconfig(8) writes it since glibc 2.2, in their
// order; empty where it cannot be read or is another.
struct CachedLibrary {
  std::string name, path;
};
std::vector<CachedLibrary> read_library_cache(const std::string& path);

// A file of a program: itself, or a library that it is linked with.
struct LinkedObject {
  std::string path;
  std::string name;  // as it was asked for; empty for the program
  ElfDynamic dynamic;
};

struct Linkage {
  std::vector<LinkedObject> objects;  // the program first, breadth first
  std::vector<std::string> missing;   // names that are nowhere
};

// Empty for a program that has nothing for a dynamic linker to do.
Linkage linkage_of(const std::string& program);

}  // namespace happyctl
