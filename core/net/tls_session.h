// One TLS client session over a non-blocking socket that somebody else owns:
// handshake, authentication, records. It waits for nothing. Data moves only
// after the server was authenticated. One thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/net/tls_abi.h"
#include "core/net/tls_authenticate.h"
#include "core/net/tls_gnutls.h"

namespace happy::tls {

class Session {
 public:
  // `peer`: see ticket_key(); `tickets`: see keep_ticket().
  Session(Authenticators wanted, int descriptor, std::string_view peer,
          const happy_tls_tickets* tickets);
  ~Session();  // a ticket that was not sent goes back
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // False: out of memory or GnuTLS unusable; the session is of no use then.
  bool usable() const { return session_ != nullptr; }

  size_t early_room() const;
  void write_early(const void* data, size_t size);
  bool early_taken() const;
  void prepare();
  happy_tls_state handshake();
  happy_tls_state read(void* data, size_t size, size_t* moved);
  happy_tls_state write(const void* data, size_t size, size_t* moved);
  void bye();

  happy_tls_failure failure() const { return verdict_.failure; }
  const char* failure_text() const { return verdict_.text.c_str(); }
  void info(happy_tls_info* out) const;
  bool offered_ticket() const { return offered_ticket_; }
  // What the server sent in the handshake; see presented_chain().
  Chain presented() const { return presented_chain(session_.get()); }

 private:
  enum class Phase { kHandshake, kAuthenticated, kEnded };

  static ssize_t pull(gnutls_transport_ptr_t self, void* data, size_t size);
  static ssize_t push(gnutls_transport_ptr_t self, const void* data,
                      size_t size);

  ssize_t send(const void* data, size_t size);
  happy_tls_state send_prepared();
  bool set_up(std::string_view peer);
  void offer_ticket(std::string_view peer);
  void keep_ticket();
  happy_tls_state authenticated();
  // The state for a negative result of GnuTLS. `doing` is for the sentence.
  happy_tls_state ended(ssize_t result, const char* doing);
  happy_tls_state fail(happy_tls_failure failure, std::string text);
  std::string protocol_text(int result) const;

  const Authenticators wanted_;
  const int descriptor_;
  const happy_tls_tickets* const tickets_;
  CredentialsHandle credentials_;  // outlives session_, which points to it
  SessionHandle session_;
  Phase phase_ = Phase::kHandshake;
  std::string ticket_key_, ticket_;
  bool offered_ticket_ = false;
  bool kept_ticket_ = false;
  bool dry_ = false;  // the socket had nothing more to read
  bool preparing_ = false;
  std::string prepared_;  // to be sent before anything else
  bool has_sent_ = false;
  int transport_errno_ = 0;
  Verdict verdict_;
};

}  // namespace happy::tls
