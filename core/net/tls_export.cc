// The C face of libhappy-tls.so: translates between tls_abi.h and Session, and
// lets no exception out, nor anything into GnuTLS once the process ends.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <new>
#include <string>
#include <utility>
#include <vector>

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

happy::tls::Authenticators authenticators(const happy_tls_config& config) {
  happy::tls::Authenticators wanted;
  if (config.auth_name) wanted.auth_name = config.auth_name;
  if (config.ca_file) wanted.ca_file = config.ca_file;
  if (config.pin_count)
    wanted.pins.assign(config.pins, config.pins + config.pin_count);
  wanted.unauthenticated = config.unauthenticated != 0;
  return wanted;
}

void tell(const std::string& text, char* why, size_t size) {
  if (why) snprintf(why, size, "%s", text.c_str());
}

happy_tls_session* open_session(const happy_tls_config* config,
                                int descriptor) {
  return guarded<happy_tls_session*>(nullptr, [&] {
    happy::tls::Authenticators wanted = authenticators(*config);
    std::unique_ptr<happy_tls_session> opened;
    if (wanted.auth_name.empty() && wanted.pins.empty() &&
        !wanted.unauthenticated)
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

int warm(const happy_tls_config* config, char* why, size_t size) {
  tell("", why, size);
  return guarded<int>(HAPPY_TLS_NO_TRUST_STORE, [&] {
    if (!config->auth_name) return HAPPY_TLS_OK;
    std::string error;
    if (happy::tls::trust_store(config->ca_file ? config->ca_file : "", &error))
      return HAPPY_TLS_OK;
    tell(error, why, size);
    return HAPPY_TLS_NO_TRUST_STORE;
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

// What `each` gets points into these.
void show_certificate(const happy::tls::Certificate& certificate, void* context,
                      void (*each)(void*, const happy_tls_certificate*)) {
  const std::string subject = certificate.subject(),
                    issuer = certificate.issuer();
  std::vector<std::string> names = certificate.dns_names();
  std::vector<const char*> pointers;
  for (std::string& name : names) {
    name = happy::tls::printable(name);
    pointers.push_back(name.c_str());
  }
  happy_tls_certificate out{};
  happy::tls::Sha256 digest{};
  out.has_key_sha256 = certificate.key_fingerprint(&digest) ? 1 : 0;
  std::copy(digest.begin(), digest.end(), out.key_sha256);
  digest = {};
  certificate.fingerprint(&digest);
  std::copy(digest.begin(), digest.end(), out.certificate_sha256);
  out.valid_from = certificate.valid_from();
  out.valid_until = certificate.valid_until();
  out.subject = subject.c_str();
  out.issuer = issuer.c_str();
  out.dns_names = pointers.data();
  out.dns_name_count = pointers.size();
  each(context, &out);
}

void certificates(const happy_tls_session* session, void* context,
                  void (*each)(void*, const happy_tls_certificate*)) {
  guarded(false, [&] {
    for (const auto& certificate : session->session.presented())
      show_certificate(certificate, context, each);
    return true;
  });
}

int judge(const happy_tls_session* session, const happy_tls_config* config,
          char* why, size_t size) {
  tell("", why, size);
  return guarded<int>(HAPPY_TLS_PROTOCOL, [&] {
    const auto verdict = happy::tls::authenticate(
        session->session.presented(), authenticators(*config), time(nullptr));
    tell(verdict.text, why, size);
    return verdict.failure;
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
    .certificates = certificates,
    .judge = judge,
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const happy_tls*
happy_tls_open(void) {
  return &kTable;
}
