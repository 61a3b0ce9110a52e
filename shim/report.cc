#include "shim/report.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>

#include "core/base/log_level.h"
#include "core/engine.h"
#include "core/quiet_write.h"
#include "shim/descriptors.h"
#include "shim/real.h"
#include "shim/settings.h"

namespace happy::shim::report {
namespace {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  bool known = false;
};

constinit FileIdentity standard_error;
constinit int log_descriptor = -1;
constinit int trace_descriptor = -1;

FileIdentity identity(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return {};
  return {info.st_dev, info.st_ino, true};
}

int open_for_append(const char* path) {
  const int saved = errno;
  const int fd = open(
      path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
      0600);
  const int error = errno;
  errno = saved;
  if (fd < 0) {
    log(HAPPY_LOG_ERROR, "cannot open %s: %s", path, strerrordesc_np(error));
  }
  return own::take(fd);
}

int log_target() {
  if (settings().log_path != nullptr) return log_descriptor;
  if (!standard_error.known) return -1;
  const FileIdentity now = identity(2);
  const bool same = now.known && now.device == standard_error.device &&
                    now.inode == standard_error.inode;
  return same ? 2 : -1;
}

}  // namespace

void at_load() {
  if (settings().log_level == HAPPY_LOG_OFF) return;
  standard_error = identity(2);
}

void open_files() {
  const Settings& s = settings();
  if (s.log_level != HAPPY_LOG_OFF && s.log_path && log_descriptor < 0) {
    log_descriptor = open_for_append(s.log_path);
  }
  if (s.trace_path && trace_descriptor < 0) {
    trace_descriptor = open_for_append(s.trace_path);
  }
}

bool tracing() { return trace_descriptor >= 0; }

bool uses(int fd) { return fd == log_descriptor || fd == trace_descriptor; }

void log_line(int level, const char* line, size_t length) {
  if (level > settings().log_level) return;
  const int saved = errno;
  const int fd = log_target();
  char buffer[1024];
  const int head =
      snprintf(buffer, sizeof buffer,
               "libhappy: %s: ", kLogLevels[std::clamp(level, 0, 4)]);
  const size_t room = sizeof buffer - static_cast<size_t>(head) - 1;
  const size_t body = std::min(length, room);
  memcpy(buffer + head, line, body);
  buffer[static_cast<size_t>(head) + body] = '\n';
  if (fd >= 0) write_quietly(fd, buffer, static_cast<size_t>(head) + body + 1);
  errno = saved;
}

void trace_line(const char* line, size_t length) {
  if (trace_descriptor < 0) return;
  const int saved = errno;
  char buffer[4096];
  if (length < sizeof buffer) {  // a longer line would not be whole
    memcpy(buffer, line, length);
    buffer[length] = '\n';
    write_quietly(trace_descriptor, buffer, length + 1);
  }
  errno = saved;
}

void log(int level, const char* format, ...) {
  if (level > settings().log_level) return;
  char line[500];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length > 0) {
    log_line(level, line, std::min<size_t>(length, sizeof line - 1));
  }
}

}  // namespace happy::shim::report
