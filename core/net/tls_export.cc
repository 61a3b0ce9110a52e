// The C face of libhappy-tls.so: translates between tls_abi.h and Session, and
// lets no exception out.
#include <new>
#include <utility>

#include "core/net/tls_abi.h"
#include "core/net/tls_session.h"
#include "core/net/tls_trust.h"

struct happy_tls_session {
  happy::tls::Session session;
};

namespace {

happy_tls_session* open_session(const happy_tls_config* config,
                                int descriptor) try {
  happy::tls::Authenticators wanted;
  if (config->auth_name) wanted.auth_name = config->auth_name;
  if (config->ca_file) wanted.ca_file = config->ca_file;
  if (config->pin_count)
    wanted.pins.assign(config->pins, config->pins + config->pin_count);
  if (wanted.auth_name.empty() && wanted.pins.empty()) return nullptr;
  // No make_unique: happy_tls_session is an aggregate.
  std::unique_ptr<happy_tls_session> opened(  // NOLINT(modernize-make-unique)
      new happy_tls_session{{std::move(wanted), descriptor}});
  return opened->session.usable() ? opened.release() : nullptr;
} catch (const std::bad_alloc&) {
  return nullptr;
}

void warm(const happy_tls_config* config) try {
  if (!config->auth_name) return;
  std::string error;
  happy::tls::trust_store(config->ca_file ? config->ca_file : "", &error);
} catch (const std::bad_alloc&) {
}

void close_session(happy_tls_session* session) { delete session; }

int handshake(happy_tls_session* session) try {
  return session->session.handshake();
} catch (const std::bad_alloc&) {
  return HAPPY_TLS_FAILED;
}

int read(happy_tls_session* session, void* data, size_t size,
         size_t* moved) try {
  return session->session.read(data, size, moved);
} catch (const std::bad_alloc&) {
  return HAPPY_TLS_FAILED;
}

int write(happy_tls_session* session, const void* data, size_t size,
          size_t* moved) try {
  return session->session.write(data, size, moved);
} catch (const std::bad_alloc&) {
  return HAPPY_TLS_FAILED;
}

void bye(happy_tls_session* session) { session->session.bye(); }

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
  session->session.info(out);
}

constexpr happy_tls kTable = {
    .abi = HAPPY_TLS_ABI,
    .warm = warm,
    .open = open_session,
    .close = close_session,
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
