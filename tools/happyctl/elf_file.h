// The few words of an ELF file that say whether a library can be preloaded into
// it. Reads headers only, trusts none of them, and knows nothing of policy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace happyctl {

struct ElfFile {
  bool is_64_bit = false;
  bool is_little_endian = false;
  uint16_t machine = 0;  // EM_X86_64 ...; 0 where the octet order is foreign
  // The program interpreter (PT_INTERP), which loads what LD_PRELOAD names;
  // empty in a statically linked program. Read from 64-bit files only.
  std::string interpreter;

  // Whether one process can hold both.
  bool fits(const ElfFile& other) const {
    return is_64_bit == other.is_64_bit && machine == other.machine &&
           is_little_endian == other.is_little_endian;
  }
};

// nullopt if the file cannot be read, is no ELF file, or is a broken one.
std::optional<ElfFile> read_elf(const std::string& path);

}  // namespace happyctl
