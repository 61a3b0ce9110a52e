#include "tools/happyctl/diagnosis.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string_view>
#include <utility>

#include "tools/happyctl/foreign_code.h"
#include "tools/happyctl/program.h"

namespace happyctl {
namespace {

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool is_library(const ElfObject& object) {
  return object.file.type == ET_DYN && object.file.interpreter.empty() &&
         object.dynamic && !object.dynamic->is_pie;
}

std::string kind_text(const ElfObject& object) {
  const bool pie = object.dynamic && object.dynamic->is_pie;
  if (is_library(object)) return machine_text(object.file) + ", a library";
  std::string linked = "dynamically linked";
  if (object.file.interpreter.empty())
    linked = pie || object.dynamic ? "statically linked, position independent"
                                   : "statically linked";
  return machine_text(object.file) + ", " + linked +
         (object.file.is_go ? ", made by Go" : "");
}

std::string libc_text(const ElfFile& file) {
  const auto loader = base_name(file.interpreter);
  if (loader.empty()) return "inside, whichever it is";
  if (loader.starts_with("ld-musl")) return "musl";
  return loader.starts_with("ld-linux") || loader.starts_with("ld64")
             ? "glibc"
             : "unknown";
}

std::string privileges_text(const std::string& path) {
  std::vector<std::string> out;
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & S_ISUID) != 0)
    out.push_back(fmt::format("set-user-ID {}", info.st_uid));
  if ((info.st_mode & (S_ISGID | S_IXGRP)) ==
      static_cast<mode_t>(S_ISGID | S_IXGRP))
    out.push_back(fmt::format("set-group-ID {}", info.st_gid));
  if (getxattr(path.c_str(), "security.capability", nullptr, 0) > 0)
    out.emplace_back("file capabilities");
  return fmt::format("{}", fmt::join(out, ", "));
}

// Functions of a kind that programs connect, resolve or wait by; the others
// are the bookkeeping around them.
bool is_telling(const std::string& function) {
  static constexpr std::string_view kStarts[] = {
      "connect", "__connect", "getaddrinfo", "gethost", "getnameinfo",
      "res_",    "__res_",    "rcmd",        "rexec",   "epoll_ctl"};
  return std::any_of(std::begin(kStarts), std::end(kStarts),
                     [&function](std::string_view start) {
                       return function.starts_with(start);
                     });
}

// Empty where there is nothing of weight.
std::string imports_text(const HookedImports& imports) {
  std::vector<std::string> telling;
  std::copy_if(imports.functions.begin(), imports.functions.end(),
               std::back_inserter(telling), is_telling);
  const size_t others = imports.functions.size() - telling.size();
  std::string out = fmt::format("{}", fmt::join(telling, ", "));
  if (others != 0 && !telling.empty())
    out += fmt::format(" and {} of lesser weight", others);
  return out;
}

class Doctor {
 public:
  Doctor(const std::string& path, std::string library)
      : library_(std::move(library)), out_{.path = path} {}

  Diagnosis examine();

 private:
  void fact(const std::string& what, const std::string& text) {
    if (!text.empty()) out_.facts.push_back({what, text});
  }
  // What the program is; false: nothing more can be said.
  bool look_at_file();
  void look_at_imports();
  void look_at_foreign_code();
  void look_at_environment();

  const std::string library_;
  Diagnosis out_;
  std::string file_;  // the program, or what interprets it
  std::optional<ElfObject> object_;
  Linkage linkage_;
};

Diagnosis Doctor::examine() {
  const auto files = interpreters_of(out_.path);
  file_ = files.back();
  if (files.size() > 1)
    fact("script of",
         fmt::format("{}", fmt::join(files.begin() + 1, files.end(), ", by ")));
  if (const auto wrapper = wrapper_of(out_.path)) {
    out_.why_not = fmt::format(
        "{} starts it in a file system of its own, where the library is not",
        *wrapper);
    return out_;
  }
  if (look_at_file()) {
    look_at_imports();
    look_at_foreign_code();
    look_at_environment();
  }
  if (!out_.why_not) out_.why_not = why_not_intercepted(out_.path, library_);
  return out_;
}

bool Doctor::look_at_file() {
  object_ = read_object(file_);
  if (!object_ && is_text(file_)) {  // the shell's, for execvp(3)
    fact("script of", "/bin/sh, for want of a first line that says more");
    file_ = "/bin/sh";
    object_ = read_object(file_);
  }
  if (!object_) {
    out_.why_not = file_ + " is neither an ELF program nor a script";
    return false;
  }
  const ElfFile& elf = object_->file;
  fact("file", file_ == out_.path ? "" : file_);
  fact("kind", kind_text(*object_));
  if (elf.type == ET_REL || elf.type == ET_CORE || is_library(*object_)) {
    out_.why_not = "it is no program (a library, an object file or a core)";
    return false;
  }
  fact("libc", libc_text(elf));
  fact("loader", elf.interpreter);
  fact("privileges", privileges_text(file_));
  return !elf.interpreter.empty();
}

void Doctor::look_at_imports() {
  linkage_ = linkage_of(file_);
  const auto library = read_object(library_);
  if (!library || !library->dynamic) return;
  bool connects = false;
  for (const LinkedObject& object : linkage_.objects) {
    const auto base = base_name(object.path);
    if (base.starts_with("libc.so.") || base.starts_with("ld-linux")) continue;
    HookedImports hooked{object.path, {}};
    std::set_intersection(
        object.dynamic.imports.begin(), object.dynamic.imports.end(),
        library->dynamic->exports.begin(), library->dynamic->exports.end(),
        std::back_inserter(hooked.functions));
    connects = connects || object.dynamic.imports_symbol("connect") ||
               object.dynamic.imports_symbol("__connect");
    if (!hooked.functions.empty()) out_.imports.push_back(std::move(hooked));
  }
  for (const HookedImports& imports : out_.imports) {
    const std::string text = imports_text(imports);
    if (!text.empty())
      fact("calls", fmt::format("{}: {}", base_name(imports.file), text));
  }
  fact("not found", fmt::format("{}", fmt::join(linkage_.missing, ", ")));
  if (!connects)
    out_.but.emplace_back(
        "neither it nor its libraries import connect(): it opens no "
        "connections, or by libraries that it loads later");
}

void Doctor::look_at_foreign_code() {
  for (const Foreign& one : foreign_code(linkage_)) {
    switch (one.kind) {
      case ForeignKind::kResolver:
        fact("own resolver", fmt::format("{} ({})", one.name, one.seen));
        out_.but.push_back("what it asks by " + one.name +
                           " is not seen, and goes where that sends it");
        break;
      case ForeignKind::kRing:
        fact("io_uring", one.seen);
        out_.but.emplace_back("what it connects by io_uring is not seen");
        break;
      case ForeignKind::kSanitizer:
        fact("sanitizer", fmt::format("{} ({})", one.name, one.seen));
        out_.but.push_back(one.name + " wants to be loaded first: put " +
                           one.seen + " before the library in LD_PRELOAD");
        break;
      case ForeignKind::kAllocator:
        fact("allocator", fmt::format("{} ({})", one.name, one.seen));
        break;
    }
  }
  if (const auto browser = browser_at(file_)) {
    fact("own resolver", *browser + "'s, built in");
    out_.but.push_back(*browser +
                       " may ask name servers by itself, which is not seen");
  }
  std::vector<std::string> raw;
  for (const LinkedObject& object : linkage_.objects)
    if (object.dynamic.imports_symbol("syscall"))
      raw.emplace_back(base_name(object.path));
  if (!raw.empty())
    fact(
        "syscall()",
        fmt::format("imported by {}: what is called so is not seen; what it is "
                    "cannot be told from the file",
                    fmt::join(raw, ", ")));
}

void Doctor::look_at_environment() {
  const char* const preload = std::getenv("LD_PRELOAD");
  if (preload != nullptr) fact("LD_PRELOAD", preload);
  const ElfBytes bytes("/etc/ld.so.preload");
  char first;
  if (bytes.read(0, &first)) fact("preloaded", "also /etc/ld.so.preload");
}

}  // namespace

Diagnosis diagnose(const std::string& path, const std::string& library) {
  return Doctor(path, library).examine();
}

}  // namespace happyctl
