// The host that the tests of core/net use (plain_host.h).
#include "tests/unit/net/plain_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

namespace happy::net {
namespace {

RaceCaller& caller(void* context) { return *static_cast<RaceCaller*>(context); }

int attempt_open(void* context, const sockaddr* address, socklen_t length,
                 int* error) {
  RaceCaller& self = caller(context);
  const std::lock_guard lock(self.mutex);
  ++self.opened;
  *error = self.open_error;
  if (*error != 0) return -1;
  const int fd =
      socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || connect(fd, address, length) != 0) *error = errno;
  return fd;
}

void race_decided(void* context, const happy_outcome* outcome) {
  RaceCaller& self = caller(context);
  const std::lock_guard lock(self.mutex);
  self.outcome = *outcome;
  ++self.decided;
  self.changed.notify_all();
}

void race_over(void* context) {
  RaceCaller& self = caller(context);
  const std::lock_guard lock(self.mutex);
  ++self.over;
  self.changed.notify_all();
}

happy_host make_host() {
  happy_host host{};
  host.abi = HAPPY_ENGINE_ABI;
  host.enter_helper_thread = [] {};
  host.own_descriptor = [](int descriptor) { return descriptor; };
  host.keep_descriptor = host.own_descriptor;
  host.close_descriptor = [](int descriptor) {
    // A double close would hit a stranger's descriptor in a real process.
    EXPECT_EQ(close(descriptor), 0) << descriptor;
  };
  host.attempt_open = attempt_open;
  host.race_decided = race_decided;
  host.race_over = race_over;
  host.log = [](int, const char*, size_t) {};
  host.trace = [](const char*, size_t) {};
  return host;
}

}  // namespace

bool RaceCaller::wait_over() {
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, std::chrono::seconds(5),
                          [this] { return over > 0; });
}

const happy_host* plain_host() {
  static const happy_host host = make_host();
  return &host;
}

std::set<int> open_descriptors() {
  std::set<int> out;
  DIR* folder = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') out.insert(std::atoi(entry->d_name));
  }
  out.erase(dirfd(folder));
  closedir(folder);
  return out;
}

}  // namespace happy::net
