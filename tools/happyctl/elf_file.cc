#include "tools/happyctl/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>

namespace happyctl {
namespace {

static_assert(std::endian::native == std::endian::little,
              "fields of a little-endian file are read as they are");

// False where the file ends before.
template <typename T>
bool read_at(std::ifstream& file, uint64_t offset, T* out) {
  if (offset > uint64_t{1} << 62) return false;
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(out), sizeof *out);
  return file.good();
}

// The path in a PT_INTERP segment; the kernel too takes PATH_MAX at most.
std::optional<std::string> interpreter_at(std::ifstream& file,
                                          const Elf64_Phdr& segment) {
  constexpr uint64_t kLongest = 4096;
  std::string text(std::min<uint64_t>(segment.p_filesz, kLongest), '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(segment.p_offset & ~(1ULL << 63)));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.good()) return std::nullopt;
  text.resize(strlen(text.c_str()));  // up to the final NUL
  return text;
}

// False for a broken file.
bool read_segments(std::ifstream& file, ElfFile* elf) {
  Elf64_Ehdr header;
  if (!read_at(file, 0, &header)) return false;
  elf->machine = header.e_machine;
  if (header.e_phnum != 0 && header.e_phentsize != sizeof(Elf64_Phdr)) {
    return false;
  }
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!read_at(file, header.e_phoff + i * sizeof segment, &segment)) {
      return false;
    }
    if (segment.p_type != PT_INTERP) continue;
    const auto path = interpreter_at(file, segment);
    if (!path || path->empty()) return false;
    elf->interpreter = *path;
  }
  return true;
}

}  // namespace

std::optional<ElfFile> read_elf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<unsigned char, EI_NIDENT> ident;
  if (!file || !read_at(file, 0, &ident)) return std::nullopt;
  if (std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0) return std::nullopt;
  ElfFile elf;
  elf.is_64_bit = ident[EI_CLASS] == ELFCLASS64;
  elf.is_little_endian = ident[EI_DATA] == ELFDATA2LSB;
  if (!elf.is_little_endian) return elf;
  if (elf.is_64_bit) {
    if (!read_segments(file, &elf)) return std::nullopt;
  } else if (!read_at(file, offsetof(Elf32_Ehdr, e_machine), &elf.machine)) {
    return std::nullopt;
  }
  return elf;
}

}  // namespace happyctl
