#include "tools/happyctl/installation.h"

#include <cstdlib>
#include <filesystem>

namespace happyctl {

std::string library_folder() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (fs::exists(here / "libhappy-tls.so", error)) return here.string();
  return (here.parent_path() / HAPPY_LIBDIR).string();
}

std::string state_folder() {
  const auto folder = [](const char* name) -> std::string {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
  };
  if (const auto named = folder("HAPPY_STATE"); !named.empty())
    return named.front() == '/' ? named : "";
  const auto base = folder("XDG_RUNTIME_DIR");
  return base.starts_with('/') ? base + "/libhappy" : "";
}

}  // namespace happyctl
