#include "tools/happyctl/output.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

namespace happyctl {
namespace {

using Json = nlohmann::ordered_json;

int first_error = 0;  // of standard output

}  // namespace

// The lowest free number is the next that open(2) gives. Each is opened the
// wrong way round: reading from 0 and writing to 1 and 2 still fails.
void guard_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    const int mode = fd == 0 ? O_WRONLY : O_RDONLY;
    if (open("/dev/null", mode | O_CLOEXEC) != fd) return;
  }
}

void show(std::string_view text) {
  errno = 0;
  const size_t size = std::fwrite(text.data(), 1, text.size(), stdout);
  if (size != text.size() && first_error == 0) first_error = errno;
}

std::string dumped(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

void show_json(const Json& json) { show(dumped(json, 2) + "\n"); }

void complain(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

bool finish_output() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (!flushed && first_error == 0) first_error = errno;
  if (flushed && std::ferror(stdout) == 0) return true;
  complain("happyctl: standard output: " +
           std::string(first_error != 0 ? std::strerror(first_error)
                                        : "it cannot be written to") +
           "\n");
  return false;
}

}  // namespace happyctl
