// The C face of libhappy-tls.so: translates between tls_abi.h and Session, and
// lets no exception out, nor anything into GnuTLS once the process ends.
#include <new>
#include <utility>

#include "core/net/tls_abi.h"
#include "core/net/tls_exit_gate.h"
#include "core/net/tls_session.h"
#include "core/net/tls_trust.h"

struct happy_tls_session {
  happy::tls::Session session;
  happy_tls_session* next_left = nullptr;
};

namespace {

constinit happy::tls::ExitGate exit_gate;

// Runs before the destructors of what this library is linked with. A step of a
// handshake takes 1 ms, reading a bundle of certificates 30.
__attribute__((destructor)) void shut_exit_gate() {
  exit_gate.shut(std::chrono::seconds(1));
}

// One call into the library: `use` unless the process is ending, or memory is.
template <typename Result, typename Use>
Result guarded(Result otherwise, Use use) {
  if (!exit_gate.enter()) return otherwise;
  Result result = otherwise;
  try {
    result = use();
  } catch (const std::bad_alloc&) {
  }
  exit_gate.leave();
  return result;
}

happy_tls_session* open_session(const happy_tls_config* config,
                                int descriptor) {
  return guarded<happy_tls_session*>(nullptr, [&] {
    happy::tls::Authenticators wanted;
    if (config->auth_name) wanted.auth_name = config->auth_name;
    if (config->ca_file) wanted.ca_file = config->ca_file;
    if (config->pin_count)
      wanted.pins.assign(config->pins, config->pins + config->pin_count);
    wanted.unauthenticated = config->unauthenticated != 0;
    std::unique_ptr<happy_tls_session> opened;
    if (wanted.auth_name.empty() && wanted.pins.empty())
      return opened.release();
    const std::string_view peer(static_cast<const char*>(config->peer),
                                config->peer_size);
    // No make_unique: happy_tls_session is an aggregate.
    opened.reset(  // NOLINT(modernize-make-unique)
        new happy_tls_session{
            {std::move(wanted), descriptor, peer, config->tickets}, nullptr});
    if (!opened->session.usable()) opened.reset();
    return opened.release();
  });
}

void warm(const happy_tls_config* config) {
  guarded(false, [&] {
    if (!config->auth_name) return false;
    std::string error;
    happy::tls::trust_store(config->ca_file ? config->ca_file : "", &error);
    return true;
  });
}

// What is to be closed when the process has ended already stays open, and
// known: it is no leak.
void close_session(happy_tls_session* session) {
  static constinit happy_tls_session* left = nullptr;
  const bool closed = guarded(false, [&] {
    delete session;
    return true;
  });
  if (closed) return;
  session->next_left = left;
  left = session;
}

size_t early_room(const happy_tls_session* session) {
  return guarded<size_t>(0, [&] { return session->session.early_room(); });
}

void write_early(happy_tls_session* session, const void* data, size_t size) {
  guarded(false, [&] {
    session->session.write_early(data, size);
    return true;
  });
}

int early_taken(const happy_tls_session* session) {
  return guarded<int>(0,
                      [&] { return session->session.early_taken() ? 1 : 0; });
}

void prepare(happy_tls_session* session) {
  guarded(false, [&] {
    session->session.prepare();
    return true;
  });
}

int handshake(happy_tls_session* session) {
  return guarded<int>(HAPPY_TLS_FAILED,
                      [&] { return session->session.handshake(); });
}

int read(happy_tls_session* session, void* data, size_t size, size_t* moved) {
  return guarded<int>(HAPPY_TLS_FAILED,
                      [&] { return session->session.read(data, size, moved); });
}

int write(happy_tls_session* session, const void* data, size_t size,
          size_t* moved) {
  return guarded<int>(HAPPY_TLS_FAILED, [&] {
    return session->session.write(data, size, moved);
  });
}

void bye(happy_tls_session* session) {
  guarded(false, [&] {
    session->session.bye();
    return true;
  });
}

int failure(const happy_tls_session* session) {
  return session->session.failure();
}

const char* failure_text(const happy_tls_session* session) {
  return session->session.failure_text();
}

int offered_ticket(const happy_tls_session* session) {
  return session->session.offered_ticket() ? 1 : 0;
}

void info(const happy_tls_session* session, happy_tls_info* out) {
  *out = {};
  guarded(false, [&] {
    session->session.info(out);
    return true;
  });
}

constexpr happy_tls kTable = {
    .abi = HAPPY_TLS_ABI,
    .warm = warm,
    .open = open_session,
    .close = close_session,
    .early_room = early_room,
    .write_early = write_early,
    .early_taken = early_taken,
    .prepare = prepare,
    .handshake = handshake,
    .read = read,
    .write = write,
    .bye = bye,
    .failure = failure,
    .failure_text = failure_text,
    .info = info,
    .offered_ticket = offered_ticket,
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const happy_tls*
happy_tls_open(void) {
  return &kTable;
}
