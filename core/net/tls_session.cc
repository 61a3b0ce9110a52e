#include "core/net/tls_session.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/net/tls_tickets.h"

namespace happy::tls {
namespace {

// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only
// (RFC 9325 section 4). SAFE_RENEGOTIATION: a TLS 1.2 server must have RFC
// 5746, or an attacker could splice our session onto his.
constexpr char kPriorities[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:"
    "+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:+SIGN-ALL:-SIGN-RSA-SHA1:"
    "-SIGN-ECDSA-SHA1:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
    "+CTYPE-SRV-X509:+CTYPE-CLI-X509:%SAFE_RENEGOTIATION";

constexpr unsigned kInitFlags =
    GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;

void copy_text(char* out, size_t size, const char* text) {
  snprintf(out, size, "%s", text ? text : "");
}

}  // namespace

Session::Session(Authenticators wanted, int descriptor, std::string_view peer,
                 const happy_tls_tickets* tickets)
    : wanted_(std::move(wanted)), descriptor_(descriptor), tickets_(tickets) {
  if (!set_up(peer)) session_.reset();
}

Session::~Session() {
  if (offered_ticket_ && !has_sent_)
    tls::keep_ticket(ticket_key_, std::move(ticket_), tickets_);
}

bool Session::set_up(std::string_view peer) {
  gnutls_certificate_credentials_t credentials = nullptr;
  if (gnutls_certificate_allocate_credentials(&credentials) != 0) return false;
  credentials_.reset(credentials);
  gnutls_session_t session = nullptr;
  if (gnutls_init(&session, kInitFlags) != 0) return false;
  session_.reset(session);

  static constexpr unsigned char kDot[] = {'d', 'o', 't'};
  const gnutls_datum_t alpn{const_cast<unsigned char*>(kDot), sizeof kDot};
  if (gnutls_priority_set_direct(session, kPriorities, nullptr) != 0 ||
      gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) !=
          0 ||
      gnutls_alpn_set_protocols(session, &alpn, 1, 0) != 0)
    return false;
  const std::string& name = wanted_.auth_name;
  if (!name.empty() && gnutls_server_name_set(session, GNUTLS_NAME_DNS,
                                              name.data(), name.size()) != 0)
    return false;
  gnutls_transport_set_ptr(session, this);
  gnutls_transport_set_pull_function(session, &Session::pull);
  gnutls_transport_set_push_function(session, &Session::push);
  offer_ticket(peer);
  return true;
}

// A resumed session is as authentic as the one that the ticket came from: who
// can use it holds that one's secret. The chain of then is judged again anyway,
// so that dates are looked at.
void Session::offer_ticket(std::string_view peer) {
  ticket_key_ = ticket_key(wanted_, peer);
  ticket_ = take_ticket(ticket_key_, tickets_);
  if (ticket_.empty()) return;
  offered_ticket_ = gnutls_session_set_data(session_.get(), ticket_.data(),
                                            ticket_.size()) == 0;
}

// Only where GnuTLS says that a ticket is in: under TLS 1.3 the call would wait
// for the network else.
void Session::keep_ticket() {
  if (kept_ticket_ || (gnutls_session_get_flags(session_.get()) &
                       GNUTLS_SFLAGS_SESSION_TICKET) == 0)
    return;
  gnutls_datum_t data{};
  if (gnutls_session_get_data2(session_.get(), &data) != 0) return;
  kept_ticket_ = true;
  tls::keep_ticket(ticket_key_,
                   {reinterpret_cast<const char*>(data.data), data.size},
                   tickets_);
  gnutls_free(data.data);
}

ssize_t Session::pull(gnutls_transport_ptr_t self, void* data, size_t size) {
  auto* session = static_cast<Session*>(self);
  if (session->preparing_) {  // not connected: an error there is not to be read
    gnutls_transport_set_errno(session->session_.get(), EAGAIN);
    return -1;
  }
  ssize_t count;
  do {
    count = recv(session->descriptor_, data, size, 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    session->dry_ = errno == EAGAIN || errno == EWOULDBLOCK;
    if (!session->dry_) session->transport_errno_ = errno;
    gnutls_transport_set_errno(session->session_.get(), errno);
  }
  return count;
}

ssize_t Session::push(gnutls_transport_ptr_t self, const void* data,
                      size_t size) {
  auto* session = static_cast<Session*>(self);
  if (session->preparing_) {
    session->prepared_.append(static_cast<const char*>(data), size);
    return static_cast<ssize_t>(size);
  }
  const ssize_t count = session->send(data, size);
  if (count < 0) gnutls_transport_set_errno(session->session_.get(), errno);
  return count;
}

ssize_t Session::send(const void* data, size_t size) {
  has_sent_ = true;
  ssize_t count;
  do {
    count = ::send(descriptor_, data, size, MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
    transport_errno_ = errno;
  return count;
}

size_t Session::early_room() const {
  return offered_ticket_ ? gnutls_record_get_max_early_data_size(session_.get())
                         : 0;
}

// GnuTLS holds it until it makes the first message.
void Session::write_early(const void* data, size_t size) {
  gnutls_record_send_early_data(session_.get(), data, size);
}

bool Session::early_taken() const {
  return (gnutls_session_get_flags(session_.get()) &
          GNUTLS_SFLAGS_EARLY_DATA) != 0;
}

// Makes the keys and the first flight, which is held here until it can be sent:
// GnuTLS' own way, EAGAIN, makes it take the keys of early data twice. What
// fails here fails again in handshake().
void Session::prepare() {
  preparing_ = true;
  gnutls_handshake(session_.get());
  preparing_ = false;
}

happy_tls_state Session::send_prepared() {
  while (!prepared_.empty()) {
    const ssize_t count = send(prepared_.data(), prepared_.size());
    if (count > 0)
      prepared_.erase(0, static_cast<size_t>(count));
    else if (transport_errno_ == 0)
      return HAPPY_TLS_WANT_WRITE;
    else
      return ended(GNUTLS_E_PUSH_ERROR, "during the TLS handshake");
  }
  return HAPPY_TLS_READY;
}

happy_tls_state Session::handshake() {
  if (phase_ == Phase::kAuthenticated) return HAPPY_TLS_READY;
  if (phase_ == Phase::kEnded) return HAPPY_TLS_FAILED;
  const happy_tls_state sent = send_prepared();
  if (sent != HAPPY_TLS_READY) return sent;
  for (;;) {
    dry_ = false;
    const int result = gnutls_handshake(session_.get());
    if (result == 0) return authenticated();
    if (result == GNUTLS_E_WARNING_ALERT_RECEIVED ||
        result == GNUTLS_E_INTERRUPTED)
      continue;
    if (result == GNUTLS_E_AGAIN) {
      if (gnutls_record_get_direction(session_.get()))
        return HAPPY_TLS_WANT_WRITE;
      if (dry_) return HAPPY_TLS_WANT_READ;
      continue;
    }
    return ended(result, "during the TLS handshake");
  }
}

happy_tls_state Session::authenticated() {
  verdict_ =
      authenticate(presented_chain(session_.get()), wanted_, time(nullptr));
  if (verdict_.failure == HAPPY_TLS_OK) {
    phase_ = Phase::kAuthenticated;
    keep_ticket();  // TLS 1.2 has it by now
    return HAPPY_TLS_READY;
  }
  // Tells the server's operator why; not a matter for waiting.
  gnutls_alert_send(session_.get(), GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
  phase_ = Phase::kEnded;
  return HAPPY_TLS_FAILED;
}

happy_tls_state Session::read(void* data, size_t size, size_t* moved) {
  *moved = 0;
  if (phase_ != Phase::kAuthenticated) return HAPPY_TLS_FAILED;
  for (;;) {
    dry_ = false;
    const ssize_t result = gnutls_record_recv(session_.get(), data, size);
    keep_ticket();
    if (result > 0) {
      *moved = static_cast<size_t>(result);
      return HAPPY_TLS_READY;
    }
    if (result == 0) return HAPPY_TLS_CLOSED;
    // A late ticket or KeyUpdate was swallowed; more may be waiting. An answer
    // to a KeyUpdate that found the socket full goes out with the next write.
    if (result == GNUTLS_E_AGAIN) {
      if (gnutls_record_get_direction(session_.get()))
        return HAPPY_TLS_WANT_WRITE;
      if (dry_) return HAPPY_TLS_WANT_READ;
      continue;
    }
    if (result == GNUTLS_E_INTERRUPTED ||
        result == GNUTLS_E_WARNING_ALERT_RECEIVED)
      continue;
    if (result == GNUTLS_E_REHANDSHAKE) {  // TLS 1.2: never renegotiated
      gnutls_alert_send(session_.get(), GNUTLS_AL_WARNING,
                        GNUTLS_A_NO_RENEGOTIATION);
      continue;
    }
    if (result == GNUTLS_E_PREMATURE_TERMINATION) return HAPPY_TLS_CLOSED;
    return ended(result, "while waiting for an answer");
  }
}

happy_tls_state Session::write(const void* data, size_t size, size_t* moved) {
  *moved = 0;
  if (phase_ != Phase::kAuthenticated) return HAPPY_TLS_FAILED;
  ssize_t result;
  do {
    result = gnutls_record_send(session_.get(), data, size);
  } while (result == GNUTLS_E_INTERRUPTED);
  // GnuTLS keeps the record; the same call again sends the rest of it.
  if (result == GNUTLS_E_AGAIN) return HAPPY_TLS_WANT_WRITE;
  if (result < 0) return ended(result, "while sending a query");
  *moved = static_cast<size_t>(result);
  return HAPPY_TLS_READY;
}

void Session::bye() {
  if (phase_ == Phase::kAuthenticated)
    gnutls_bye(session_.get(), GNUTLS_SHUT_WR);
  phase_ = Phase::kEnded;
}

happy_tls_state Session::ended(ssize_t result, const char* doing) {
  const int code = static_cast<int>(result);
  if (code == GNUTLS_E_PULL_ERROR || code == GNUTLS_E_PUSH_ERROR)
    return fail(HAPPY_TLS_TRANSPORT, std::string("the connection broke ") +
                                         doing + ": " +
                                         strerror(transport_errno_));
  if (code == GNUTLS_E_PREMATURE_TERMINATION)
    return fail(HAPPY_TLS_TRANSPORT,
                std::string("the server closed the connection ") + doing);
  gnutls_alert_send_appropriate(session_.get(), code);
  return fail(HAPPY_TLS_PROTOCOL, protocol_text(code));
}

std::string Session::protocol_text(int result) const {
  switch (result) {
    case GNUTLS_E_FATAL_ALERT_RECEIVED: {
      const char* name =
          gnutls_alert_get_name(gnutls_alert_get(session_.get()));
      return std::string("the server refused with the TLS alert \"") +
             (name ? name : "unknown") + "\"";
    }
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
      return "the server speaks neither TLS 1.2 nor TLS 1.3, or no TLS at all";
    case GNUTLS_E_UNEXPECTED_PACKET:
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
    case GNUTLS_E_RECORD_OVERFLOW:
      return "the port does not speak TLS";
    default:
      return std::string("TLS failed: ") + gnutls_strerror(result);
  }
}

happy_tls_state Session::fail(happy_tls_failure failure, std::string text) {
  verdict_ = {failure, std::move(text)};
  phase_ = Phase::kEnded;
  return HAPPY_TLS_FAILED;
}

void Session::info(happy_tls_info* out) const {
  *out = {};
  const gnutls_session_t session = session_.get();
  copy_text(out->version, sizeof out->version,
            gnutls_protocol_get_name(gnutls_protocol_get_version(session)));
  copy_text(out->cipher, sizeof out->cipher,
            gnutls_cipher_get_name(gnutls_cipher_get(session)));
  if (phase_ != Phase::kHandshake && verdict_.failure == HAPPY_TLS_OK)
    copy_text(out->authenticated_by, sizeof out->authenticated_by,
              authenticated_by(wanted_));
  out->resumed = gnutls_session_is_resumed(session);
}

}  // namespace happy::tls
