#include "tools/happyctl/checkup_state.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace happyctl {
namespace {

namespace fs = std::filesystem;
using Grade = Finding::Grade;

constexpr const char* kWhat = "state";

Finding not_there(const std::string& path) {
  const std::string above = fs::path(path).parent_path();
  if (access(above.c_str(), W_OK | X_OK) == 0)
    return {Grade::kOk,
            kWhat,
            path + " is not there yet; the first program makes it",
            {}};
  return {Grade::kFail, kWhat,
          fmt::format("{} cannot be made: {}: {}", path, above,
                      std::strerror(errno)),
          "make that folder, or name another by HAPPY_STATE"};
}

std::string content_text(const std::string& path) {
  std::error_code error;
  uintmax_t count = 0, octets = 0;
  for (fs::directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code none;
    const auto size = at->file_size(none);
    if (!none) octets += size;
    ++count;
  }
  return fmt::format("{} files, {} KiB", count, (octets + 1023) / 1024);
}

}  // namespace

Finding state_finding(const std::string& path) {
  constexpr const char* kOther = "or name another by HAPPY_STATE";
  if (path.empty())
    return {
        Grade::kNote, kWhat, "none: each program learns by itself",
        "set HAPPY_STATE to a folder of yours if XDG_RUNTIME_DIR is not set"};
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return not_there(path);
    return {Grade::kFail, kWhat, path + ": " + std::strerror(errno),
            std::string("mend it, ") + kOther};
  }
  if (!S_ISDIR(info.st_mode))
    return {Grade::kFail, kWhat, path + " is no folder",
            std::string("remove it, ") + kOther};
  if (info.st_uid != geteuid())
    return {Grade::kFail, kWhat,
            fmt::format("{} belongs to user {}, not to you", path, info.st_uid),
            std::string("remove it, ") + kOther};
  if ((info.st_mode & 077) != 0)
    return {Grade::kFail, kWhat,
            fmt::format("{} is open to others (mode {:04o})", path,
                        info.st_mode & 07777),
            "chmod 700 " + path};
  if (access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return {Grade::kFail, kWhat, path + ": " + std::strerror(errno),
            "chmod 700 " + path};
  return {Grade::kOk, kWhat, path + ", " + content_text(path), {}};
}

}  // namespace happyctl
