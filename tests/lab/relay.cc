#include "tests/lab/relay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

Time now() {
  return std::chrono::time_point_cast<Duration>(
      std::chrono::steady_clock::now());
}

}  // namespace

Relay::Relay(Link client, Link server, WireWish wish)
    : client_(std::move(client)),
      server_(std::move(server)),
      stop_(check(eventfd(0, EFD_CLOEXEC), "eventfd")),
      timer_(check(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                   "timerfd_create")),
      wire_(std::move(wish)) {
  thread_ = std::thread([this] { serve(); });
}

Relay::~Relay() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void Relay::serve() {
  prctl(PR_SET_TIMERSLACK, 1UL);  // ns; 50 µs are the default
  std::array<pollfd, 4> polled{{{client_.descriptor(), POLLIN, 0},
                                {server_.descriptor(), POLLIN, 0},
                                {timer_.get(), POLLIN, 0},
                                {stop_.get(), POLLIN, 0}}};
  while (true) {
    poll(polled.data(), polled.size(), -1);
    if (polled[3].revents != 0) return;
    if (uint64_t expirations; polled[2].revents != 0)
      (void)!read(timer_.get(), &expirations, sizeof expirations);
    if (polled[0].revents != 0) read_all(true);
    if (polled[1].revents != 0) read_all(false);
    deliver_due();
    arm_timer();
  }
}

void Relay::read_all(bool from_client) {
  while (auto raw = (from_client ? client_ : server_).read())
    wire_.take(std::move(*raw), from_client, now());
}

void Relay::deliver_due() {
  // Logged first: the receiver's answer must not be older than what it got.
  while (const auto next = wire_.deliver(now()))
    (next->to_client ? client_ : server_).write(next->raw);
}

void Relay::arm_timer() {
  itimerspec when{};
  if (const auto next = wire_.next()) {
    const auto due = next->time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(due);
    when.it_value.tv_sec = seconds.count();
    when.it_value.tv_nsec = std::chrono::nanoseconds(due - seconds).count();
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace happy::lab
