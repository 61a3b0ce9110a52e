// Children in other namespaces, signals around fork(2), daemon(3), and kernels
// that refuse what a stand-in needs.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <string>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

std::string own_port(int fd) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length);
  return testing::PrintToString(reinterpret_cast<sockaddr_in*>(&own)->sin_port);
}

// A new user namespace, so that no privilege is needed, whose first process
// runs `body`. -1 where it cannot be made.
int as_first_process(const std::function<int()>& body) {
  return in_child([&] {
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) return 77;
    return in_child(body);
  });
}

// Both are number 1 of their namespaces: the process id tells nothing.
TEST(Life, AChildOfTheSameProcessIdHasAttemptOne) {
  const int status = as_first_process([] {
    const Target target = resolve("hung");
    const Descriptor fd = tcp();
    EXPECT_EQ(begin(fd, target), EINPROGRESS);
    EXPECT_TRUE(is_stand_in(fd.get()));
    const std::string port = own_port(fd.get());
    EXPECT_EQ(getpid(), 1);
    EXPECT_EQ(unshare(CLONE_NEWPID), 0);
    return in_child([&] {
      EXPECT_EQ(getpid(), 1);
      EXPECT_FALSE(is_stand_in(fd.get()));
      EXPECT_EQ(own_port(fd.get()), port);
      EXPECT_EQ(begin(fd, target), EALREADY);
      const Descriptor own = tcp(AF_INET, 0);
      return begin(own, resolve("refused"));
    });
  });
  if (status == 77) GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(status, 0);
}

std::atomic<bool> armed{false};
std::atomic<int> handled{0};
Target* signal_target = nullptr;

// What a handler may call: connect(2), close(2) and dup(2).
void connect_in_handler(int) {
  const int saved = errno;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int error = begin(fd, *signal_target);
  const int copy = dup(fd);
  if (error == EINPROGRESS && copy >= 0 && close(copy) == 0 && close(fd) == 0)
    ++handled;
  errno = saved;
}

void raise_if_armed() {
  if (armed) raise(SIGUSR1);
}

// Registered before the library's handlers: between theirs and the fork.
const int kRegisteredEarly = pthread_atfork(raise_if_armed, nullptr, nullptr);

TEST(Life, ASignalAmongTheForkHandlersIsTaken) {
  ASSERT_EQ(kRegisteredEarly, 0);
  Target target = resolve("hung");
  signal_target = &target;
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, target), EINPROGRESS);
  // And after them, which runs before.
  ASSERT_EQ(pthread_atfork(raise_if_armed, nullptr, nullptr), 0);
  ASSERT_NE(signal(SIGUSR1, connect_in_handler), SIG_ERR);
  armed = true;
  const int status = in_child([&] {
    armed = false;
    return begin(tcp(AF_INET, 0), resolve("refused"));
  });
  armed = false;
  signal(SIGUSR1, SIG_DFL);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(handled, 2) << "once before the library's, once after the fork";
  EXPECT_EQ(begin(fd, target), EALREADY);
}

TEST(Life, ADaemonGoesOnWithAttemptOneAndItsOwnRaces) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Descriptor in(ends[0]);
  Descriptor out(ends[1]);
  const Target target = resolve("hung");
  EXPECT_EQ(in_child([&] {
              const Descriptor fd = tcp();
              EXPECT_EQ(begin(fd, target), EINPROGRESS);
              // The child ends in it by _exit(0).
              if (daemon(1, 0) != 0) return 1;
              const int again = begin(fd, target);
              const int own = begin(tcp(AF_INET, 0), resolve("refused"));
              const char good = again == EALREADY && own == 0 ? 'y' : 'n';
              return write(out.get(), &good, 1) == 1 ? 0 : 1;
            }),
            0);
  out.reset();
  char answer = ' ';
  EXPECT_EQ(polled(in.get(), POLLIN, kLong) & POLLIN, POLLIN);
  EXPECT_EQ(read(in.get(), &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
}

// From now on this thread's system call `number` fails.
bool refuse(long number) {
  const uint32_t refused = SECCOMP_RET_ERRNO | EACCES;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, refused),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{sizeof code / sizeof *code, code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

class WithoutStandIn : public testing::TestWithParam<long> {};
INSTANTIATE_TEST_SUITE_P(Behaviour, WithoutStandIn,
                         testing::Values(SYS_bind, SYS_listen),
                         [](const auto& tested) {
                           return tested.param == SYS_bind ? "Bind" : "Listen";
                         });

// The call is libc's own then: the address that the caller named, or its error.
TEST_P(WithoutStandIn, AConnectIsLibcs) {
  const Target good = resolve("healthy"), hung = resolve("hung");
  EXPECT_EQ(in_child([&] {
              EXPECT_TRUE(refuse(GetParam()));
              const int before = open_descriptors();
              const Descriptor fd = tcp(), other = tcp();
              EXPECT_EQ(begin(other, hung), EINPROGRESS);
              EXPECT_FALSE(is_stand_in(other.get()));
              EXPECT_EQ(polled(other.get(), POLLOUT, 100ms), 0);
              EXPECT_EQ(begin(other, hung), EALREADY);
              EXPECT_EQ(begin(fd, good), EINPROGRESS);
              expect_connected(fd.get());
              EXPECT_EQ(peer_of(fd.get()), "127.0.10.1");
              EXPECT_EQ(open_descriptors(), before + 2);
              return 0;
            }),
            0);
  EXPECT_GE(traced("passed", "no stand-in can be made"), 1);
}

}  // namespace
}  // namespace happy::behaviour
