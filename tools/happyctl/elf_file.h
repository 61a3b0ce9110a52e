// What the headers of an ELF file say about whether a library can be preloaded
// into it: for whom it was built, who loads it, and what made it. Trusts none
// of it, and knows nothing of policy.
#pragma once

#include <elf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/happyctl/elf_bytes.h"

namespace happyctl {

struct ElfFile {
  bool is_64_bit = false;
  bool is_little_endian = false;
  uint16_t machine = 0;  // EM_X86_64 ...; 0 where the octet order is foreign
  uint16_t type = 0;     // ET_EXEC ...
  // What follows is read from 64-bit files only.
  std::vector<Elf64_Phdr> segments{};
  // The program interpreter (PT_INTERP), which loads what LD_PRELOAD names;
  // empty in a statically linked program.
  std::string interpreter{};
  bool is_go = false;  // has Go's build identifier or information

  // Whether one process can hold both.
  bool fits(const ElfFile& other) const {
    return is_64_bit == other.is_64_bit && machine == other.machine &&
           is_little_endian == other.is_little_endian;
  }
  const Elf64_Phdr* segment(uint32_t segment_type) const;
};

// nullopt if the file cannot be read, is no ELF file, or is a broken one.
std::optional<ElfFile> read_elf(const std::string& path);
std::optional<ElfFile> read_elf(const ElfBytes& bytes);

// "x86-64", "32-bit ARM", "machine 243".
std::string machine_text(const ElfFile& elf);

}  // namespace happyctl
