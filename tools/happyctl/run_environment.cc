#include "tools/happyctl/run_environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "core/base/log_level.h"
#include "core/engine.h"

namespace happyctl {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLibrary = "libhappy.so";
// happy_log_level's number, or -1.
int level_of(const std::string& setting) {
  return happy::log_level_of(setting.data(),
                             std::min(setting.find(':'), setting.size()));
}

bool has_library(std::string_view preload) {
  while (!preload.empty()) {
    const size_t end = preload.find_first_of(" :");
    const std::string_view entry = preload.substr(0, end);
    if (entry.substr(entry.rfind('/') + 1) == kLibrary) return true;
    preload = end == preload.npos ? "" : preload.substr(end + 1);
  }
  return false;
}

}  // namespace

std::optional<std::string> find_library() {
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> folders;
  if (!error) {
    folders = {here, here / ".." / HAPPY_LIBDIR, here / "../lib"};
  }
  folders.emplace_back(HAPPY_FULL_LIBDIR);
  for (const fs::path& folder : folders) {
    const fs::path file = folder / kLibrary;
    if (fs::is_regular_file(file, error)) return fs::canonical(file, error);
  }
  return std::nullopt;
}

tl::expected<std::string, std::string> preload_with(
    const std::string& existing, const std::string& library) {
  if (has_library(existing)) return existing;
  if (library.find_first_of(" :") != std::string::npos) {
    return tl::unexpected(fmt::format(
        "{}: LD_PRELOAD takes no path with a space or a colon", library));
  }
  return existing.empty() ? library : existing + " " + library;
}

tl::expected<std::string, std::string> log_setting(const std::string& text) {
  if (level_of(text) < 0) {
    return tl::unexpected(fmt::format(
        "\"{}\" is not LEVEL or LEVEL:FILE; levels are off, error, warn, "
        "info, debug",
        text));
  }
  const size_t colon = text.find(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return text;
  return text.substr(0, colon + 1) +
         fs::absolute(text.substr(colon + 1)).string();
}

bool is_talkative(const std::string& log_setting) {
  return level_of(log_setting) >= HAPPY_LOG_INFO;
}

std::vector<std::string> environment() {
  std::vector<std::string> out;
  for (char** at = environ; *at != nullptr; ++at) out.emplace_back(*at);
  return out;
}

}  // namespace happyctl
