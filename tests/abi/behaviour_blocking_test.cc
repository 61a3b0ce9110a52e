// A blocking connect(): results, time-outs, signals, cancellation, and what
// other threads do to its descriptor meanwhile.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "tests/abi/behaviour.h"
#include "tests/lab/sockets.h"

namespace happy::behaviour {
namespace {

Descriptor blocking() { return tcp(AF_INET, SOCK_CLOEXEC); }

void limit_sending(int fd, milliseconds limit) {
  const timeval value{limit.count() / 1000, limit.count() % 1000 * 1000};
  ASSERT_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value), 0);
}

class Blocking : public testing::TestWithParam<Way> {
 protected:
  static bool raced() { return GetParam() == Way::kRaced; }
  static Target good() {
    return raced() ? resolve("second") : numeric(kPlainGood);
  }
  static Target refusing() {
    return raced() ? resolve("closed") : numeric(kPlainRefusing);
  }
  static Target dead() {
    return raced() ? resolve("hung") : numeric(kPlainDead);
  }
  Descriptor fd_ = blocking();
};
HAPPY_BOTH_WAYS(Blocking);

TEST_P(Blocking, IsGoodOnceThenIsConnected) {
  const Target target = good();
  EXPECT_EQ(begin(fd_, target), 0);
  EXPECT_EQ(so_error(fd_.get()), 0);
  EXPECT_EQ(begin(fd_, target), EISCONN);
  EXPECT_TRUE(accepted(fd_.get()).open());
}

TEST_P(Blocking, IsRefusedWhenAllRefuse) {
  const Target target = refusing();
  EXPECT_EQ(begin(fd_, target), ECONNREFUSED);
  EXPECT_EQ(so_error(fd_.get()), 0);
}

TEST_P(Blocking, ARefusedSocketConnectsElsewhere) {
  EXPECT_EQ(begin(fd_, refusing()), ECONNREFUSED);
  EXPECT_EQ(begin(fd_, numeric(kPlainGood)), 0);
}

TEST_P(Blocking, IsInProgressAtTheSendTimeOut) {
  const Target target = dead();
  limit_sending(fd_.get(), 150ms);
  const Stopwatch watch;
  EXPECT_EQ(begin(fd_, target), EINPROGRESS);
  EXPECT_GE(watch.elapsed(), 140ms);
  EXPECT_LT(watch.elapsed(), 2s);
  EXPECT_EQ(so_error(fd_.get()), 0);
  EXPECT_EQ(peer_of(fd_.get()), "");
}

TEST_P(Blocking, AfterTheSendTimeOutIsAlready) {
  const Target target = dead();
  limit_sending(fd_.get(), 100ms);
  EXPECT_EQ(begin(fd_, target), EINPROGRESS);
  EXPECT_EQ(begin(fd_, target), EALREADY);
}

TEST_P(Blocking, TheSendTimeOutIsLeftAsItWas) {
  limit_sending(fd_.get(), 2500ms);
  ASSERT_EQ(begin(fd_, good()), 0);
  timeval value{};
  socklen_t length = sizeof value;
  getsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &value, &length);
  EXPECT_EQ(value.tv_sec, 2);
  EXPECT_EQ(value.tv_usec, 500'000);
}

TEST_P(Blocking, ANonBlockingReaderDuringItIsNotDisturbed) {
  const Target target = good();
  std::atomic<int> result{-1};
  std::thread other([&] { result = begin(fd_, target); });
  while (result < 0) {
    char byte;
    const ssize_t got = recv(fd_.get(), &byte, 1, MSG_DONTWAIT);
    EXPECT_EQ(got, -1);
    EXPECT_TRUE(errno == EAGAIN || errno == ENOTCONN) << errno;
  }
  other.join();
  EXPECT_EQ(result, 0);
}

TEST_P(Blocking, MadeNonBlockingByAnotherThreadItStillFinishes) {
  const Target target = good();
  std::atomic<int> result{-1};
  std::thread other([&] { result = begin(fd_, target); });
  std::this_thread::sleep_for(20ms);
  fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  other.join();
  EXPECT_EQ(result, 0);
  EXPECT_NE(fcntl(fd_.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_P(Blocking, ShutdownByAnotherThreadEndsIt) {
  const Target target = dead();
  std::atomic<int> result{-1};
  std::thread other([&] { result = begin(fd_, target); });
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(result, -1);
  EXPECT_EQ(shutdown(fd_.get(), SHUT_RDWR), 0);
  EXPECT_TRUE(eventually([&] { return result >= 0; }, 3s));
  EXPECT_EQ(result, ECONNRESET);
  if (result < 0) return other.detach();
  other.join();
}

// The number goes at once; the call itself goes on with the open file.
TEST_P(Blocking, CloseByAnotherThreadLetsTheCallGoOn) {
  const Target target = dead();
  limit_sending(fd_.get(), 400ms);
  std::atomic<int> result{-1};
  const int number = fd_.get();
  std::thread other([&, number] { result = begin(number, target); });
  std::this_thread::sleep_for(50ms);
  fd_.reset();
  EXPECT_EQ(fcntl(number, F_GETFD), -1);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(result, -1) << "still in its call";
  EXPECT_TRUE(eventually([&] { return result >= 0; }, 3s));
  if (result < 0) return other.detach();
  other.join();
  EXPECT_EQ(result, EINPROGRESS);
  EXPECT_EQ(fcntl(number, F_GETFD), -1) << "the number came back";
}

volatile sig_atomic_t alarms = 0;
sigjmp_buf way_out;

void set_alarm(milliseconds after, int flags, void (*handler)(int)) {
  alarms = 0;
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval timer{{},
                        {after.count() / 1000, after.count() % 1000 * 1000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}
void count_alarm(int) { alarms = alarms + 1; }
void jump_out(int) { siglongjmp(way_out, 1); }

TEST_P(Blocking, ASignalInterruptsIt) {
  const Target target = dead();
  set_alarm(100ms, 0, count_alarm);
  EXPECT_EQ(begin(fd_, target), EINTR);
  EXPECT_EQ(alarms, 1);
  EXPECT_EQ(so_error(fd_.get()), 0);
}

TEST_P(Blocking, InterruptedItGoesOnInTheKernel) {
  const Target target = dead();
  set_alarm(100ms, 0, count_alarm);
  EXPECT_EQ(begin(fd_, target), EINTR);
  EXPECT_EQ(polled(fd_.get(), POLLIN | POLLOUT, 100ms), 0);
  fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  EXPECT_EQ(begin(fd_, target), EALREADY);
}

TEST_P(Blocking, ARestartingSignalDoesNotInterruptIt) {
  const Target target = raced() ? resolve("later") : numeric(kPlainDead);
  if (!raced()) limit_sending(fd_.get(), 400ms);
  set_alarm(100ms, SA_RESTART, count_alarm);
  // With a time-out the kernel does not restart.
  EXPECT_EQ(begin(fd_, target), raced() ? 0 : EINTR);
  EXPECT_EQ(alarms, 1);
}

TEST_P(Blocking, WithASendTimeOutEvenARestartingSignalInterruptsIt) {
  const Target target = dead();
  limit_sending(fd_.get(), 2s);
  set_alarm(100ms, SA_RESTART, count_alarm);
  EXPECT_EQ(begin(fd_, target), EINTR);
}

TEST_P(Blocking, AnIgnoredSignalDoesNothing) {
  const Target target = good();
  set_alarm(50ms, 0, SIG_IGN);
  EXPECT_EQ(begin(fd_, target), 0);
}

// wget -T, and what it does after it.
TEST_P(Blocking, AHandlerMayLeaveItByALongJump) {
  const Target target = dead();
  resolve("second");
  const int before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    Descriptor fd = blocking();
    if (sigsetjmp(way_out, 1) == 0) {
      set_alarm(20ms, 0, jump_out);
      begin(fd, target);
      ADD_FAILURE() << "came back";
    }
    EXPECT_EQ(peer_of(fd.get()), "");
  }
  EXPECT_EQ(begin(fd_, good()), 0);
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before + 4; }))
      << open_descriptors() << " after " << before;
}

TEST_P(Blocking, AHandlerMayConnectItself) {
  static Target inner;
  static int inner_result;
  inner = numeric(kPlainGood);
  inner_result = -1;
  set_alarm(50ms, SA_RESTART, [](int) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    inner_result = begin(fd, inner);
    close(fd);
  });
  if (raced()) inner = resolve("healthy");
  EXPECT_EQ(begin(fd_, raced() ? resolve("second") : good()), 0);
  EXPECT_TRUE(eventually([] { return inner_result == 0; }, 2s));
}

// A fresh socket polls as hung up.
bool is_connecting(int fd) { return polled(fd, POLLOUT, 0ms) == 0; }

std::atomic<int> cleanups{0};

void* connect_and_clean_up(void* argument) {
  pthread_cleanup_push([](void*) { ++cleanups; }, nullptr);
  const auto* work = static_cast<std::pair<int, Target>*>(argument);
  begin(work->first, work->second);
  pthread_cleanup_pop(0);
  return nullptr;
}

TEST_P(Blocking, ACancelledThreadRunsItsCleanUpHandlers) {
  resolve("second");
  const Target target = dead();
  const int before = open_descriptors();
  cleanups = 0;
  for (int i = 0; i < 20; ++i) {
    Descriptor fd = blocking();
    std::pair<int, Target> work{fd.get(), target};
    pthread_t thread;
    ASSERT_EQ(pthread_create(&thread, nullptr, connect_and_clean_up, &work), 0);
    ASSERT_TRUE(eventually([&] { return is_connecting(fd.get()); }));
    ASSERT_EQ(pthread_cancel(thread), 0);
    void* result = nullptr;
    ASSERT_EQ(pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED);
    EXPECT_EQ(polled(fd.get(), POLLIN | POLLOUT, 0ms), 0);
  }
  EXPECT_EQ(cleanups, 20);
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before + 4; }))
      << open_descriptors() << " after " << before;
}

TEST_P(Blocking, StoppedAndContinuedItGoesOn) {
  const Target target = raced() ? resolve("later") : numeric(kPlainGood);
  const pid_t child = fork();
  if (child == 0) _exit(begin(blocking(), target));
  std::this_thread::sleep_for(50ms);
  kill(child, SIGSTOP);
  std::this_thread::sleep_for(100ms);
  kill(child, SIGCONT);
  int status = -1;
  EXPECT_TRUE(eventually(
      [&] { return waitpid(child, &status, WNOHANG) == child; }, 5s));
  EXPECT_EQ(status, 0);
}

class BlockingTimeOut : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Behaviour, BlockingTimeOut,
                         testing::Values("bounded", "attempts"),
                         [](const auto& it) { return it.param; });

TEST_P(BlockingTimeOut, IsTimedOutAtTheRulesTime) {
  const Descriptor fd = blocking();
  const Target target = resolve(GetParam());
  const Stopwatch watch;
  EXPECT_EQ(begin(fd, target), ETIMEDOUT);
  EXPECT_GE(watch.elapsed(), kAttempt - 50ms);
  EXPECT_LE(watch.elapsed(), kBoundedConnect + 1s);
  EXPECT_EQ(so_error(fd.get()), 0);
}

TEST_P(BlockingTimeOut, AfterItTheSocketConnectsElsewhere) {
  const Descriptor fd = blocking();
  EXPECT_EQ(begin(fd, resolve(GetParam())), ETIMEDOUT);
  EXPECT_EQ(begin(fd, numeric(kPlainGood)), 0);
  EXPECT_TRUE(accepted(fd.get()).open());
}

// Two threads connect one socket: the second call waits like the first.
TEST(BlockingTwice, ASecondThreadsConnectEndsToo) {
  const Descriptor fd = blocking();
  const Target target = resolve("second");
  std::atomic<int> one{-1}, two{-1};
  std::thread first([&] { one = begin(fd, target); });
  std::this_thread::sleep_for(20ms);
  std::thread second([&] { two = begin(fd, target); });
  EXPECT_TRUE(eventually([&] { return one >= 0 && two >= 0; }, 5s))
      << one << " and " << two;
  if (one >= 0)
    first.join();
  else
    first.detach();
  if (two >= 0)
    second.join();
  else
    second.detach();
  EXPECT_EQ(one, 0);
}

ino_t socket_behind(int fd) {
  struct stat info {};
  EXPECT_EQ(fstat(fd, &info), 0);
  return info.st_ino;
}

// Attempt 1 fails inside connect() (no TCP to a multicast address), the other
// one at its second SYN.
TEST(BlockingRace, LeavesTheCallerItsOwnSocketWhenAllFail) {
  lab::Descriptor last =
      lab::listen_on({IpAddress::parse("127.0.45.2").value(), web_port()},
                     lab::Listening::kBlackHole);
  resolve("unreachable");
  const Descriptor fd = blocking();
  const ino_t before = socket_behind(fd.get());
  std::thread closer([&] {
    std::this_thread::sleep_for(300ms);
    last = {};
  });
  EXPECT_EQ(begin(fd, numeric("224.0.0.1")), ENETUNREACH);
  closer.join();
  EXPECT_EQ(socket_behind(fd.get()), before);
}

// The other thread sleeps on the file that attempt 1 was.
TEST(BlockingRace, WakesWhoPollsTheSocketMeanwhile) {
  const Target target = resolve("second");
  const Descriptor fd = blocking();
  std::thread other([&] {
    std::this_thread::sleep_for(50ms);
    const Stopwatch watch;
    EXPECT_NE(polled(fd.get(), POLLOUT, kLong), 0);
    EXPECT_LT(watch.elapsed(), kLong / 2);
  });
  EXPECT_EQ(begin(fd, target), 0);
  other.join();
}

}  // namespace
}  // namespace happy::behaviour
