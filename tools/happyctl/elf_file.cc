#include "tools/happyctl/elf_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace happyctl {
namespace {

static_assert(std::endian::native == std::endian::little,
              "fields of a little-endian file are read as they are");

constexpr uint64_t kLongestPath = 4096;  // the kernel takes no more either
constexpr uint64_t kMostNotes = 64 << 10;
constexpr uint64_t kMostSectionNames = 1 << 20;

std::optional<std::string> interpreter_at(const ElfBytes& bytes,
                                          const Elf64_Phdr& segment) {
  const uint64_t size = std::min(segment.p_filesz, kLongestPath);
  auto text = bytes.read(segment.p_offset, size, kLongestPath);
  if (text) text->resize(strlen(text->c_str()));  // up to the final NUL
  if (text && text->empty()) return std::nullopt;
  return text;
}

// False for a broken file.
bool read_segments(const ElfBytes& bytes, const Elf64_Ehdr& header,
                   ElfFile* elf) {
  if (header.e_phnum != 0 && header.e_phentsize != sizeof(Elf64_Phdr))
    return false;
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (!bytes.read(header.e_phoff + i * sizeof segment, &segment))
      return false;
    elf->segments.push_back(segment);
    if (segment.p_type != PT_INTERP) continue;
    const auto path = interpreter_at(bytes, segment);
    if (!path) return false;
    elf->interpreter = *path;
  }
  return true;
}

// A note of the linker of Go's own tools: name "Go", type 4, the build
// identifier (cmd/link, "go.buildid").
bool has_go_note(const ElfBytes& bytes, const Elf64_Phdr& segment) {
  const auto notes = bytes.read(segment.p_offset, segment.p_filesz, kMostNotes);
  if (!notes) return false;
  size_t at = 0;
  Elf64_Nhdr note;
  while (notes->size() - at >= sizeof note) {
    std::memcpy(&note, notes->data() + at, sizeof note);
    at += sizeof note;
    const uint64_t name = (uint64_t{note.n_namesz} + 3) & ~uint64_t{3};
    const uint64_t content = (uint64_t{note.n_descsz} + 3) & ~uint64_t{3};
    if (note.n_type == 4 && note.n_namesz == 4 &&
        notes->compare(at, 4, std::string("Go\0\0", 4)) == 0)
      return true;
    if (name + content > notes->size() - at) return false;
    at += name + content;
  }
  return false;
}

// Names of sections are nothing that a loader needs: where they are broken
// there are none.
bool has_section(const ElfBytes& bytes, const Elf64_Ehdr& header,
                 const std::string& name) {
  const auto place = [&header](uint64_t i) {
    return header.e_shoff + i * sizeof(Elf64_Shdr);
  };
  Elf64_Shdr section;
  if (header.e_shentsize != sizeof section ||
      !bytes.read(place(header.e_shstrndx), &section))
    return false;
  const auto names =
      bytes.read(section.sh_offset, section.sh_size, kMostSectionNames);
  for (uint64_t i = 0; names && i < header.e_shnum; ++i) {
    if (!bytes.read(place(i), &section)) return false;
    if (text_at(*names, section.sh_name, name.size() + 1) == name) return true;
  }
  return false;
}

bool is_made_by_go(const ElfBytes& bytes, const Elf64_Ehdr& header,
                   const ElfFile& elf) {
  return std::any_of(elf.segments.begin(), elf.segments.end(),
                     [&bytes](const Elf64_Phdr& segment) {
                       return segment.p_type == PT_NOTE &&
                              has_go_note(bytes, segment);
                     }) ||
         has_section(bytes, header, ".go.buildinfo");
}

}  // namespace

const Elf64_Phdr* ElfFile::segment(uint32_t segment_type) const {
  for (const Elf64_Phdr& one : segments)
    if (one.p_type == segment_type) return &one;
  return nullptr;
}

std::optional<ElfFile> read_elf(const std::string& path) {
  return read_elf(ElfBytes(path));
}

std::optional<ElfFile> read_elf(const ElfBytes& bytes) {
  std::array<unsigned char, EI_NIDENT> ident;
  if (!bytes.read(0, &ident)) return std::nullopt;
  if (std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0) return std::nullopt;
  ElfFile elf;
  elf.is_64_bit = ident[EI_CLASS] == ELFCLASS64;
  elf.is_little_endian = ident[EI_DATA] == ELFDATA2LSB;
  if (!elf.is_little_endian) return elf;
  // Both classes have these two at the same place.
  if (!bytes.read(offsetof(Elf32_Ehdr, e_machine), &elf.machine) ||
      !bytes.read(offsetof(Elf32_Ehdr, e_type), &elf.type))
    return std::nullopt;
  if (!elf.is_64_bit) return elf;
  Elf64_Ehdr header;
  if (!bytes.read(0, &header) || !read_segments(bytes, header, &elf))
    return std::nullopt;
  elf.is_go = is_made_by_go(bytes, header, elf);
  return elf;
}

std::string machine_text(const ElfFile& elf) {
  static constexpr std::pair<uint16_t, const char*> kNames[] = {
      {EM_X86_64, "x86-64"}, {EM_386, "x86"},
      {EM_AARCH64, "ARM"},   {EM_ARM, "ARM"},
      {EM_RISCV, "RISC-V"},  {EM_PPC64, "PowerPC"},
      {EM_S390, "S/390"},    {EM_LOONGARCH, "LoongArch"}};
  std::string out = elf.is_64_bit ? "64-bit " : "32-bit ";
  if (!elf.is_little_endian) return out + "big-endian";
  for (const auto& [machine, name] : kNames)
    if (elf.machine == machine) return out + name;
  return out + "machine " + std::to_string(elf.machine);
}

}  // namespace happyctl
