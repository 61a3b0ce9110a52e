#include "tools/happyctl/program.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

#include "tools/happyctl/elf_file.h"

namespace happyctl {
namespace {

constexpr size_t kMostScripts =
    5;  // one interprets another; the kernel's bound

int fault_of(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return errno;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  return access(path.c_str(), X_OK) == 0 ? 0 : EACCES;
}

struct Script {
  std::string interpreter;
  std::string argument;  // what is left of the line
};

// The first line of a script, as the kernel reads it.
std::optional<Script> read_script(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char mark[2] = {};
  if (!file.read(mark, sizeof mark) || mark[0] != '#' || mark[1] != '!') {
    return std::nullopt;
  }
  std::string line(254, '\0');  // BINPRM_BUF_SIZE
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<size_t>(file.gcount()));
  std::istringstream words(line.substr(0, line.find('\n')));
  Script script;
  words >> script.interpreter >> script.argument;
  return script;
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// "#!/usr/bin/env python3" is about python3.
std::string interpreter_of(const Script& script) {
  const bool names_program = !script.argument.empty() &&
                             script.argument[0] != '-' &&
                             script.argument.find('=') == std::string::npos;
  if (base_name(script.interpreter) != "env" || !names_program) {
    return script.interpreter;
  }
  const Program program = find_program(script.argument);
  return program.error == 0 ? program.path : script.interpreter;
}

// Secure execution: the loader then ignores LD_PRELOAD (ld.so(8)).
std::optional<std::string> why_secure(const std::string& path) {
  struct stat info;
  struct statvfs mount;
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  if (statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0) {
    return std::nullopt;
  }
  if ((info.st_mode & S_ISUID) != 0 && info.st_uid != getuid()) {
    return "it is set-user-ID";
  }
  const bool set_group = (info.st_mode & (S_ISGID | S_IXGRP)) ==
                         static_cast<mode_t>(S_ISGID | S_IXGRP);
  if (set_group && info.st_gid != getgid()) return "it is set-group-ID";
  // Root has all capabilities already: nothing is gained.
  if (getuid() != 0 &&
      getxattr(path.c_str(), "security.capability", nullptr, 0) > 0) {
    return "it has file capabilities";
  }
  return std::nullopt;
}

std::optional<std::string> why_not_loaded(const ElfFile& program,
                                          const std::string& library) {
  const auto ours = read_elf(library);
  if (ours && !program.fits(*ours)) {
    return program.is_64_bit == ours->is_64_bit ? "another architecture"
                                                : "not a 64-bit program";
  }
  if (program.interpreter.empty()) return "statically linked";
  if (program.is_go) return "a Go program, which makes its system calls itself";
  if (base_name(program.interpreter).starts_with("ld-musl")) {
    return fmt::format("another C library ({})", program.interpreter);
  }
  return std::nullopt;
}

}  // namespace

Program find_program(const std::string& name) {
  if (name.find('/') != std::string::npos || name.empty()) {
    return {name, name.empty() ? ENOENT : fault_of(name)};
  }
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/bin:/usr/bin");
  Program best{name, ENOENT};
  for (std::string folder; std::getline(folders, folder, ':');) {
    Program here{(folder.empty() ? "." : folder) + "/" + name};
    here.error = fault_of(here.path);
    if (here.error == 0) return here;
    if (here.error == EACCES || here.error == EISDIR) best = here;
  }
  // A folder on the way is no program that could not be started.
  if (best.error == EISDIR) best = {name, ENOENT};
  return best;
}

bool is_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char start[128];
  file.read(start, sizeof start);
  const std::string_view seen(start, static_cast<size_t>(file.gcount()));
  return !seen.starts_with('\x7f') && seen.find('\0') == seen.npos;
}

std::vector<std::string> interpreters_of(const std::string& path) {
  std::vector<std::string> files = {path};
  while (files.size() <= kMostScripts) {
    const auto script = read_script(files.back());
    if (!script) break;
    files.push_back(interpreter_of(*script));
  }
  return files;
}

std::optional<std::string> why_not_intercepted(const std::string& path,
                                               const std::string& library) {
  const std::string file = interpreters_of(path).back();
  const auto elf = read_elf(file);
  if (!elf) return std::nullopt;  // nobody can tell; the kernel will
  auto why = why_not_loaded(*elf, library);
  if (!why) why = why_secure(file);
  if (why && file != path) return fmt::format("{} ({})", *why, file);
  return why;
}

}  // namespace happyctl
