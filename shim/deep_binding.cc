#include "shim/deep_binding.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/real.h"

#undef p_type  // a macro of <resolv.h>, and a member of program headers

namespace happy::shim::deep_binding {
namespace {

// Relocations that hold the address of a function alone.
#if defined(__x86_64__)
constexpr uint32_t kWholeAddress[] = {R_X86_64_JUMP_SLOT, R_X86_64_GLOB_DAT};
#elif defined(__aarch64__)
constexpr uint32_t kWholeAddress[] = {R_AARCH64_JUMP_SLOT, R_AARCH64_GLOB_DAT};
#else
#error "Which relocations of this machine hold a function's address?"
#endif

// One loaded object by its program headers and its dynamic section, whose
// pointers glibc has made absolute.
struct Object {
  ElfW(Addr) base = 0, end = 0;
  ElfW(Addr) relro = 0, relro_end = 0;
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
  const uint32_t* gnu_hash = nullptr;
  const ElfW(Rela) * relocations[2] = {};  // of the PLT, others
  size_t sizes[2] = {};
};

void read_dynamic(const ElfW(Dyn) * at, Object* out) {
  for (; at->d_tag != DT_NULL; ++at) {
    const auto* const pointer =
        reinterpret_cast<const void*>(at->d_un.d_ptr);  // NOLINT
    switch (at->d_tag) {
      case DT_SYMTAB:
        out->symbols = static_cast<const ElfW(Sym)*>(pointer);
        break;
      case DT_STRTAB:
        out->names = static_cast<const char*>(pointer);
        break;
      case DT_GNU_HASH:
        out->gnu_hash = static_cast<const uint32_t*>(pointer);
        break;
      case DT_JMPREL:
        out->relocations[0] = static_cast<const ElfW(Rela)*>(pointer);
        break;
      case DT_PLTRELSZ:
        out->sizes[0] = at->d_un.d_val / sizeof(ElfW(Rela));
        break;
      case DT_RELA:
        out->relocations[1] = static_cast<const ElfW(Rela)*>(pointer);
        break;
      case DT_RELASZ:
        out->sizes[1] = at->d_un.d_val / sizeof(ElfW(Rela));
        break;
      default:
        break;
    }
  }
}

Object object_of(const dl_phdr_info& info) {
  Object out;
  out.base = info.dlpi_addr;
  const ElfW(Dyn)* dynamic = nullptr;
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const auto& part = info.dlpi_phdr[i];
    const ElfW(Addr) start = out.base + part.p_vaddr;
    if (part.p_type == PT_LOAD && start + part.p_memsz > out.end) {
      out.end = start + part.p_memsz;
    }
    if (part.p_type == PT_DYNAMIC) {
      dynamic = reinterpret_cast<const ElfW(Dyn)*>(start);  // NOLINT
    }
    if (part.p_type == PT_GNU_RELRO) {
      out.relro = start;
      out.relro_end = start + part.p_memsz;
    }
  }
  if (dynamic != nullptr) read_dynamic(dynamic, &out);
  return out;
}

// One hook: libc's name for it, its address, libc's, and that of the next
// definition, which may be another preloaded library's.
struct Hook {
  const char* name;
  ElfW(Addr) ours, libc, next;
};
constexpr size_t kMostHooks = 256;
struct Hooks {
  Hook all[kMostHooks];
  size_t count = 0;
};

// The GNU hash table has the defined symbols only, and no count of them.
template <typename Visit>
void for_each_defined(const Object& object, Visit visit) {
  const uint32_t buckets = object.gnu_hash[0], first = object.gnu_hash[1];
  const auto* const bucket = reinterpret_cast<const uint32_t*>(
      reinterpret_cast<const ElfW(Addr)*>(object.gnu_hash + 4) +
      object.gnu_hash[2]);
  const uint32_t* const chain = bucket + buckets;
  for (uint32_t i = 0; i < buckets; ++i) {
    for (uint32_t symbol = bucket[i]; symbol >= first; ++symbol) {
      visit(object.symbols[symbol]);
      if ((chain[symbol - first] & 1) != 0) break;
    }
  }
}

int find_own(dl_phdr_info* info, size_t, void* out) {
  const Object object = object_of(*info);
  const auto here = reinterpret_cast<ElfW(Addr)>(&find_own);
  if (here < object.base || here >= object.end) return 0;
  *static_cast<Object*>(out) = object;
  return 1;
}

// What this object exports and somebody behind it defines too.
void list_hooks(Hooks* out) {
  Object own;
  dl_iterate_phdr(find_own, &own);
  if (own.gnu_hash == nullptr) return;
  void* const libc = real::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  for_each_defined(own, [&](const ElfW(Sym) & symbol) {
    const char* const name = own.names + symbol.st_name;
    const auto next = reinterpret_cast<ElfW(Addr)>(dlsym(RTLD_NEXT, name));
    if (next == 0 || out->count == kMostHooks) return;
    const auto original = reinterpret_cast<ElfW(Addr)>(
        libc != nullptr ? dlsym(libc, name) : nullptr);
    out->all[out->count++] = {name, own.base + symbol.st_value, original, next};
  });
  if (libc != nullptr) dlclose(libc);
}

// The objects of the process, by where they are loaded.
struct Loaded {
  static constexpr size_t kMost = 2048;
  ElfW(Addr) bases[kMost];
  size_t count = 0;
  bool has(ElfW(Addr) base) const {
    for (size_t i = 0; i < count; ++i)
      if (bases[i] == base) return true;
    return count == kMost;  // unknown: better left alone
  }
};

int note_base(dl_phdr_info* info, size_t, void* out) {
  auto* const loaded = static_cast<Loaded*>(out);
  if (loaded->count < Loaded::kMost)
    loaded->bases[loaded->count++] = info->dlpi_addr;
  return 0;
}

bool is_whole_address(uint32_t type) {
  for (const uint32_t one : kWholeAddress)
    if (type == one) return true;
  return false;
}

// A slot of the RELRO part is read-only by now; it becomes so again.
void write_slot(const Object& object, ElfW(Addr) slot, ElfW(Addr) value) {
  const auto size = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
  void* const page = reinterpret_cast<void*>(slot & ~(size - 1));  // NOLINT
  const bool relro = slot >= object.relro && slot < object.relro_end;
  if (relro && mprotect(page, size, PROT_READ | PROT_WRITE) != 0) return;
  *reinterpret_cast<ElfW(Addr)*>(slot) = value;  // NOLINT
  if (relro) mprotect(page, size, PROT_READ);
}

// Bound to libc's function; or, where the object binds lazily, to nothing yet:
// the slot leads back into the object's own PLT.
void correct(const Object& object, const ElfW(Rela) & entry,
             const Hooks& hooks) {
  if (!is_whole_address(static_cast<uint32_t>(ELF64_R_TYPE(entry.r_info))))
    return;
  const ElfW(Sym)& symbol = object.symbols[ELF64_R_SYM(entry.r_info)];
  if (symbol.st_shndx != SHN_UNDEF) return;  // its own definition
  const char* const name = object.names + symbol.st_name;
  const ElfW(Addr) slot = object.base + entry.r_offset;
  const ElfW(Addr) bound = *reinterpret_cast<ElfW(Addr)*>(slot);  // NOLINT
  const bool lazy = bound >= object.base && bound < object.end;
  for (size_t i = 0; i < hooks.count; ++i) {
    const Hook& hook = hooks.all[i];
    if (strcmp(hook.name, name) != 0) continue;
    if (lazy || bound == hook.libc || bound == hook.next)
      write_slot(object, slot, hook.ours);
    return;
  }
}

struct Correction {
  Loaded before;
  Hooks hooks;
};

int correct_new(dl_phdr_info* info, size_t, void* argument) {
  const auto& correction = *static_cast<const Correction*>(argument);
  if (correction.before.has(info->dlpi_addr)) return 0;
  const Object object = object_of(*info);
  if (object.symbols == nullptr || object.names == nullptr) return 0;
  for (int table = 0; table < 2; ++table)
    for (size_t i = 0; i < object.sizes[table]; ++i)
      correct(object, object.relocations[table][i], correction.hooks);
  return 0;
}

}  // namespace

void* open(const char* file, int mode) {
  Correction correction;
  dl_iterate_phdr(note_base, &correction.before);
  void* const handle = real::dlopen(file, mode);
  if (handle == nullptr) return nullptr;
  list_hooks(&correction.hooks);
  dl_iterate_phdr(correct_new, &correction);
  return handle;
}

}  // namespace happy::shim::deep_binding
