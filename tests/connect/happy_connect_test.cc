// happy_connect(3) as a program that links the library calls it, without a
// policy, on the loopback: arguments, sockets, time-outs, threads and forks.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/base/ip.h"
#include "include/happy.h"
#include "tests/lab/sockets.h"

namespace happy {
namespace {

using lab::Descriptor;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr auto kLoopback = "127.0.0.1";

long open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

class HappyConnect : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // No policy of this machine, nothing of other processes.
    for (const char* name : {"HAPPY_POLICY", "HAPPY_TRACE", "XDG_RUNTIME_DIR"})
      unsetenv(name);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    setenv("HAPPY_STATE", "off", 1);
  }

  HappyConnect() {
    options_.message = message_;
    options_.message_size = sizeof message_;
    options_.peer = &peer_;
    options_.lookup_error = &lookup_error_;
  }

  Descriptor connect(const std::string& host, uint16_t port) {
    return Descriptor(
        happy_connect(host.c_str(), std::to_string(port).c_str(), &options_));
  }
  std::string peer() const {
    const auto at = Endpoint::from_sockaddr(
        reinterpret_cast<const sockaddr*>(&peer_), sizeof peer_);
    return at ? at->to_string() : "";
  }

  happy_options options_ = happy_default_options();
  char message_[200] = "?";
  int lookup_error_ = -1;
  sockaddr_storage peer_{};
  const uint16_t port_ = lab::likely_free_port();
};

Descriptor serve(const char* address, uint16_t port,
                 lab::Listening how = lab::Listening::kOpen) {
  return lab::listen_on({*IpAddress::parse(address), port}, how);
}

TEST_F(HappyConnect, GivesAConnectedBlockingSocketThatExecCloses) {
  const Descriptor server = serve(kLoopback, port_);
  const Descriptor socket = connect(kLoopback, port_);
  ASSERT_TRUE(socket.open()) << message_;
  EXPECT_EQ(fcntl(socket.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(fcntl(socket.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(peer(), "127.0.0.1:" + std::to_string(port_));
  EXPECT_STREQ(message_, "");
  EXPECT_EQ(lookup_error_, 0);
  EXPECT_EQ(send(socket.get(), "x", 1, MSG_NOSIGNAL), 1);
}

TEST_F(HappyConnect, NeedsNoOptions) {
  const Descriptor server = serve(kLoopback, port_);
  const std::string service = std::to_string(port_);
  EXPECT_TRUE(
      Descriptor(happy_connect(kLoopback, service.c_str(), nullptr)).open());
}

TEST_F(HappyConnect, CanGiveANonBlockingSocket) {
  const Descriptor server = serve(kLoopback, port_);
  options_.flags = HAPPY_NONBLOCK;
  const Descriptor socket = connect(kLoopback, port_);
  ASSERT_TRUE(socket.open());
  EXPECT_EQ(fcntl(socket.get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

TEST_F(HappyConnect, ResolvesNames) {
  const Descriptor server = serve(kLoopback, port_);
  EXPECT_TRUE(connect("localhost", port_).open()) << message_;
  EXPECT_THAT(peer(), StartsWith("127.0.0.1:"));
}

TEST_F(HappyConnect, KeepsToTheFamily) {
  const Descriptor server = serve("::1", port_);
  options_.family = AF_INET;
  EXPECT_FALSE(connect("localhost", port_).open());
  EXPECT_EQ(errno, ECONNREFUSED);
  EXPECT_FALSE(connect("::1", port_).open());
  EXPECT_EQ(errno, ENOENT);
  options_.family = AF_INET6;
  EXPECT_TRUE(connect("::1", port_).open()) << message_;
}

TEST_F(HappyConnect, RacesPortsInTheirOrder) {
  const Descriptor first = serve(kLoopback, port_);
  const uint16_t nobody = lab::likely_free_port();
  const uint16_t ports[] = {nobody, port_};
  options_.ports = ports;
  options_.port_count = 2;
  EXPECT_TRUE(Descriptor(happy_connect(kLoopback, nullptr, &options_)).open())
      << message_;
  EXPECT_EQ(peer(), "127.0.0.1:" + std::to_string(port_));
}

// The same name, another port, while the first one hangs.
TEST_F(HappyConnect, PortsDoNotWaitForOneThatIsSilent) {
  const Descriptor silent = serve(kLoopback, port_, lab::Listening::kBlackHole);
  const uint16_t other = lab::likely_free_port();
  const Descriptor good = serve(kLoopback, other);
  const uint16_t ports[] = {port_, other};
  options_.ports = ports;
  options_.port_count = 2;
  const auto begun = steady_clock::now();
  EXPECT_TRUE(Descriptor(happy_connect(kLoopback, nullptr, &options_)).open());
  EXPECT_LT(steady_clock::now() - begun, 5s);
  EXPECT_EQ(peer(), "127.0.0.1:" + std::to_string(other));
}

TEST_F(HappyConnect, SaysWhyThereIsNoConnection) {
  EXPECT_FALSE(connect(kLoopback, port_).open());
  EXPECT_EQ(errno, ECONNREFUSED);
  EXPECT_STREQ(message_, "127.0.0.1: Connection refused");
  EXPECT_EQ(lookup_error_, 0);
}

TEST_F(HappyConnect, SaysThatThereIsNoSuchName) {
  EXPECT_FALSE(connect("a name with blanks", port_).open());
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(lookup_error_, EAI_NONAME);
  EXPECT_THAT(message_, StartsWith("a name with blanks: "));
}

TEST_F(HappyConnect, EndsWhenItsTimeHasPassed) {
  const Descriptor silent = serve(kLoopback, port_, lab::Listening::kBlackHole);
  options_.timeout_ms = 200;
  const auto begun = steady_clock::now();
  EXPECT_FALSE(connect(kLoopback, port_).open());
  EXPECT_EQ(errno, ETIMEDOUT);
  EXPECT_GE(steady_clock::now() - begun, 200ms);
  EXPECT_LT(steady_clock::now() - begun, 5s);
}

TEST_F(HappyConnect, BoundsOneAttempt) {
  const Descriptor silent = serve(kLoopback, port_, lab::Listening::kBlackHole);
  options_.attempt_ms = 200;
  options_.timeout_ms = 20000;
  const auto begun = steady_clock::now();
  EXPECT_FALSE(connect(kLoopback, port_).open());
  EXPECT_EQ(errno, ETIMEDOUT);
  EXPECT_LT(steady_clock::now() - begun, 10s);
}

TEST_F(HappyConnect, CanBeCancelledFromAnotherThread) {
  const Descriptor silent = serve(kLoopback, port_, lab::Listening::kBlackHole);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  options_.cancel = from.get();
  std::thread canceller([&] { to.reset(); });  // a hang-up will do
  EXPECT_FALSE(connect(kLoopback, port_).open());
  EXPECT_EQ(errno, ECANCELED);
  canceller.join();
}

// A program's timers are its own matter.
TEST_F(HappyConnect, IsNotEndedBySignals) {
  static volatile sig_atomic_t alarms = 0;
  struct sigaction act {};
  act.sa_handler = [](int) { alarms = alarms + 1; };  // without SA_RESTART
  sigaction(SIGALRM, &act, nullptr);
  const itimerval often{.it_interval = {.tv_sec = 0, .tv_usec = 10'000},
                        .it_value = {.tv_sec = 0, .tv_usec = 10'000}};
  const Descriptor silent = serve(kLoopback, port_, lab::Listening::kBlackHole);
  options_.timeout_ms = 300;
  setitimer(ITIMER_REAL, &often, nullptr);
  EXPECT_FALSE(connect(kLoopback, port_).open());
  EXPECT_EQ(errno, ETIMEDOUT);
  const itimerval off{};
  setitimer(ITIMER_REAL, &off, nullptr);
  EXPECT_GT(alarms, 0);
}

TEST_F(HappyConnect, RefusesWrongArguments) {
  EXPECT_EQ(happy_connect(nullptr, "80", &options_), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(happy_connect(kLoopback, nullptr, &options_), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(happy_connect(kLoopback, "no such service", &options_), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_THAT(message_, HasSubstr("no such service"));
  happy_options wrong = happy_default_options();
  wrong.family = AF_UNIX;
  EXPECT_EQ(happy_connect(kLoopback, "80", &wrong), -1);
  EXPECT_EQ(errno, EINVAL);
  wrong = happy_default_options();
  wrong.port_count = 1;
  EXPECT_EQ(happy_connect(kLoopback, "80", &wrong), -1);
  EXPECT_EQ(errno, EINVAL);
  wrong = {};
  EXPECT_EQ(happy_connect(kLoopback, "80", &wrong), -1);
  EXPECT_EQ(errno, EINVAL);
}

// Programs built with another version of the header.
TEST_F(HappyConnect, TakesOptionsOfOtherSizes) {
  const Descriptor server = serve(kLoopback, port_);
  const std::string service = std::to_string(port_);
  struct {
    happy_options known;
    int of_later;
  } newer;
  memset(&newer, 0, sizeof newer);  // padding, too
  newer.known = happy_default_options();
  newer.known.size = sizeof newer;
  const auto try_newer = [&] {
    return Descriptor(happy_connect(kLoopback, service.c_str(), &newer.known));
  };
  EXPECT_TRUE(try_newer().open());
  newer.of_later = 1;
  EXPECT_FALSE(try_newer().open());
  EXPECT_EQ(errno, E2BIG);
  happy_options older = happy_default_options();
  older.size = offsetof(happy_options, timeout_ms);
  EXPECT_TRUE(
      Descriptor(happy_connect(kLoopback, service.c_str(), &older)).open());
}

TEST_F(HappyConnect, LeavesNoDescriptorBehind) {
  const Descriptor server = serve(kLoopback, port_);
  const Descriptor silent =
      serve("127.0.0.2", port_, lab::Listening::kBlackHole);
  options_.timeout_ms = 50;
  const auto all_kinds = [&] {
    EXPECT_TRUE(connect("localhost", port_).open());
    EXPECT_FALSE(connect("127.0.0.2", port_).open());
    EXPECT_FALSE(connect("127.0.0.3", port_).open());
  };
  all_kinds();  // the engine opens its own
  const long before = open_descriptors();
  for (int i = 0; i < 20; ++i) all_kinds();
  // The helper thread closes what is left in its next turn.
  for (int i = 0; i < 500 && open_descriptors() > before; ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_LE(open_descriptors(), before);
}

TEST_F(HappyConnect, ServesManyThreads) {
  const Descriptor server = serve(kLoopback, port_);
  std::atomic<int> connected = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([&] {
      const std::string service = std::to_string(port_);
      for (int n = 0; n < 20; ++n)
        connected +=
            Descriptor(happy_connect("localhost", service.c_str(), nullptr))
                .open();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(connected, 16 * 20);
}

TEST_F(HappyConnect, WorksInTheChildOfAFork) {
  const Descriptor server = serve(kLoopback, port_);
  EXPECT_TRUE(connect("localhost", port_).open());
  const pid_t child = fork();
  if (child == 0) _exit(connect("localhost", port_).open() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(connect("localhost", port_).open()) << "and in the parent";
}

struct Trace {
  std::mutex mutex;
  std::vector<std::string> events;
};

TEST_F(HappyConnect, TellsWhatHappens) {
  Trace trace;
  happy_set_trace(
      [](const char* json, size_t length, void* context) {
        auto* const out = static_cast<Trace*>(context);
        const std::lock_guard lock(out->mutex);
        const auto event =
            nlohmann::json::parse(json, json + length, nullptr, false);
        out->events.push_back(event.value("event", "?"));
      },
      &trace);
  const Descriptor server = serve(kLoopback, port_);
  EXPECT_TRUE(connect(kLoopback, port_).open());
  happy_set_trace(nullptr, nullptr);
  const std::lock_guard lock(trace.mutex);
  EXPECT_THAT(trace.events,
              ElementsAre("answer", "race_start", "attempt_start", "race_end"));
}

TEST(HappyVersion, IsThatOfTheProject) {
  EXPECT_STREQ(happy_version(), HAPPY_VERSION);
}

}  // namespace
}  // namespace happy
