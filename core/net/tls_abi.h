// The C ABI of libhappy-tls.so, the only object that links GnuTLS. A session is
// a byte transformer over one socket: it never blocks, owns no
// descriptor, starts no thread, reads no clock but the calendar for certificate
// dates. dlopen()ed by the core at the first DoT query.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HAPPY_TLS_ABI 6

extern "C" {

struct happy_tls_pin {
  int whole_certificate;  // 0: SubjectPublicKeyInfo, 1: certificate in DER
  uint8_t sha256[32];
};

// Where session tickets go that other processes may use. `key` says what a
// ticket is good for, octet by octet. Called by the thread that called in.
struct happy_tls_tickets {
  void* context;
  // 0: it could not be kept.
  int (*keep)(void* context, const void* key, size_t key_size,
              const void* ticket, size_t size);
  // Writes up to `room` octets to `ticket` and returns how many; 0: there is
  // none. Nobody else gets the same.
  size_t (*take)(void* context, const void* key, size_t key_size, void* ticket,
                 size_t room);
};

// How a resolver is to be authenticated (RFC 8310). Copied by open().
struct happy_tls_config {
  const char* auth_name;  // dNSName to check and SNI to send; NULL: none
  const char* ca_file;    // PEM; NULL: the system's bundle, read when needed
  const struct happy_tls_pin* pins;
  size_t pin_count;     // auth_name, pins, or both: both must then hold
  int unauthenticated;  // 1: none of it has to hold, or be there; auth_name is
                        // the SNI
  const void* peer;     // the server's sockaddr: tickets are good for it alone
  size_t peer_size;
  // NULL: tickets stay in this process. Outlives the session.
  const struct happy_tls_tickets* tickets;
};

enum happy_tls_state {
  HAPPY_TLS_WANT_READ,   // call again when the socket is readable
  HAPPY_TLS_WANT_WRITE,  // call again when the socket is writable
  HAPPY_TLS_READY,       // handshake done and peer authenticated; or data moved
  HAPPY_TLS_CLOSED,      // the peer ended the session (close_notify or FIN)
  HAPPY_TLS_FAILED       // see failure and failure_text
};

// Each cause is one log line of its own, so that users can act on it.
enum happy_tls_failure {
  HAPPY_TLS_OK,
  HAPPY_TLS_WRONG_PIN,       // authentic to nobody: no pin matches
  HAPPY_TLS_WRONG_NAME,      // the certificate is for another name
  HAPPY_TLS_EXPIRED,         // or not yet valid: text says which and the dates
  HAPPY_TLS_UNTRUSTED,       // no chain to the CA bundle, or self-signed
  HAPPY_TLS_NO_TRUST_STORE,  // the CA file cannot be read or holds none
  HAPPY_TLS_PROTOCOL,        // alert, bad record, version
  HAPPY_TLS_TRANSPORT        // errno in text: reset and the like
};

struct happy_tls_session;  // opaque

struct happy_tls_info {
  char version[16];           // "TLS1.3"
  char cipher[64];            // "AES-256-GCM"
  char authenticated_by[64];  // "pin", "name and CA", "name, CA and pin",
                              // "nobody"
  int resumed;
};

// One certificate that the server sent, valid during the call that shows it.
// Texts come from the server, made safe for one line (see printable()).
struct happy_tls_certificate {
  int has_key_sha256;      // 0: GnuTLS does not know this kind of key
  uint8_t key_sha256[32];  // of the SubjectPublicKeyInfo
  uint8_t certificate_sha256[32];
  int64_t valid_from, valid_until;  // seconds since 1970
  const char* subject;              // the common name, else the whole name
  const char* issuer;
  const char* const* dns_names;  // of the subjectAltName
  size_t dns_name_count;
};

struct happy_tls {
  uint32_t abi;
  // Reads now what sessions with this configuration would read later (the CA
  // bundle), for hosts that chroot. What fails here is told by the session;
  // and to who asks, in `why` (may be NULL): one sentence, or "" where all is
  // well. Returns happy_tls_failure.
  int (*warm)(const struct happy_tls_config*, char* why, size_t size);
  // `descriptor` is a non-blocking socket that outlives the session. NULL: out
  // of memory, or a configuration without any authenticator.
  struct happy_tls_session* (*open)(const struct happy_tls_config*,
                                    int descriptor);
  void (*close)(struct happy_tls_session*);
  // How many octets the server would take as early data (RFC 8446 section
  // 2.3), which nothing but a ticket of it allows; 0: none.
  size_t (*early_room)(const struct happy_tls_session*);
  // Before prepare() and handshake(): what goes with their first flight. Once
  // the handshake is done early_taken() says whether the server has it, or it
  // is to be written again.
  void (*write_early)(struct happy_tls_session*, const void* data, size_t size);
  int (*early_taken)(const struct happy_tls_session*);
  // Does what of the handshake comes before the first octet, while the socket
  // is still being connected.
  void (*prepare)(struct happy_tls_session*);
  // Go on with the handshake. READY only after authentication succeeded.
  int (*handshake)(struct happy_tls_session*);
  // Moves up to `size` octets; *moved says how many when READY.
  int (*read)(struct happy_tls_session*, void* data, size_t size,
              size_t* moved);
  int (*write)(struct happy_tls_session*, const void* data, size_t size,
               size_t* moved);
  // Sends close_notify if that does not block.
  void (*bye)(struct happy_tls_session*);
  int (*failure)(const struct happy_tls_session*);  // happy_tls_failure
  // One sentence in English, valid until close().
  const char* (*failure_text)(const struct happy_tls_session*);
  void (*info)(const struct happy_tls_session*, struct happy_tls_info*);
  // Whether the handshake offered a ticket of an earlier session. The ticket is
  // gone: what failed with it may go well without.
  int (*offered_ticket)(const struct happy_tls_session*);
  // For those who look at a server rather than ask it. Calls `each` for what
  // the server sent in the handshake, the leaf first; it may not throw.
  void (*certificates)(const struct happy_tls_session*, void* context,
                       void (*each)(void* context,
                                    const struct happy_tls_certificate*));
  // What authentication by this configuration would say of the server of a
  // finished handshake: happy_tls_failure, and why in `why`. The session stays
  // as it is; `peer` and `tickets` do not matter.
  int (*judge)(const struct happy_tls_session*, const struct happy_tls_config*,
               char* why, size_t size);
};

// The entry point of libhappy-tls.so.
const struct happy_tls* happy_tls_open(void);
}
