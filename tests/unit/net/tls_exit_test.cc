// The end of the process against a helper in the middle of a handshake.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "core/net/load_tls.h"
#include "core/net/tls_exit_gate.h"

namespace happy {
namespace {

using std::chrono::milliseconds;

const happy_tls* tls() {
  static const auto loaded =
      net::load_tls(HAPPY_BUILD_FOLDER, RTLD_NOW | RTLD_LOCAL);
  return loaded ? *loaded : nullptr;
}

happy_tls_session* open_over(int descriptor) {
  const happy_tls_pin pin{};
  const happy_tls_config config{.auth_name = nullptr,
                                .ca_file = nullptr,
                                .pins = &pin,
                                .pin_count = 1,
                                .unauthenticated = 0,
                                .peer = nullptr,
                                .peer_size = 0,
                                .tickets = nullptr};
  return tls()->open(&config, descriptor);
}

happy_tls_session* session_of_before = nullptr;
int descriptor_of_before = -1;

// exit(3) flushes streams after all destructors: the last code to run.
ssize_t uses_tls_at_the_very_end(void* /*cookie*/, const char* /*data*/,
                                 size_t size) {
  const bool all_refused =
      open_over(descriptor_of_before) == nullptr &&
      tls()->handshake(session_of_before) == HAPPY_TLS_FAILED;
  tls()->close(session_of_before);
  _exit(all_refused ? 42 : 1);
  return static_cast<ssize_t>(size);
}

int status_of_child(void (*child)()) {
  fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(99);
  }
  int status = 0;
  EXPECT_EQ(pid, waitpid(pid, &status, 0));
  return status;
}

TEST(TlsAtExit, AfterTheDestructorsEveryCallIsRefused) {
  const int status = status_of_child([] {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0) return;
    descriptor_of_before = pair[0];
    session_of_before = open_over(pair[0]);
    if (tls()->handshake(session_of_before) != HAPPY_TLS_WANT_READ) return;
    FILE* stream = fopencookie(nullptr, "w",
                               {.read = nullptr,
                                .write = &uses_tls_at_the_very_end,
                                .seek = nullptr,
                                .close = nullptr});
    fputs("flushed by exit", stream);
    exit(0);
  });
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(42, WEXITSTATUS(status));
}

TEST(TlsExitGate, OpenUntilShut) {
  tls::ExitGate gate;
  EXPECT_TRUE(gate.enter());
  gate.leave();
  gate.shut(milliseconds(0));
  EXPECT_FALSE(gate.enter());
}

TEST(TlsExitGate, WaitsForTheOneInside) {
  tls::ExitGate gate;
  std::atomic<bool> entered{false};
  std::atomic<bool> about_to_leave{false};
  std::thread user([&] {
    gate.enter();
    entered = true;
    std::this_thread::sleep_for(milliseconds(20));
    about_to_leave = true;
    gate.leave();
  });
  while (!entered) std::this_thread::yield();
  gate.shut(std::chrono::hours(1));
  EXPECT_TRUE(about_to_leave);
  user.join();
}

TEST(TlsExitGate, AChildDoesNotWaitForAThreadOfItsParent) {
  static tls::ExitGate gate;
  static std::atomic<bool> entered{false};
  static std::atomic<bool> done{false};
  std::thread user([] {
    gate.enter();
    entered = true;
    while (!done) std::this_thread::yield();
    gate.leave();
  });
  while (!entered) std::this_thread::yield();
  const int status = status_of_child([] {
    alarm(30);
    gate.shut(std::chrono::hours(1));
    _exit(42);
  });
  done = true;
  user.join();
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(42, WEXITSTATUS(status));
}

}  // namespace
}  // namespace happy
