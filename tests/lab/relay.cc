#include "tests/lab/relay.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

Time now() {
  return std::chrono::time_point_cast<Duration>(
      std::chrono::steady_clock::now());
}

}  // namespace

Relay::Relay(Descriptor client, Descriptor server,
             std::map<IpAddress, Path> paths, unsigned seed)
    : client_(std::move(client)),
      server_(std::move(server)),
      stop_(check(eventfd(0, EFD_CLOEXEC), "eventfd")),
      timer_(check(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                   "timerfd_create")),
      paths_(std::move(paths)),
      random_(seed) {
  thread_ = std::thread([this] { serve(); });
}

Relay::~Relay() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void Relay::serve() {
  prctl(PR_SET_TIMERSLACK, 1UL);  // ns; 50 µs are the default
  std::array<pollfd, 4> polled{{{client_.get(), POLLIN, 0},
                                {server_.get(), POLLIN, 0},
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
  const int tun = (from_client ? client_ : server_).get();
  std::vector<uint8_t> buffer(65536);
  while (true) {
    const ssize_t got = read(tun, buffer.data(), buffer.size());
    if (got <= 0) return;
    take({buffer.begin(), buffer.begin() + got}, from_client);
  }
}

void Relay::take(std::vector<uint8_t> raw, bool from_client) {
  auto packet = parse_packet(raw);
  if (!packet) return;
  packet->from_client = from_client;
  packet->sent = now();
  const size_t number = log_.add(*packet);
  const IpAddress far =
      (from_client ? packet->destination : packet->source).address;
  const auto found = paths_.find(far);
  const Path path = found == paths_.end() ? Path{} : found->second;
  if (path.black_hole) return;
  std::uniform_real_distribution<double> chance(0, 1);
  if (chance(random_) < path.loss) return;
  std::uniform_int_distribution<Duration::rep> extra(0, path.jitter.count());
  Time due = packet->sent + path.rtt / 2 + Duration(extra(random_));
  Time& last = last_due_[{far, from_client}];
  due = last = std::max(due, last);
  waiting_.push({due, number, from_client, std::move(raw)});
}

void Relay::deliver_due() {
  while (!waiting_.empty() && waiting_.top().due <= now()) {
    const Waiting& next = waiting_.top();
    const int tun = (next.from_client ? server_ : client_).get();
    // Noted first: the receiver's answer must not be older than what it got.
    log_.delivered(next.number, now());
    (void)!write(tun, next.raw.data(), next.raw.size());
    waiting_.pop();
  }
}

void Relay::arm_timer() {
  itimerspec when{};
  if (!waiting_.empty()) {
    const auto due = waiting_.top().due.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(due);
    when.it_value.tv_sec = seconds.count();
    when.it_value.tv_nsec = std::chrono::nanoseconds(due - seconds).count();
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace happy::lab
