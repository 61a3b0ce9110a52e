// Children of a process with races in flight.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/abi/behaviour.h"
#include "tests/lab/library.h"

namespace happy::behaviour {
namespace {

int wait_for(pid_t child) {
  int status = 0;
  if (!eventually([&] { return waitpid(child, &status, WNOHANG) == child; })) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string own_port(int fd) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length);
  return testing::PrintToString(reinterpret_cast<sockaddr_in*>(&own)->sin_port);
}

class Fork : public testing::Test {
 protected:
  void start(const char* world) {
    target_ = resolve(world);
    ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  }
  Descriptor fd_ = tcp();
  Target target_;
};

TEST_F(Fork, TheParentsRaceGoesOn) {
  start("second");
  EXPECT_EQ(in_child([] { return 0; }), 0);
  expect_connected(fd_.get());
}

TEST_F(Fork, TheChildHasAnOrdinaryConnectingSocket) {
  start("hung");
  const std::string port = own_port(fd_.get());
  EXPECT_EQ(in_child([&] {
              EXPECT_EQ(begin(fd_, target_), EALREADY);
              EXPECT_EQ(polled(fd_.get(), POLLIN | POLLOUT, 50ms), 0);
              EXPECT_EQ(own_port(fd_.get()), port) << "not attempt 1";
              EXPECT_EQ(so_error(fd_.get()), 0);
              EXPECT_EQ(fcntl(fd_.get(), F_GETFD), FD_CLOEXEC);
              EXPECT_NE(fcntl(fd_.get(), F_GETFL) & O_NONBLOCK, 0);
              return 0;
            }),
            0);
  EXPECT_EQ(begin(fd_, target_), EALREADY);
}

TEST_F(Fork, TheChildsCloseDoesNotEndTheParentsRace) {
  start("second");
  EXPECT_EQ(in_child([&] {
              fd_.reset();
              return 0;
            }),
            0);
  expect_connected(fd_.get());
}

TEST_F(Fork, AShutdownInTheChildReachesNoWinnerOfTheParent) {
  start("second");
  EXPECT_EQ(in_child([&] {
              shutdown(fd_.get(), SHUT_RDWR);
              return 0;
            }),
            0);
  expect_connected(fd_.get());
}

TEST_F(Fork, TheChildResolvesAndRacesItself) {
  start("hung");
  EXPECT_EQ(in_child([] {
              const Descriptor fd = tcp();
              EXPECT_EQ(begin(fd, resolve("refused")), EINPROGRESS);
              EXPECT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
              EXPECT_EQ(peer_of(fd.get()), "127.0.30.2");
              return 0;
            }),
            0);
}

// Servers resolve in the master and connect in the workers.
TEST_F(Fork, TheChildRacesWhatTheParentResolved) {
  const Target target = resolve("second");
  EXPECT_EQ(in_child([&] {
              const Descriptor fd = tcp(AF_INET, 0);
              EXPECT_EQ(begin(fd, target), 0);
              EXPECT_EQ(peer_of(fd.get()), "127.0.20.2");
              return 0;
            }),
            0);
}

// libuv's own fork handler would need two, and abort the child.
TEST_F(Fork, AChildForWhichNoDescriptorIsFreeLives) {
  if (lab::sanitized())
    GTEST_SKIP() << "the sanitizer looks at memory by a pipe of its own";
  start("second");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const int status = in_child([] { return 0; });
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status, 0);
  expect_connected(fd_.get());
}

TEST_F(Fork, AHundredChildrenEachResolveAndConnect) {
  start("second");
  expect_connected(fd_.get());
  std::vector<pid_t> children;
  for (int i = 0; i < 100; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const Descriptor fd = tcp(AF_INET, 0);
      _exit(begin(fd, resolve("refused")));
    }
    children.push_back(child);
  }
  for (const pid_t child : children) EXPECT_EQ(wait_for(child), 0);
}

TEST_F(Fork, OfAForkWorksToo) {
  start("hung");
  EXPECT_EQ(in_child([&] {
              const Descriptor fd = tcp();
              EXPECT_EQ(begin(fd, resolve("hung")), EINPROGRESS);
              return in_child([&] {
                EXPECT_EQ(begin(fd_, target_), EALREADY);
                EXPECT_EQ(begin(fd, target_), EALREADY);
                const Descriptor own = tcp(AF_INET, 0);
                return begin(own, resolve("refused"));
              });
            }),
            0);
}

TEST_F(Fork, InAMultithreadedProgramWithRacesHangsNowhere) {
  if (lab::sanitized())
    GTEST_SKIP() << "the sanitizer's allocator may stay locked in such a child";
  const Target target = resolve("refused");
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      while (!done) {
        const Descriptor fd = tcp(AF_INET, i % 2 != 0 ? SOCK_NONBLOCK : 0);
        begin(fd, target);
        if (i % 2 != 0) polled(fd.get(), POLLOUT, 1s);
        if (i == 0) resolve("healthy");
        drain_servers();
      }
    });
  }
  int good = 0;
  for (int i = 0; i < 40; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const Descriptor fd = tcp(AF_INET, 0);
      _exit(begin(fd, resolve("second")));
    }
    good += wait_for(child) == 0;
  }
  done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 40);
}

TEST_F(Fork, ABlockedThreadOfTheParentIsNotDisturbed) {
  const Target target = resolve("later");
  const Descriptor fd = tcp(AF_INET, SOCK_CLOEXEC);
  std::atomic<int> result{-1};
  std::thread other([&] { result = begin(fd, target); });
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(in_child([&] { return polled(fd.get(), POLLOUT, 0ms); }), 0);
  other.join();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(peer_of(fd.get()), "127.0.21.2");
}

TEST_F(Fork, ByVforkAndExecDoesNotDisturbTheRace) {
  start("second");
  const pid_t child = vfork();
  if (child == 0) {
    execl("/bin/true", "true", nullptr);
    _exit(1);
  }
  EXPECT_EQ(wait_for(child), 0);
  expect_connected(fd_.get());
}

// What shells and daemons do between vfork and exec.
TEST_F(Fork, AVforkChildsDescriptorCallsDoNotDisturbTheRace) {
  start("second");
  const int number = fd_.get();
  const pid_t child = vfork();
  if (child == 0) {
    fcntl(number, F_SETFL, 0);
    shutdown(number, 77);
    dup2(number, 7);
    close(number);
    closefrom(3);
    execl("/bin/true", "true", nullptr);
    _exit(1);
  }
  EXPECT_EQ(wait_for(child), 0);
  EXPECT_EQ(fcntl(number, F_GETFL) & O_NONBLOCK, 0) << "one open file";
  fcntl(number, F_SETFL, O_NONBLOCK);
  EXPECT_EQ(polled(number, POLLOUT, kLong), POLLOUT);
}

TEST_F(Fork, BySpawnDoesNotDisturbTheRace) {
  start("second");
  pid_t child = 0;
  const char* arguments[] = {"true", nullptr};
  ASSERT_EQ(posix_spawn(&child, "/bin/true", nullptr, nullptr,
                        const_cast<char**>(arguments), environ),
            0);
  EXPECT_EQ(wait_for(child), 0);
  expect_connected(fd_.get());
}

TEST_F(Fork, BySystemAndPopenDoNotDisturbTheRace) {
  start("later");
  EXPECT_EQ(system("true"), 0);
  FILE* pipe = popen("echo good", "re");
  char text[8] = {};
  EXPECT_EQ(fscanf(pipe, "%7s", text), 1);
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_STREQ(text, "good");
  expect_connected(fd_.get());
  EXPECT_EQ(peer_of(fd_.get()), "127.0.21.2");
}

// A child that is given the socket by exec has the connection, not a stand-in.
constexpr const char* kOwnAddress = R"(
import socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
print(s.getsockname()[0], s.getsockname()[1])
)";

class Inherited : public Fork {
 protected:
  void SetUp() override {
    setenv("PATH", "/usr/bin:/bin", 1);  // for the python3 of arguments()
    start("hung");
    ASSERT_EQ(fcntl(fd_.get(), F_SETFD, 0), 0);
    sockaddr_in own{};
    socklen_t length = sizeof own;
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&own), &length);
    expected_ = "127.0.0.1 " + std::to_string(ntohs(own.sin_port)) + "\n";
    number_ = std::to_string(fd_.get());
  }
  // The child's standard output.
  std::string output(const std::function<pid_t(int out)>& spawn) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = spawn(ends[1]);
    close(ends[1]);
    std::string text(100, '\0');
    size_t length = 0;
    for (ssize_t got = 1; got > 0; length += got > 0 ? size_t(got) : 0)
      got = read(ends[0], text.data() + length, text.size() - length);
    close(ends[0]);
    wait_for(child);
    text.resize(length);
    return text;
  }
  // The same of what posix_spawn() or posix_spawnp() starts.
  std::string spawned(decltype(posix_spawn)* spawn, const char* program) {
    return output([&](int out) {
      posix_spawn_file_actions_t actions;
      posix_spawn_file_actions_init(&actions);
      posix_spawn_file_actions_adddup2(&actions, out, 1);
      pid_t child = -1;
      EXPECT_EQ(spawn(&child, program, &actions, nullptr,
                      const_cast<char**>(arguments()), environ),
                0);
      posix_spawn_file_actions_destroy(&actions);
      return child;
    });
  }
  const char* const* arguments() {
    arguments_ = {"/usr/bin/python3", "-c", kOwnAddress, number_.c_str(),
                  nullptr};
    return arguments_.data();
  }
  std::string expected_, number_;
  std::vector<const char*> arguments_;
};

TEST_F(Inherited, BySpawnIsAttemptOne) {
  EXPECT_EQ(spawned(posix_spawn, "/usr/bin/python3"), expected_);
  EXPECT_EQ(begin(fd_, target_), EALREADY);
}

TEST_F(Inherited, ByVforkAndExecIsAttemptOne) {
  const char* const* command = arguments();
  const std::string text = output([&](int out) {
    const pid_t child = vfork();
    if (child == 0) {
      dup2(out, 1);
      execv(command[0], const_cast<char**>(command));
      _exit(1);
    }
    return child;
  });
  EXPECT_EQ(text, expected_);
}

TEST_F(Inherited, ByForkAndExecIsAttemptOne) {
  const char* const* command = arguments();
  const std::string text = output([&](int out) {
    const pid_t child = fork();
    if (child == 0) {
      dup2(out, 1);
      execv(command[0], const_cast<char**>(command));
      _exit(1);
    }
    return child;
  });
  EXPECT_EQ(text, expected_);
}

TEST_F(Inherited, ByPopenIsAttemptOne) {
  const std::string command =
      "/usr/bin/python3 -c '" + std::string(kOwnAddress) + "' " + number_;
  FILE* pipe = popen(command.c_str(), "re");
  char text[100] = {};
  EXPECT_NE(fgets(text, sizeof text, pipe), nullptr);
  pclose(pipe);
  EXPECT_EQ(text, expected_);
}

TEST_F(Inherited, BySpawnOnThePathIsAttemptOne) {
  EXPECT_EQ(spawned(posix_spawnp, "python3"), expected_);
}

TEST_F(Inherited, BySystemIsAttemptOne) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Descriptor in(ends[0]), out(ends[1]);
  const std::string command = "/usr/bin/python3 -c '" +
                              std::string(kOwnAddress) + "' " + number_ +
                              " >/proc/self/fd/" + std::to_string(out.get());
  ASSERT_EQ(system(command.c_str()), 0);
  char text[100] = {};
  EXPECT_GT(read(in.get(), text, sizeof text - 1), 0);
  EXPECT_EQ(text, expected_);
}

// Each function by which a process becomes another program in mid-race.
struct Exec {
  const char* name;
  void (*run)(const char* const* a);  // five: four and a null pointer
};

char** plain(const char* const* arguments) {
  return const_cast<char**>(arguments);
}

constexpr const char* kPython = "/usr/bin/python3";
const Exec kExecs[] = {
    {"execve", [](auto* a) { execve(kPython, plain(a), environ); }},
    {"execv", [](auto* a) { execv(kPython, plain(a)); }},
    {"execvp", [](auto* a) { execvp("python3", plain(a)); }},
    {"execvpe", [](auto* a) { execvpe("python3", plain(a), environ); }},
    {"execl", [](auto* a) { execl(kPython, a[0], a[1], a[2], a[3], nullptr); }},
    {"execlp",
     [](auto* a) { execlp("python3", a[0], a[1], a[2], a[3], nullptr); }},
    {"execle",
     [](auto* a) {
       execle(kPython, a[0], a[1], a[2], a[3], nullptr, environ);
     }},
    {"fexecve",
     [](auto* a) {
       fexecve(open(kPython, O_PATH | O_CLOEXEC), plain(a), environ);
     }},
    {"execveat",
     [](auto* a) { execveat(AT_FDCWD, kPython, plain(a), environ, 0); }},
};

class InheritedByExec : public Inherited,
                        public testing::WithParamInterface<Exec> {};

TEST_P(InheritedByExec, IsAttemptOne) {
  const std::string text = output([&](int out) {
    const pid_t child = fork();
    if (child == 0) {
      const Descriptor fd = tcp(AF_INET, SOCK_NONBLOCK);
      begin(fd, target_);
      dup2(out, 1);
      dup2(fd.get(), 77);
      number_ = "77";
      GetParam().run(arguments());
      _exit(1);
    }
    return child;
  });
  EXPECT_EQ(text.substr(0, 10), "127.0.0.1 ");
}

INSTANTIATE_TEST_SUITE_P(Behaviour, InheritedByExec, testing::ValuesIn(kExecs),
                         [](const auto& tested) {
                           return std::string(tested.param.name);
                         });

class InheritedByMessage : public Inherited,
                           public testing::WithParamInterface<bool> {
 protected:
  // 1 if it was sent.
  static ssize_t send_message(int socket, const msghdr& message) {
    if (!GetParam()) return sendmsg(socket, &message, 0);
    mmsghdr list[1] = {{message, 0}};
    return sendmmsg(socket, list, 1, 0);
  }
};
INSTANTIATE_TEST_SUITE_P(Behaviour, InheritedByMessage, testing::Bool(),
                         [](const auto& tested) {
                           return tested.param ? "sendmmsg" : "sendmsg";
                         });

TEST_P(InheritedByMessage, IsAttemptOne) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const Descriptor one(pair[0]), two(pair[1]);
  char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {};
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int number = fd_.get();
  memcpy(CMSG_DATA(header), &number, sizeof number);
  const std::string port = own_port(number);
  ASSERT_EQ(send_message(one.get(), message), 1);
  ASSERT_EQ(recvmsg(two.get(), &message, MSG_CMSG_CLOEXEC), 1);
  int received = -1;
  memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
  const Descriptor copy(received);
  EXPECT_EQ(own_port(copy.get()), port);
}

}  // namespace
}  // namespace happy::behaviour
