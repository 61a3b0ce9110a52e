#include "core/policy_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "config/json_document.h"

namespace happy {
namespace {

constexpr const char* kSystemPolicy = "/etc/libhappy/policy.json";

// Reads on to just beyond the longest policy; the parser refuses the rest.
// Returns 0 or an errno.
int read_all(int fd, std::string* text) {
  constexpr size_t kEnough = config::kMaxTextOctets + 4096;
  char buffer[16384];
  while (text->size() < kEnough) {
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    text->append(buffer, static_cast<size_t>(got));
  }
  return 0;
}

// The library takes regular files only: any other might make its host wait.
// On the command line a pipe is welcome.
int fault_of(int fd, PolicySource source) {
  if (source == PolicySource::kArgument) return 0;
  struct stat info;
  if (fstat(fd, &info) != 0) return errno;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  return S_ISREG(info.st_mode) ? 0 : EINVAL;
}

PolicyFile read_policy(PolicySource source, std::string path) {
  PolicyFile file{.source = source, .path = std::move(path)};
  const int wait = source == PolicySource::kArgument ? 0 : O_NONBLOCK;
  const int fd = open(file.path.c_str(), O_RDONLY | O_CLOEXEC | wait);
  if (fd < 0) {
    file.error = errno;
    return file;
  }
  file.error = fault_of(fd, source);
  if (file.error == 0) file.error = read_all(fd, &file.text);
  close(fd);
  return file;
}

// A file that is there but cannot be read is an error, since its user believes
// in it. A folder that may not be searched counts as "not there".
bool is_absent(const PolicyFile& file) {
  if (file.error == ENOENT || file.error == ENOTDIR) return true;
  struct stat info;
  return file.error == EACCES && stat(file.path.c_str(), &info) != 0;
}

std::optional<std::string> users_path() {
  const char* const config = secure_getenv("XDG_CONFIG_HOME");
  // The XDG specification: a relative path is to be ignored.
  if (config != nullptr && *config == '/') {
    return std::string(config) + "/libhappy/policy.json";
  }
  const char* const home = secure_getenv("HOME");
  if (home == nullptr || *home != '/') return std::nullopt;
  return std::string(home) + "/.config/libhappy/policy.json";
}

}  // namespace

std::string_view to_string(PolicySource source) {
  switch (source) {
    case PolicySource::kArgument:
      return "argument";
    case PolicySource::kEnvironment:
      return "HAPPY_POLICY";
    case PolicySource::kUser:
      return "user";
    case PolicySource::kSystem:
      return "system";
    case PolicySource::kEmbedded:
      break;
  }
  return "embedded";
}

PolicyFile find_policy(const std::optional<std::string>& argument) {
  if (argument) return read_policy(PolicySource::kArgument, *argument);
  const char* const named = secure_getenv("HAPPY_POLICY");
  if (named != nullptr && *named != '\0') {
    return read_policy(PolicySource::kEnvironment, named);
  }
  if (const auto path = users_path()) {
    PolicyFile file = read_policy(PolicySource::kUser, *path);
    if (!is_absent(file)) return file;
  }
  PolicyFile file = read_policy(PolicySource::kSystem, kSystemPolicy);
  return is_absent(file) ? PolicyFile{} : file;
}

}  // namespace happy
