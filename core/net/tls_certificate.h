// The certificates that a server presented, as values to judge and to describe:
// fingerprints, names, dates. Trust is decided in tls_authenticate.h, not here.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/tls_gnutls.h"

namespace happy::tls {

using Sha256 = std::array<uint8_t, 32>;

class Certificate {
 public:
  explicit Certificate(CertificateHandle handle) : handle_(std::move(handle)) {}

  gnutls_x509_crt_t get() const { return handle_.get(); }

  // SHA-256 of the SubjectPublicKeyInfo or of the whole DER; false if GnuTLS
  // does not know the kind of key.
  bool key_fingerprint(Sha256* out) const;
  bool fingerprint(Sha256* out) const;

  // The dNSNames of the subjectAltName, as they stand there. The common name
  // is no name of a server (RFC 8310 section 8.1).
  std::vector<std::string> dns_names() const;

  time_t valid_from() const;
  time_t valid_until() const;
  bool self_signed() const;
  // The common name, else the whole name; for messages.
  std::string subject() const;
  std::string issuer() const;

 private:
  CertificateHandle handle_;
};

// Leaf first, as the server sent it, at most 16. Empty: none or not X.509.
using Chain = std::vector<Certificate>;
Chain presented_chain(gnutls_session_t session);

// Whether a dNSName covers `host` (RFC 6125 section 6.4): without case, a
// wildcard only as the whole leftmost label and not right below a top level.
bool name_matches(std::string_view dns_name, std::string_view host);

// "key-fp:SHA256:BASE64", the policy's form of a pin.
std::string key_pin_text(const Sha256& digest);
std::string certificate_pin_text(const Sha256& digest);
// "2026-01-02", in UTC.
std::string date_text(time_t when);
// Text of a certificate made safe for one line of a log: control and
// non-ASCII octets become '?', and it is cut at 253 octets.
std::string printable(std::string_view text);

}  // namespace happy::tls
