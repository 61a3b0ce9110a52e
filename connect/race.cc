#include "connect/race.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "connect/process.h"

namespace happy::direct {
namespace {

using Connected = tl::expected<int, Failure>;

tl::unexpected<Failure> failed(int error) {
  return tl::unexpected(Failure{.error = error});
}

void close_if_open(int descriptor) {
  if (descriptor >= 0) close(descriptor);
}

// Reads the error that a socket keeps.
int error_of(int descriptor) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
    return errno;
  return error;
}

// A socket that is connecting or connected, with `error` EINPROGRESS; or that
// of a failed connect(2). -1: there is no socket.
int open_attempt(const sockaddr* address, socklen_t length, int* error) {
  const int descriptor =
      socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  *error = EINPROGRESS;  // of one that stands at once, the race says so
  if (descriptor < 0 || connect(descriptor, address, length) != 0)
    *error = errno;
  return descriptor;
}

// What the caller and the engine share. The engine's part ends with over(),
// which is when the caller wakes: until then attempt 1 has to stay open.
struct Shared {
  int wake = -1;
  int first = -1;  // attempt 1
  happy_outcome outcome{.kind = HAPPY_STOPPED, .descriptor = -1, .error = 0};

  Shared() = default;
  ~Shared() {
    close_if_open(wake);
    close_if_open(first);
    close_if_open(outcome.descriptor);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
};

using Context = std::shared_ptr<Shared>;

// The engine is done with it.
Connected outcome_of(Shared* shared) {
  const int other = std::exchange(shared->outcome.descriptor, -1);
  switch (shared->outcome.kind) {
    case HAPPY_WON:
      return other >= 0 ? other : std::exchange(shared->first, -1);
    case HAPPY_TIMED_OUT:
      return failed(ETIMEDOUT);
    default:
      break;
  }
  int error = shared->outcome.error;
  if (other >= 0) {
    error = error_of(other);
    close(other);
  } else if (error == 0 && shared->first >= 0) {
    error = error_of(shared->first);
  }
  return failed(error != 0 ? error : ECONNABORTED);
}

// Attempt 1 alone, where the engine can run no race.
Connected wait_alone(Shared* shared, int error, const Patience& patience) {
  if (error == EINPROGRESS) {
    error = patience.wait(shared->first, POLLOUT);
    if (error == 0) error = error_of(shared->first);
  }
  if (error != 0) return failed(error);
  return std::exchange(shared->first, -1);
}

Connected wait_for(uint64_t race, const Context& context,
                   const Patience& patience) {
  const int error = patience.wait(context->wake, POLLIN);
  if (error == 0) return outcome_of(context.get());
  happy_outcome left{};
  {
    const EngineCall call;
    engine()->race_stop(race, &left);
  }
  close_if_open(left.descriptor);
  return failed(error);
}

happy_plan* plan_for(const Endpoint& endpoint, const RaceWish& wish) {
  const happy_wish asked{.ports = wish.ports.data(),
                         .port_count = wish.ports.size(),
                         .attempt_ms = wish.attempt_ms,
                         .connect_ms = 0};
  constexpr unsigned kBothFamilies = 3;
  sockaddr_storage address;
  const socklen_t length = endpoint.to_sockaddr(&address);
  const char* why = nullptr;
  const EngineCall call;
  return engine()->plan(reinterpret_cast<const sockaddr*>(&address), length,
                        kBothFamilies, &asked, &why);
}

// The race that begins with the endpoint.
Connected race_from(const Endpoint& endpoint, const RaceWish& wish,
                    const Patience& patience) {
  happy_plan* const plan = plan_for(endpoint, wish);
  const auto drop_plan = [plan] {
    const EngineCall call;
    if (plan != nullptr) engine()->plan_release(plan);
  };
  if (plan != nullptr && plan->fail_with != 0) {
    // The race that has just failed had it.
    const int error = plan->fail_with;
    drop_plan();
    return failed(error);
  }
  const auto context = std::make_shared<Shared>();
  context->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  sockaddr_storage address;
  const socklen_t length = endpoint.to_sockaddr(&address);
  int error = 0;
  context->first =
      open_attempt(reinterpret_cast<const sockaddr*>(&address), length, &error);
  if (plan == nullptr || context->wake < 0) {
    drop_plan();
    return wait_alone(context.get(), error, patience);
  }
  int all_failed = 0;
  uint64_t number = 0;
  auto* const engines = new Context(context);  // until over()
  {
    const EngineCall call;
    number =
        engine()->race_start(plan, engines, context->first,
                             error == EINPROGRESS ? 0 : error, 0, &all_failed);
  }
  if (number != 0) return wait_for(number, context, patience);
  delete engines;
  if (all_failed != 0) return failed(error);
  return wait_alone(context.get(), error, patience);
}

}  // namespace

int Race::attempt_open(void*, const sockaddr* address, socklen_t length,
                       int* error) {
  return open_attempt(address, length, error);
}

void Race::decided(void* context, const happy_outcome* outcome) {
  (*static_cast<Context*>(context))->outcome = *outcome;
}

void Race::over(void* context) {
  const std::unique_ptr<Context> engines(static_cast<Context*>(context));
  eventfd_write((*engines)->wake, 1);
}

// One race holds them all, unless the policy has disabled races; and those that
// it held fail at once when they are asked for again (engine.h, fail_with).
Connected race(const RaceWish& wish, const Patience& patience) {
  Connected last = failed(ENOENT);
  for (const IpAddress& address : wish.addresses) {
    last = race_from({address, wish.ports.front()}, wish, patience);
    if (last) return last;
    const int error = last.error().error;
    if (error == ECANCELED || patience.is_over()) return last;
  }
  return last;
}

}  // namespace happy::direct
