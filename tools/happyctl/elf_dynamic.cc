#include "tools/happyctl/elf_dynamic.h"

#include <algorithm>
#include <cstring>

namespace happyctl {
namespace {

constexpr uint64_t kMostDynamic = 1 << 20;   // octets
constexpr uint64_t kMostStrings = 64 << 20;  // octets
constexpr uint64_t kMostSymbols = 1 << 20;
constexpr uint64_t kMostBuckets = 1 << 22;
constexpr size_t kMostNeeded = 1000;
constexpr size_t kLongestPath = 4096;
constexpr size_t kLongestSymbol = 256;

// The values of the tags that matter, as the file has them.
struct Tags {
  uint64_t strings = 0, strings_size = 0, symbols = 0;
  uint64_t hash = 0, gnu_hash = 0, flags_1 = 0;
  uint64_t soname = 0, runpath = 0, rpath = 0;
  std::vector<uint64_t> needed;
};

void take(const Elf64_Dyn& entry, Tags* tags) {
  const uint64_t value = entry.d_un.d_val;
  switch (entry.d_tag) {
    case DT_NEEDED:
      if (tags->needed.size() < kMostNeeded) tags->needed.push_back(value);
      break;
    case DT_STRTAB:
      tags->strings = value;
      break;
    case DT_STRSZ:
      tags->strings_size = value;
      break;
    case DT_SYMTAB:
      tags->symbols = value;
      break;
    case DT_HASH:
      tags->hash = value;
      break;
    case DT_GNU_HASH:
      tags->gnu_hash = value;
      break;
    case DT_FLAGS_1:
      tags->flags_1 = value;
      break;
    case DT_SONAME:
      tags->soname = value;
      break;
    case DT_RUNPATH:
      tags->runpath = value;
      break;
    case DT_RPATH:
      tags->rpath = value;
      break;
    default:
      break;
  }
}

class DynamicReader {
 public:
  DynamicReader(const ElfBytes& bytes, const ElfFile& elf)
      : bytes_(bytes), elf_(elf) {}

  std::optional<ElfDynamic> read() {
    const Elf64_Phdr* const segment = elf_.segment(PT_DYNAMIC);
    if (segment == nullptr || !read_tags(*segment)) return std::nullopt;
    ElfDynamic out;
    out.is_pie = (tags_.flags_1 & DF_1_PIE) != 0;
    if (const auto at = place(tags_.strings))
      strings_ = bytes_.read(*at, tags_.strings_size, kMostStrings)
                     .value_or(std::string());
    for (const uint64_t name : tags_.needed)
      out.needed.push_back(text_at(strings_, name, kLongestPath));
    if (tags_.soname != 0) out.soname = path_at(tags_.soname);
    if (tags_.runpath != 0) out.runpath = path_at(tags_.runpath);
    if (tags_.rpath != 0) out.rpath = path_at(tags_.rpath);
    read_symbols(&out);
    return out;
  }

 private:
  std::string path_at(uint64_t at) const {
    return text_at(strings_, at, kLongestPath);
  }
  // Where in the file an address of memory comes from.
  std::optional<uint64_t> place(uint64_t address) const;
  bool read_tags(const Elf64_Phdr& segment);
  uint64_t count_symbols() const;
  std::optional<uint64_t> count_by_gnu_hash(uint64_t at) const;
  void read_symbols(ElfDynamic* out) const;

  const ElfBytes& bytes_;
  const ElfFile& elf_;
  Tags tags_;
  std::string strings_;
};

std::optional<uint64_t> DynamicReader::place(uint64_t address) const {
  for (const Elf64_Phdr& segment : elf_.segments) {
    if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
    const uint64_t inside = address - segment.p_vaddr;
    if (inside >= segment.p_filesz) continue;
    if (segment.p_offset > UINT64_MAX - inside) return std::nullopt;
    return segment.p_offset + inside;
  }
  return std::nullopt;
}

bool DynamicReader::read_tags(const Elf64_Phdr& segment) {
  const auto octets =
      bytes_.read(segment.p_offset, segment.p_filesz, kMostDynamic);
  if (!octets) return false;
  Elf64_Dyn entry;
  for (size_t at = 0; octets->size() - at >= sizeof entry; at += sizeof entry) {
    std::memcpy(&entry, octets->data() + at, sizeof entry);
    if (entry.d_tag == DT_NULL) break;
    take(entry, &tags_);
  }
  return true;
}

// Nothing says how many symbols there are but the tables that find them by
// name. That of GNU has those to be found at the end of all, in chains that end
// with an odd word: the last is the end of the chain that begins last.
std::optional<uint64_t> DynamicReader::count_by_gnu_hash(uint64_t at) const {
  struct {
    uint32_t buckets, first, bloom_words, bloom_shift;
  } header;
  if (!bytes_.read(at, &header) || header.buckets > kMostBuckets)
    return std::nullopt;
  at += sizeof header + uint64_t{header.bloom_words} * 8;
  const auto octets =
      bytes_.read(at, uint64_t{header.buckets} * 4, kMostBuckets * 4);
  if (!octets) return std::nullopt;
  uint32_t last = 0;
  for (size_t i = 0; i < octets->size(); i += 4) {
    uint32_t bucket;
    std::memcpy(&bucket, octets->data() + i, sizeof bucket);
    last = std::max(last, bucket);
  }
  if (last < header.first) return header.first;  // none can be found
  at += octets->size();
  for (; last < kMostSymbols; ++last) {
    uint32_t word;
    if (!bytes_.read(at + (uint64_t{last} - header.first) * 4, &word))
      return std::nullopt;
    if ((word & 1) != 0) break;
  }
  return uint64_t{last} + 1;
}

uint64_t DynamicReader::count_symbols() const {
  struct {
    uint32_t buckets, chains;  // as many chains as symbols
  } header;
  if (const auto at = place(tags_.hash);
      tags_.hash != 0 && at && bytes_.read(*at, &header))
    return std::min<uint64_t>(header.chains, kMostSymbols);
  if (const auto at = place(tags_.gnu_hash); tags_.gnu_hash != 0 && at)
    return std::min(count_by_gnu_hash(*at).value_or(0), kMostSymbols);
  return 0;
}

void DynamicReader::read_symbols(ElfDynamic* out) const {
  const auto at = place(tags_.symbols);
  if (!at) return;
  const uint64_t count = count_symbols();
  const auto octets = bytes_.read(*at, count * sizeof(Elf64_Sym),
                                  kMostSymbols * sizeof(Elf64_Sym));
  if (!octets) return;
  for (size_t i = 0; i < octets->size(); i += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    std::memcpy(&symbol, octets->data() + i, sizeof symbol);
    if (ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
    std::string name = text_at(strings_, symbol.st_name, kLongestSymbol);
    if (name.empty()) continue;
    auto& list = symbol.st_shndx == SHN_UNDEF ? out->imports : out->exports;
    list.push_back(std::move(name));
  }
  std::sort(out->imports.begin(), out->imports.end());
  std::sort(out->exports.begin(), out->exports.end());
}

}  // namespace

bool ElfDynamic::imports_symbol(const std::string& name) const {
  return std::binary_search(imports.begin(), imports.end(), name);
}

bool ElfDynamic::exports_symbol(const std::string& name) const {
  return std::binary_search(exports.begin(), exports.end(), name);
}

std::optional<ElfObject> read_object(const std::string& path) {
  const ElfBytes bytes(path);
  auto file = read_elf(bytes);
  if (!file) return std::nullopt;
  ElfObject out{*std::move(file)};
  if (out.file.is_64_bit && out.file.is_little_endian)
    out.dynamic = DynamicReader(bytes, out.file).read();
  return out;
}

}  // namespace happyctl
