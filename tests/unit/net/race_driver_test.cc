// Races against real sockets of the loopback interface: healthy, refusing and
// silent addresses of 127.0.0.0/8.
#include "core/net/race_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <chrono>

#include "core/net/loop.h"
#include "tests/unit/net/plain_host.h"

namespace happy::net {
namespace {

using namespace std::chrono_literals;

using testing::ElementsAre;

// The one helper of this test program.
struct Helper final : TraceSink {
  Loop* loop;
  Watch* watch = new Watch(plain_host());
  Races* races = nullptr;
  std::vector<std::string> lines;  // loop thread
  std::vector<RaceEnd> ends;
  RaceCaller* caller = nullptr;
  bool decided_before_end = false;

  Helper() {
    loop = new Loop(plain_host(), [this](uv_loop_t* uv) {
      if (const int error = watch->open(uv)) return error;
      races = new Races(uv, watch, plain_host(), this);
      return 0;
    });
  }
  void race_start(RaceId, const RaceRequest& request) override {
    caller = static_cast<RaceCaller*>(request.context);
    lines.emplace_back("race_start");
  }
  void attempt_start(RaceId, race::AttemptId id, const Endpoint&) override {
    say("start", id);
  }
  void attempt_failed(RaceId, race::AttemptId id, const Endpoint&,
                      int error) override {
    say("failed", id);
    lines.back() += " " + std::to_string(error);
  }
  void attempt_cancelled(RaceId, race::AttemptId id, const Endpoint&) override {
    say("cancelled", id);
  }
  void race_end(RaceId, const RaceEnd& end) override {
    lines.emplace_back("race_end");
    ends.push_back(end);
    const std::lock_guard lock(caller->mutex);
    decided_before_end = caller->decided == 1;
  }
  void say(const char* what, race::AttemptId id) {
    lines.push_back(what + (" " + std::to_string(uint32_t(id))));
  }
};

Helper& helper() {
  static auto* const only = new Helper;
  return *only;
}

void on_loop(const Loop::Work& work) {
  ASSERT_TRUE(helper().loop->run_and_wait(work));
}

Endpoint endpoint_of(int fd) {
  sockaddr_storage address;
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return *Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&address),
                                  length);
}

// A bound TCP socket on 127.0.1.n: refuses until it listens.
class Address {
 public:
  explicit Address(uint8_t n) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage address;
    const socklen_t length =
        Endpoint{IpAddress::v4(127, 0, 1, n), 0}.to_sockaddr(&address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
  }
  ~Address() { close(fd_); }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;

  Address& listening() {
    EXPECT_EQ(listen(fd_, 1024), 0);
    return *this;
  }
  // Drops every packet that arrives: a black hole.
  Address& silent() {
    sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    const sock_fprog program = {.len = 1, .filter = &drop};
    EXPECT_EQ(
        setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
        0);
    return listening();
  }
  Endpoint endpoint() const { return endpoint_of(fd_); }

 private:
  int fd_;
};

bool caller_knew_before_the_sink() {
  bool knew = false;
  on_loop([&] { knew = helper().decided_before_end; });
  return knew;
}

// What a caller does before race_start: connect attempt 1, keep a copy.
class Caller {
 public:
  Caller() { before_ = open_descriptors(); }
  ~Caller() {
    if (own_ >= 0) close(own_);
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void start(std::vector<Endpoint> candidates, race::Settings settings = {},
             int synchronous_error = 0) {
    RaceRequest request;
    request.settings = settings;
    request.context = &seen;
    request.error = synchronous_error;
    if (synchronous_error == 0) {
      connect_own(candidates.front());
      request.attempt = own_;
    }
    request.begin.candidates = std::move(candidates);
    began_ = monotonic_now();
    on_loop([&] {
      helper().lines.clear();
      helper().ends.clear();
      helper().races->begin(id, std::move(request));
    });
  }
  void finish() {
    ASSERT_TRUE(seen.wait_over());
    elapsed = monotonic_now() - began_;
    on_loop([&] {
      trace = helper().lines;
      ends = helper().ends;
      EXPECT_EQ(helper().races->running(), 0u);
    });
    EXPECT_EQ(seen.over, 1);
    EXPECT_LE(seen.decided, 1);
  }
  // After finish(): nothing but the caller's own and `descriptor` is open.
  void expect_no_leak(int descriptor = -1) {
    std::set<int> expected = before_;
    if (own_ >= 0) expected.insert(own_);
    if (descriptor >= 0) expected.insert(descriptor);
    EXPECT_EQ(open_descriptors(), expected);
    if (descriptor >= 0) close(descriptor);
  }
  int own_error() const {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(own_, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
  }

  RaceCaller seen;
  const RaceId id = Races::reserve();
  std::vector<std::string> trace;
  std::vector<RaceEnd> ends;
  Duration elapsed{};

 private:
  void connect_own(const Endpoint& destination) {
    own_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_storage address;
    const socklen_t length = destination.to_sockaddr(&address);
    std::ignore = connect(own_, reinterpret_cast<sockaddr*>(&address), length);
  }

  std::set<int> before_;
  int own_ = -1;
  Time began_{};
};

Endpoint peer_of(int fd) {
  sockaddr_storage address;
  socklen_t length = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return {};
  }
  return *Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&address),
                                  length);
}

class RaceDriverTest : public testing::Test {
 protected:
  // The helper's own descriptors are there before anything is counted.
  void SetUp() override {
    on_loop([] {});
  }

  Address healthy_{1}, healthy_too_{2}, refusing_{3}, refusing_too_{4},
      silent_{5}, silent_too_{6};
  const Endpoint good_ = healthy_.listening().endpoint();
  const Endpoint good_too_ = healthy_too_.listening().endpoint();
  const Endpoint bad_ = refusing_.endpoint();
  const Endpoint bad_too_ = refusing_too_.endpoint();
  const Endpoint hole_ = silent_.silent().endpoint();
  const Endpoint hole_too_ = silent_too_.silent().endpoint();
};

TEST_F(RaceDriverTest, HealthyFirstWinsWithoutADescriptor) {
  Caller caller;
  caller.start({good_, good_too_});
  caller.finish();
  EXPECT_EQ(caller.seen.outcome->kind, HAPPY_WON);
  EXPECT_EQ(caller.seen.outcome->descriptor, -1);
  EXPECT_EQ(caller.seen.opened, 0);
  EXPECT_THAT(caller.trace, ElementsAre("race_start", "start 1", "race_end"));
  caller.expect_no_leak();
}

TEST_F(RaceDriverTest, RefusingFirstGoesOnAtOnceAndItsErrorStaysUnread) {
  Caller caller;
  caller.start({bad_, good_});
  caller.finish();
  ASSERT_EQ(caller.seen.outcome->kind, HAPPY_WON);
  EXPECT_EQ(peer_of(caller.seen.outcome->descriptor), good_);
  EXPECT_LT(caller.elapsed, 100ms);
  EXPECT_THAT(caller.trace, ElementsAre("race_start", "start 1", "failed 1 0",
                                        "start 2", "race_end"));
  EXPECT_EQ(caller.own_error(), ECONNREFUSED);
  EXPECT_EQ(caller.ends[0].winner, race::AttemptId{2});
  EXPECT_EQ(caller.ends[0].endpoint, good_);
  caller.expect_no_leak(caller.seen.outcome->descriptor);
}

TEST_F(RaceDriverTest, BlackHoleFirstCostsOneDelay) {
  Caller caller;
  caller.start({hole_, good_}, {.attempt_delay = 60ms});
  caller.finish();
  ASSERT_EQ(caller.seen.outcome->kind, HAPPY_WON);
  EXPECT_EQ(peer_of(caller.seen.outcome->descriptor), good_);
  EXPECT_GE(caller.elapsed, 60ms);
  EXPECT_LT(caller.elapsed, 60ms + 60ms);
  EXPECT_THAT(caller.trace, ElementsAre("race_start", "start 1", "start 2",
                                        "cancelled 1", "race_end"));
  caller.expect_no_leak(caller.seen.outcome->descriptor);
}

TEST_F(RaceDriverTest, AllRefusedGivesAttemptOneBackWithItsErrorUnread) {
  Caller caller;
  caller.start({bad_, bad_too_});
  caller.finish();
  EXPECT_EQ(caller.seen.outcome->kind, HAPPY_ALL_FAILED);
  EXPECT_EQ(caller.seen.outcome->descriptor, -1);
  EXPECT_EQ(caller.seen.outcome->error, 0);
  EXPECT_EQ(caller.own_error(), ECONNREFUSED);
  ASSERT_EQ(caller.ends[0].failures.size(), 2u);
  EXPECT_EQ(caller.ends[0].failures[0].error, 0) << "the caller's to read";
  EXPECT_EQ(caller.ends[0].failures[1].endpoint, bad_too_);
  EXPECT_EQ(caller.ends[0].failures[1].error, ECONNREFUSED);
  caller.expect_no_leak();
}

// The caller may end the process with its next instruction, or connect to the
// same name.
TEST_F(RaceDriverTest, AllIsToldBeforeTheCallerHasItsWinner) {
  Caller caller;
  caller.start({hole_, good_}, {.attempt_delay = 60ms});
  caller.finish();
  EXPECT_EQ(caller.seen.outcome->kind, HAPPY_WON);
  EXPECT_FALSE(caller_knew_before_the_sink());
  EXPECT_THAT(caller.trace, ElementsAre("race_start", "start 1", "start 2",
                                        "cancelled 1", "race_end"));
  caller.expect_no_leak(caller.seen.outcome->descriptor);
}

// It may name another of the addresses at once, which the name memory must know
// for failed.
TEST_F(RaceDriverTest, FailuresAreKnownBeforeTheCallerGoesOn) {
  Caller caller;
  caller.start({bad_, bad_too_});
  caller.finish();
  EXPECT_FALSE(caller_knew_before_the_sink());
  caller.expect_no_leak();
}

TEST_F(RaceDriverTest, SynchronousFailureThenSuccess) {
  Caller caller;
  caller.start({bad_, good_}, {}, ENETUNREACH);
  caller.finish();
  EXPECT_EQ(caller.seen.outcome->kind, HAPPY_WON);
  EXPECT_EQ(caller.trace[2], "failed 1 " + std::to_string(ENETUNREACH));
  caller.expect_no_leak(caller.seen.outcome->descriptor);
}

// Attempt 1 has no error on a socket: the last other one's is for the caller.
TEST_F(RaceDriverTest, SynchronousFailureOfTheFirstKeepsTheLastUnreadError) {
  Caller caller;
  caller.start({good_, bad_, bad_too_}, {}, ENETUNREACH);
  caller.finish();
  EXPECT_EQ(caller.seen.outcome->kind, HAPPY_ALL_FAILED);
  EXPECT_EQ(caller.seen.outcome->error, ENETUNREACH);
  const int last = caller.seen.outcome->descriptor;
  ASSERT_GE(last, 0);
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(last, SOL_SOCKET, SO_ERROR, &error, &length);
  EXPECT_EQ(error, ECONNREFUSED);
  EXPECT_EQ(caller.ends[0].failures[1].error, ECONNREFUSED)
      << "no longer the last: read for the name memory";
  EXPECT_EQ(caller.ends[0].failures[2].error, 0);
  caller.expect_no_leak(last);
}

TEST_F(RaceDriverTest, AllSynchronousFailuresGiveTheFirstOnesErrno) {
  Caller caller;
  caller.seen.open_error = EHOSTUNREACH;
  caller.start({good_, good_too_}, {}, ENETUNREACH);
  caller.finish();
  EXPECT_EQ(caller.seen.outcome->kind, HAPPY_ALL_FAILED);
  EXPECT_EQ(caller.seen.outcome->descriptor, -1);
  EXPECT_EQ(caller.seen.outcome->error, ENETUNREACH);
  EXPECT_EQ(caller.ends[0].failures[1].error, EHOSTUNREACH);
  caller.expect_no_leak();
}

TEST_F(RaceDriverTest, ConnectTimeoutEndsAll) {
  Caller caller;
  caller.start({hole_, hole_too_},
               {.attempt_delay = 20ms, .connect_timeout = 100ms});
  caller.finish();
  EXPECT_EQ(caller.seen.outcome->kind, HAPPY_TIMED_OUT);
  EXPECT_GE(caller.elapsed, 100ms);
  EXPECT_LT(caller.elapsed, 200ms);
  EXPECT_THAT(caller.trace,
              ElementsAre("race_start", "start 1", "start 2", "cancelled 1",
                          "cancelled 2", "race_end"));
  caller.expect_no_leak();
}

TEST_F(RaceDriverTest, StopInMidRaceLeavesAttemptOneToTheCaller) {
  Caller caller;
  caller.start({hole_, hole_too_}, {.attempt_delay = 10ms});
  usleep(40'000);
  happy_outcome outcome{};
  on_loop([&] { outcome = helper().races->stop(caller.id); });
  caller.finish();
  EXPECT_EQ(outcome.kind, HAPPY_STOPPED);
  EXPECT_EQ(outcome.descriptor, -1);
  EXPECT_EQ(caller.seen.decided, 0);
  EXPECT_EQ(caller.own_error(), 0) << "still connecting";
  caller.expect_no_leak();
}

TEST_F(RaceDriverTest, StopAfterAttemptOneFailedGivesALiveOne) {
  Caller caller;
  caller.start({bad_, hole_, hole_too_}, {.attempt_delay = 10ms});
  usleep(60'000);
  happy_outcome outcome{};
  on_loop([&] { outcome = helper().races->stop(caller.id); });
  caller.finish();
  EXPECT_EQ(outcome.kind, HAPPY_STOPPED);
  ASSERT_GE(outcome.descriptor, 0);
  EXPECT_EQ(caller.seen.decided, 0);
  EXPECT_EQ(caller.ends[0].winner, race::AttemptId{2});
  EXPECT_EQ(caller.ends[0].endpoint, hole_);
  caller.expect_no_leak(outcome.descriptor);
}

TEST_F(RaceDriverTest, CancelClosesAllWithoutADecision) {
  Caller caller;
  caller.start({hole_, hole_too_}, {.attempt_delay = 10ms});
  usleep(30'000);
  on_loop([&] {
    helper().races->cancel(caller.id);
    helper().races->cancel(caller.id);
  });
  caller.finish();
  EXPECT_EQ(caller.seen.decided, 0);
  EXPECT_TRUE(caller.ends[0].cancelled);
  caller.expect_no_leak();
}

TEST_F(RaceDriverTest, RacesThatAreOverAreUnknown) {
  Caller caller;
  caller.start({good_, good_too_});
  caller.finish();
  on_loop([&] {
    helper().races->cancel(caller.id);
    helper().races->resolved(caller.id, {Family::kIpv4, {good_}});
    EXPECT_EQ(helper().races->stop(caller.id).descriptor, -1);
  });
  EXPECT_EQ(caller.seen.over, 1);
  caller.expect_no_leak();
}

TEST_F(RaceDriverTest, LateAnswerJoins) {
  Caller caller;
  caller.start({hole_}, {.attempt_delay = 10ms});
  usleep(20'000);
  on_loop([&] {
    helper().races->resolved(caller.id, {Family::kIpv4, {good_}});
  });
  caller.finish();
  ASSERT_EQ(caller.seen.outcome->kind, HAPPY_WON);
  EXPECT_EQ(peer_of(caller.seen.outcome->descriptor), good_);
  caller.expect_no_leak(caller.seen.outcome->descriptor);
}

TEST_F(RaceDriverTest, BlockingAttemptOneStaysBlocking) {
  const int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address;
  const socklen_t length = good_.to_sockaddr(&address);
  ASSERT_EQ(connect(own, reinterpret_cast<sockaddr*>(&address), length), 0);
  RaceCaller seen;
  on_loop([&] {
    RaceRequest request;
    request.begin.candidates = {good_, good_too_};
    request.context = &seen;
    request.attempt = own;
    helper().races->begin(Races::reserve(), std::move(request));
  });
  ASSERT_TRUE(seen.wait_over());
  EXPECT_EQ(fcntl(own, F_GETFL) & O_NONBLOCK, 0);
  close(own);
}

TEST_F(RaceDriverTest, TwoHundredAtOnceLeakNothing) {
  constexpr int kRaces = 200;
  const std::set<int> before = open_descriptors();
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < kRaces; ++i) {
    callers.push_back(std::make_unique<Caller>());
    const bool refuses = i % 2 == 0;
    callers.back()->start({refuses ? bad_ : hole_, hole_too_, good_},
                          {.attempt_delay = 20ms});
  }
  for (const auto& caller : callers) {
    ASSERT_TRUE(caller->seen.wait_over());
    ASSERT_EQ(caller->seen.outcome->kind, HAPPY_WON);
    EXPECT_EQ(peer_of(caller->seen.outcome->descriptor), good_);
    close(caller->seen.outcome->descriptor);
  }
  callers.clear();
  on_loop([] { EXPECT_EQ(helper().races->running(), 0u); });
  EXPECT_EQ(open_descriptors(), before);
}

// A figure for the log, and a bound that only a blunder would break.
TEST_F(RaceDriverTest, HelperTimeOfOneRaceIsSmall) {
  constexpr int kRaces = 500;
  const auto cpu = [] {
    timespec now{};
    on_loop([&now] { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); });
    return double(now.tv_sec) * 1e6 + double(now.tv_nsec) / 1e3;
  };
  const double before = cpu();
  for (int i = 0; i < kRaces; ++i) {
    Caller caller;
    caller.start({bad_, good_});
    ASSERT_TRUE(caller.seen.wait_over());
    close(caller.seen.outcome->descriptor);
  }
  const double each_us = (cpu() - before) / kRaces;
  RecordProperty("helper_us_per_race", std::to_string(each_us));
  printf("helper thread: %.1f us a race (first refuses, second wins)\n",
         each_us);
  EXPECT_LT(each_us, 5'000);
}

}  // namespace
}  // namespace happy::net
