#include "connect/patience.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <system_error>
#include <thread>

#include "connect/process.h"

namespace happy::direct {
namespace {

// What the thread and who waits for it share; the last one closes it.
struct Background {
  Background(int descriptor, std::function<void()> to_do)
      : done(descriptor), work(std::move(to_do)) {}
  ~Background() { close(done); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  const int done;
  const std::function<void()> work;
};

int milliseconds_until(const std::optional<Time>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      *deadline - net::monotonic_now());
  return static_cast<int>(std::clamp<long long>(left.count(), 0, INT_MAX));
}

}  // namespace

Patience::Patience(std::optional<Duration> timeout, int cancel)
    : cancel_(cancel) {
  if (timeout) deadline_ = net::monotonic_now() + *timeout;
}

int Patience::wait(int descriptor, short events) const {
  pollfd watched[] = {{.fd = descriptor, .events = events, .revents = 0},
                      {.fd = cancel_, .events = POLLIN, .revents = 0}};
  int ready = 0;
  do {
    ready = poll(watched, 2, milliseconds_until(deadline_));
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return errno;
  // What is there counts more than that it came late.
  if (watched[0].revents != 0) return 0;
  return watched[1].revents != 0 ? ECANCELED : ETIMEDOUT;
}

bool Patience::is_over() const { return milliseconds_until(deadline_) == 0; }

int Patience::run(std::function<void()> work) const {
  const int done = eventfd(0, EFD_CLOEXEC);
  if (done < 0) return errno;
  const auto background = std::make_shared<Background>(done, std::move(work));
  try {
    const EngineCall call;  // new threads inherit the signal mask
    std::thread([background] {
      background->work();
      eventfd_write(background->done, 1);
    }).detach();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return wait(done, POLLIN);
}

}  // namespace happy::direct
