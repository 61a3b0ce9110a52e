// Duplicates and closes before, during and after races, and the library's own
// descriptors.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

class Duplicates : public testing::Test {
 protected:
  void expect_both_connected(int one, int two) {
    ASSERT_EQ(polled(one, POLLOUT, kLong), POLLOUT);
    EXPECT_EQ(polled(two, POLLOUT, kLong), POLLOUT);
    EXPECT_EQ(peer_of(one), "127.0.20.2");
    EXPECT_EQ(peer_of(two), "127.0.20.2");
    const Descriptor server = accepted(one);
    char text[2];
    EXPECT_EQ(send(two, "x", 1, 0), 1);
    EXPECT_EQ(recv(server.get(), text, 1, 0), 1);
  }
  Target target_ = resolve("second");
  Descriptor fd_ = tcp();
};

TEST_F(Duplicates, FromBeforeTheRaceGetTheWinner) {
  const Descriptor copy(dup(fd_.get()));
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  EXPECT_EQ(begin(copy, target_), EALREADY);
  expect_both_connected(fd_.get(), copy.get());
}

TEST_F(Duplicates, MadeDuringTheRaceGetTheWinner) {
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  const Descriptor one(dup(fd_.get()));
  const Descriptor two(fcntl(fd_.get(), F_DUPFD, 200));
  const Descriptor three(fcntl(fd_.get(), F_DUPFD_CLOEXEC, 300));
  const Descriptor four(dup2(fd_.get(), 400)), five(dup3(fd_.get(), 401, 0));
  EXPECT_GE(two.get(), 200);
  EXPECT_GE(three.get(), 300);
  for (const auto* copy : {&one, &two, &three, &four, &five}) {
    EXPECT_EQ(polled(copy->get(), POLLOUT, kLong), POLLOUT);
    EXPECT_EQ(peer_of(copy->get()), "127.0.20.2");
  }
  EXPECT_EQ(fcntl(three.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(fcntl(two.get(), F_GETFD), 0);
  expect_both_connected(fd_.get(), one.get());
}

TEST_F(Duplicates, OfADuplicateGetTheWinnerToo) {
  const Descriptor copy(dup(fd_.get()));
  ASSERT_EQ(begin(copy, target_), EINPROGRESS);
  const Descriptor again(dup(fd_.get()));
  expect_both_connected(fd_.get(), again.get());
}

TEST_F(Duplicates, ClosingOneOfTwoLetsTheRaceGoOn) {
  Descriptor copy(dup(fd_.get()));
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  copy.reset();
  expect_connected(fd_.get());
}

TEST_F(Duplicates, ClosingTheFirstLetsTheRaceGoOn) {
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  const Descriptor copy(dup(fd_.get()));
  fd_.reset();
  expect_connected(copy.get());
}

TEST_F(Duplicates, MoreThanTheLibraryCountsAreAllOneSocket) {
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  std::vector<Descriptor> copies;
  for (int i = 0; i < 40; ++i) copies.emplace_back(dup(fd_.get()));
  sockaddr_storage own[2]{};
  socklen_t length = sizeof own[0];
  ASSERT_EQ(
      getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&own[0]), &length), 0);
  for (const auto& copy : copies) {
    length = sizeof own[1];
    ASSERT_EQ(
        getsockname(copy.get(), reinterpret_cast<sockaddr*>(&own[1]), &length),
        0);
    EXPECT_EQ(memcmp(&own[0], &own[1], sizeof own[0]), 0);
  }
}

TEST_F(Duplicates, OntoARacingNumberEndsItsRace) {
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Descriptor in(ends[0]), out(ends[1]);
  ASSERT_EQ(dup2(in.get(), fd_.get()), fd_.get());
  EXPECT_EQ(polled(fd_.get(), POLLIN, 300ms), 0);
  ASSERT_EQ(write(out.get(), "x", 1), 1);
  char byte;
  EXPECT_EQ(read(fd_.get(), &byte, 1), 1) << "another file has the number";
}

TEST_F(Duplicates, OfABadNumberOntoARacingOneLeaveItAlone) {
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  EXPECT_EQ(dup2(999, fd_.get()), -1);
  EXPECT_EQ(errno, EBADF);
  expect_connected(fd_.get());
}

TEST_F(Duplicates, OntoItselfChangesNothing) {
  ASSERT_EQ(begin(fd_, target_), EINPROGRESS);
  EXPECT_EQ(dup2(fd_.get(), fd_.get()), fd_.get());
  expect_connected(fd_.get());
}

// One warm race, then the number of descriptors comes back.
class Close : public testing::Test {
 protected:
  Close() {
    const Descriptor fd = tcp();
    EXPECT_EQ(begin(fd, resolve("second")), EINPROGRESS);
    expect_connected(fd.get());
  }
  void SetUp() override {
    // Descriptors of the warm race go a little later.
    before_ = open_descriptors();
    eventually([&] {
      const int now = open_descriptors();
      return now == std::exchange(before_, now) && ++steady_ > 5;
    });
  }
  void expect_none_lost() const {
    EXPECT_TRUE(eventually([&] { return open_descriptors() <= before_; }))
        << open_descriptors() << " instead of " << before_;
  }
  int before_ = 0, steady_ = 0;
};

TEST_F(Close, DuringARaceLosesNoDescriptor) {
  const Target target = resolve("hung");
  for (int i = 0; i < 50; ++i) {
    const Descriptor fd = tcp();
    ASSERT_EQ(begin(fd, target), EINPROGRESS);
  }
  expect_none_lost();
}

TEST_F(Close, AfterEveryKindOfEndLosesNoDescriptor) {
  for (const char* world :
       {"second", "refused", "closed", "bounded", "attempts", "healthy"}) {
    const Descriptor fd = tcp();
    ASSERT_EQ(begin(fd, resolve(world)), EINPROGRESS);
    ASSERT_TRUE(
        eventually([&] { return polled(fd.get(), POLLOUT, 100ms) != 0; }));
  }
  expect_none_lost();
}

TEST_F(Close, AtTheMomentOfTheWinNeverOverwritesTheRecycledNumber) {
  const Target target = resolve("second");
  const Descriptor file(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int i = 0; i < 30; ++i) {
    Descriptor fd = tcp();
    const int number = fd.get();
    ASSERT_EQ(begin(fd, target), EINPROGRESS);
    std::this_thread::sleep_for(99ms + std::chrono::microseconds(i * 70));
    fd.reset();
    const Descriptor other(fcntl(file.get(), F_DUPFD_CLOEXEC, number));
    ASSERT_EQ(other.get(), number);
    std::this_thread::sleep_for(3ms);
    char byte = 0;
    ASSERT_EQ(write(other.get(), &byte, 1), 1);
  }
}

TEST_F(Close, IsTheLosersEndThoughTheWinnerStaysOpen) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  const Descriptor server = accepted(fd.get());  // which says nothing
  // Beside the two, the stand-in: for who sleeps on it until there is input.
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before_ + 3; }, 2s))
      << open_descriptors() << " instead of " << before_ + 3;
}

// By a call that no library sees.
TEST_F(Close, BehindTheLibrarysBackNeverOverwritesTheRecycledNumber) {
  const int number =
      socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  ASSERT_EQ(begin(number, resolve("second")), EINPROGRESS);
  ASSERT_EQ(syscall(SYS_close, number), 0);
  int ends[2];
  ASSERT_EQ(syscall(SYS_pipe2, ends, O_CLOEXEC), 0);
  const Descriptor one(ends[0]), two(ends[1]);
  ASSERT_EQ(ends[0], number);
  std::this_thread::sleep_for(400ms);  // past the win
  struct stat info {};
  ASSERT_EQ(fstat(number, &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
}

TEST_F(Close, RangeEndsTheRacesInIt) {
  std::vector<int> racing;
  const Target target = resolve("hung");
  for (int i = 0; i < 3; ++i) {
    Descriptor fd = tcp();
    const int high = fcntl(fd.get(), F_DUPFD_CLOEXEC, 500);
    ASSERT_EQ(begin(high, target), EINPROGRESS);
    racing.push_back(high);
  }
  EXPECT_EQ(close_range(500, 600, 0), 0);
  for (const int fd : racing) {
    EXPECT_EQ(fcntl(fd, F_GETFD), -1);
    EXPECT_EQ(errno, EBADF);
  }
  expect_none_lost();
}

TEST_F(Close, RangeWithCloexecLetsTheRaceGoOn) {
  Descriptor fd = tcp(AF_INET, SOCK_NONBLOCK);
  const int high = fcntl(fd.get(), F_DUPFD, 500);
  const Descriptor owner(high);
  ASSERT_EQ(begin(high, resolve("second")), EINPROGRESS);
  EXPECT_EQ(close_range(500, 600, CLOSE_RANGE_CLOEXEC), 0);
  expect_connected(high);
  EXPECT_EQ(fcntl(high, F_GETFD), FD_CLOEXEC);
}

// As daemons and shells do before they go on; in a child, since the test's own
// files go as well.
enum class Sweep { kLoop, kRange, kFrom };

class Sweeps : public testing::TestWithParam<Sweep> {
 protected:
  static void sweep() {
    switch (GetParam()) {
      case Sweep::kLoop:
        for (int fd = 3; fd < 4096; ++fd) close(fd);
        break;
      case Sweep::kRange:
        close_range(3, ~0U, 0);
        break;
      case Sweep::kFrom:
        closefrom(3);
        break;
    }
  }
};
std::string sweep_name(const testing::TestParamInfo<Sweep>& info) {
  static constexpr const char* kNames[] = {"Loop", "Range", "From"};
  return kNames[static_cast<int>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Behaviour, Sweeps,
                         testing::Values(Sweep::kLoop, Sweep::kRange,
                                         Sweep::kFrom),
                         sweep_name);

TEST_P(Sweeps, LeaveTheLibraryWorking) {
  EXPECT_EQ(in_child([] {
              const Descriptor first = tcp();
              EXPECT_EQ(begin(first, resolve("hung")), EINPROGRESS);
              sweep();
              EXPECT_EQ(fcntl(first.get(), F_GETFD), -1);
              const Descriptor fd = tcp();
              EXPECT_EQ(fd.get(), 3);
              EXPECT_EQ(begin(fd, resolve("second")), EINPROGRESS);
              EXPECT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
              EXPECT_EQ(peer_of(fd.get()), "127.0.20.2");
              const Descriptor again = tcp();
              EXPECT_EQ(begin(again, resolve("refused")), EINPROGRESS);
              EXPECT_EQ(polled(again.get(), POLLOUT, kLong), POLLOUT);
              return 0;
            }),
            0);
}

TEST_P(Sweeps, InMidRaceOfAnotherThreadLeaveTheLibraryWorking) {
  EXPECT_EQ(in_child([] {
              std::atomic<int> result{-1};
              const Target target = resolve("second");
              std::thread other([&] {
                const int fd = socket(AF_INET, SOCK_STREAM, 0);
                result = begin(fd, target);
              });
              std::this_thread::sleep_for(30ms);
              sweep();  // also the other thread's socket, as in the kernel
              other.detach();  // the kernel goes on with the dead address
              const Descriptor fd = tcp(AF_INET, 0);
              EXPECT_EQ(begin(fd, target), 0);
              return 0;
            }),
            0);
}

TEST(OwnDescriptors, AreNotThereForTheHost) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("hung")), EINPROGRESS);
  int own = 0;
  for (int number = 1000; number < 1100; ++number) {
    char path[64], link[256];
    snprintf(path, sizeof path, "/proc/self/fd/%d", number);
    if (readlink(path, link, sizeof link) <= 0) continue;
    ++own;
    EXPECT_EQ(fcntl(number, F_GETFD), -1) << number;
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(close(number), -1) << number;
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(dup(number), -1) << number;
    EXPECT_EQ(errno, EBADF);
  }
  EXPECT_GT(own, 2);
}

int own_descriptors() {
  int own = 0;
  for (int number = 1000; number < 1100; ++number) {
    const std::string path = "/proc/self/fd/" + std::to_string(number);
    own += access(path.c_str(), F_OK) == 0;
  }
  return own;
}

int helper_threads() {
  int count = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    count += std::getline(file, name) && name == "happy";
  }
  return count;
}

// The resolver's connection is the last thing to end: it may be used again for
// ten seconds.
TEST(OwnDescriptors, AreFourAtMostWhenLongIdle) {
  for (int again = 0; again < 2; ++again) {
    const Descriptor fd = tcp();
    ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
    expect_connected(fd.get());
    EXPECT_GE(helper_threads(), 1);
    EXPECT_TRUE(eventually([] { return helper_threads() == 0; }, 30s));
    EXPECT_LE(own_descriptors(), 4);
  }
}

TEST(OwnDescriptors, StayBelowTheHostsWay) {
  const int before = tcp().get();
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  expect_connected(fd.get());
  const Descriptor next = tcp();
  EXPECT_EQ(next.get(), before + 1) << "the lowest free number";
}

TEST(OwnDescriptors, AreClosedOnExec) {
  const Descriptor fd = tcp(), blocking = tcp(AF_INET, SOCK_CLOEXEC);
  ASSERT_EQ(begin(fd, resolve("hung")), EINPROGRESS);
  FILE* list = popen("ls /proc/self/fd | sort -n | tail -1", "re");
  int highest = 0;
  EXPECT_EQ(fscanf(list, "%d", &highest), 1);
  pclose(list);
  EXPECT_LT(highest, 1000);
}

TEST(OutOfDescriptors, AConnectIsLibcs) {
  EXPECT_EQ(in_child([] {
              const Target target = resolve("healthy");
              const Descriptor fd = tcp();
              rlimit limit{};
              limit.rlim_cur = limit.rlim_max =
                  static_cast<rlim_t>(fd.get()) + 1;
              setrlimit(RLIMIT_NOFILE, &limit);
              EXPECT_EQ(begin(fd, target), EINPROGRESS);
              EXPECT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
              return 0;
            }),
            0);
}

}  // namespace
}  // namespace happy::behaviour
