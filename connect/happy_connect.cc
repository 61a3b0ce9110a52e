#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "connect/look_up.h"
#include "connect/process.h"
#include "connect/race.h"
#include "include/happy.h"

namespace happy::direct {
namespace {

using Connected = tl::expected<int, Failure>;

tl::unexpected<Failure> wrong(const std::string& why, int error = EINVAL) {
  return tl::unexpected(Failure{.error = error, .why = why});
}

// No forced unwinding through C++ frames, the engine's or ours.
class NoCancellation {
 public:
  NoCancellation() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_); }
  ~NoCancellation() { pthread_setcancelstate(state_, nullptr); }
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int state_ = 0;
};

// Options of another version: of an older one the rest are the defaults; of a
// newer one the rest must not be set.
tl::expected<happy_options, Failure> read(const happy_options* given) {
  happy_options out = happy_default_options();
  if (given == nullptr) return out;
  if (given->size < offsetof(happy_options, family))
    return wrong("the size of the options is wrong");
  const auto* const octets = reinterpret_cast<const char*>(given);
  const size_t known = std::min(given->size, sizeof out);
  if (std::any_of(octets + known, octets + given->size,
                  [](char octet) { return octet != 0; }))
    return wrong("options of a newer version are set", E2BIG);
  memcpy(&out, octets, known);
  out.size = sizeof out;
  return out;
}

bool is_valid(const happy_options& options) {
  const bool family = options.family == AF_UNSPEC ||
                      options.family == AF_INET || options.family == AF_INET6;
  return family && (options.flags & ~HAPPY_NONBLOCK) == 0 &&
         (options.ports != nullptr || options.port_count == 0);
}

tl::expected<std::vector<uint16_t>, Failure> ports_of(
    const char* service, const happy_options& options) {
  if (options.port_count != 0)
    return std::vector(options.ports, options.ports + options.port_count);
  if (service == nullptr) return wrong("neither a service nor a port");
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = AF_INET;
  const int eai = getaddrinfo(nullptr, service, &hints, &list);
  if (eai != 0) return wrong("no such service: " + std::string(service));
  const auto at = Endpoint::from_sockaddr(list->ai_addr, list->ai_addrlen);
  freeaddrinfo(list);
  return std::vector{at->port};
}

// As the options want it, still open.
void finish(int descriptor, const happy_options& options) {
  if ((options.flags & HAPPY_NONBLOCK) == 0)
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
  if (options.peer == nullptr) return;
  socklen_t length = sizeof *options.peer;
  *options.peer = {};
  getpeername(descriptor, reinterpret_cast<sockaddr*>(options.peer), &length);
}

Connected connect(const char* host, const char* service,
                  const happy_options& options) {
  if (host == nullptr) return wrong("no host");
  if (!is_valid(options)) return wrong("an option has a value that it cannot");
  auto ports = ports_of(service, options);
  if (!ports) return tl::unexpected(ports.error());
  if (engine() == nullptr) return wrong("broken installation", ENOTRECOVERABLE);
  std::optional<Duration> timeout;
  if (options.timeout_ms != 0)
    timeout = std::chrono::milliseconds(options.timeout_ms);
  const Patience patience(timeout, options.cancel);
  auto addresses = look_up(host, options.family, patience);
  if (!addresses) return tl::unexpected(addresses.error());
  return race({.addresses = *std::move(addresses),
               .ports = *std::move(ports),
               .attempt_ms = options.attempt_ms},
              patience);
}

void tell(const Failure& failure, const char* host,
          const happy_options& options) {
  if (options.lookup_error != nullptr)
    *options.lookup_error = failure.lookup_error;
  if (options.message == nullptr || options.message_size == 0) return;
  const std::string why =
      failure.why.empty() ? strerror(failure.error) : failure.why;
  const bool named = host != nullptr && *host != '\0';
  snprintf(options.message, options.message_size, "%s: %s",
           named ? host : "happy_connect", why.c_str());
}

int connect_and_tell(const char* host, const char* service,
                     const happy_options* given) {
  const auto options = read(given);
  if (!options) {
    errno = options.error().error;
    return -1;
  }
  if (options->lookup_error != nullptr) *options->lookup_error = 0;
  if (options->message != nullptr && options->message_size != 0)
    *options->message = '\0';
  const auto connected = connect(host, service, *options);
  if (connected) {
    finish(*connected, *options);
    return *connected;
  }
  tell(connected.error(), host, *options);
  errno = connected.error().error;
  return -1;
}

}  // namespace
}  // namespace happy::direct

#define HAPPY_API extern "C" __attribute__((visibility("default")))

HAPPY_API int happy_connect(const char* host, const char* service,
                            const happy_options* options) {
  const happy::direct::NoCancellation whole;
  try {
    return happy::direct::connect_and_tell(host, service, options);
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return -1;
  }
}

HAPPY_API void happy_set_trace(void (*line)(const char*, size_t, void*),
                               void* context) {
  happy::direct::set_trace(line, context);
}

HAPPY_API const char* happy_version() { return HAPPY_VERSION; }
