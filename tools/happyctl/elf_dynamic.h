// What the dynamic section of an ELF file asks of the loader: libraries, where
// to look for them, and symbols. Read as the loader does, by the segments;
// trusts nothing of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/happyctl/elf_file.h"

namespace happyctl {

struct ElfDynamic {
  std::vector<std::string> needed{};  // DT_NEEDED, in their order
  std::string soname{}, runpath{}, rpath{};
  bool is_pie = false;                 // DF_1_PIE: a program, no library
  std::vector<std::string> imports{};  // sorted; names up to 255 octets
  std::vector<std::string> exports{};  // sorted

  bool imports_symbol(const std::string& name) const;
  bool exports_symbol(const std::string& name) const;
};

struct ElfObject {
  ElfFile file;
  std::optional<ElfDynamic> dynamic{};  // none: nothing for a loader to do
};

// nullopt as for read_elf().
std::optional<ElfObject> read_object(const std::string& path);

}  // namespace happyctl
