#include "tools/happyctl/installation.h"

#include <filesystem>

namespace happyctl {

std::string library_folder() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (fs::exists(here / "libhappy-tls.so", error)) return here.string();
  return (here.parent_path() / HAPPY_LIBDIR).string();
}

}  // namespace happyctl
