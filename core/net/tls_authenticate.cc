#include "core/net/tls_authenticate.h"

#include <algorithm>
#include <cstring>

#include "core/net/tls_trust.h"

namespace happy::tls {
namespace {

// 2048-bit RSA and its like at least; SHA-1 signatures do not count.
constexpr unsigned kCaFlags = GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM);
// A pin is its own authority: dates are not looked at (policy, `pins`).
constexpr unsigned kPinFlags = GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
                               GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS;

bool pin_matches(const Certificate& certificate, const happy_tls_pin& pin) {
  Sha256 digest;
  const bool known = pin.whole_certificate
                         ? certificate.fingerprint(&digest)
                         : certificate.key_fingerprint(&digest);
  return known && memcmp(digest.data(), pin.sha256, digest.size()) == 0;
}

bool any_pin_matches(const Certificate& certificate,
                     const std::vector<happy_tls_pin>& pins) {
  return std::any_of(pins.begin(), pins.end(), [&](const happy_tls_pin& pin) {
    return pin_matches(certificate, pin);
  });
}

std::vector<gnutls_x509_crt_t> first_of(const Chain& chain, size_t count) {
  std::vector<gnutls_x509_crt_t> out;
  for (size_t i = 0; i < count; ++i) out.push_back(chain[i].get());
  return out;
}

// Whether the certificates before `anchor` prove that the leaf was issued, link
// by link, by the anchor's key: signatures, CA flags and path lengths. Anybody
// can send a pinned certificate along; only its owner can sign below it.
bool chain_leads_to(const Chain& chain, size_t anchor) {
  gnutls_x509_trust_list_t raw = nullptr;
  if (gnutls_x509_trust_list_init(&raw, 0) != 0) return false;
  // The certificate stays the chain's: this list must not release it.
  const std::unique_ptr<std::remove_pointer_t<gnutls_x509_trust_list_t>,
                        void (*)(gnutls_x509_trust_list_t)>
      list(raw, [](auto it) { gnutls_x509_trust_list_deinit(it, 0); });
  const gnutls_x509_crt_t authority = chain[anchor].get();
  if (gnutls_x509_trust_list_add_cas(raw, &authority, 1, 0) != 1) return false;
  auto below = first_of(chain, anchor);
  unsigned status = GNUTLS_CERT_INVALID;
  return gnutls_x509_trust_list_verify_crt(raw, below.data(), below.size(),
                                           kPinFlags, &status, nullptr) == 0 &&
         status == 0;
}

std::string pin_seen(const Certificate& leaf,
                     const std::vector<happy_tls_pin>& pins) {
  const bool only_whole = std::all_of(
      pins.begin(), pins.end(),
      [](const happy_tls_pin& pin) { return pin.whole_certificate != 0; });
  Sha256 digest;
  if (only_whole && leaf.fingerprint(&digest))
    return certificate_pin_text(digest);
  if (leaf.key_fingerprint(&digest)) return key_pin_text(digest);
  return "a key of unknown kind";
}

Verdict check_pins(const Chain& chain, const Authenticators& wanted) {
  if (any_pin_matches(chain.front(), wanted.pins)) return {};
  bool sent_along = false;
  for (size_t i = 1; i < chain.size(); ++i) {
    if (!any_pin_matches(chain[i], wanted.pins)) continue;
    if (chain_leads_to(chain, i)) return {};
    sent_along = true;
  }
  std::string text =
      "no pin matches the server's key " + pin_seen(chain.front(), wanted.pins);
  if (sent_along)
    text += ": it sent a pinned certificate along that did not issue its own";
  return {HAPPY_TLS_WRONG_PIN, std::move(text)};
}

// Which certificate of the chain is out of its dates, in words.
std::string dates_text(const Chain& chain, time_t now) {
  for (const Certificate& certificate : chain) {
    const char* what =
        &certificate == &chain.front() ? "the certificate" : "a CA certificate";
    if (certificate.valid_until() < now)
      return std::string(what) + " expired on " +
             date_text(certificate.valid_until());
    if (certificate.valid_from() > now)
      return std::string(what) + " is not valid before " +
             date_text(certificate.valid_from()) +
             "; this machine's clock says " + date_text(now);
  }
  return "a certificate of the chain is out of date";
}

std::string untrusted_text(const Chain& chain, unsigned status) {
  if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
    if (chain.front().self_signed())
      return "the certificate is self-signed and no trusted CA vouches for it";
    return "the certificate was issued by \"" + chain.back().issuer() +
           "\", which is no trusted CA";
  }
  if (status & GNUTLS_CERT_INSECURE_ALGORITHM)
    return "the certificate chain uses a key or signature that is too weak";
  if (status & GNUTLS_CERT_PURPOSE_MISMATCH)
    return "the certificate is not meant for a TLS server";
  if (status & GNUTLS_CERT_SIGNER_NOT_CA)
    return "the certificate was issued by a certificate that is no CA";
  if (status & GNUTLS_CERT_SIGNATURE_FAILURE)
    return "a signature in the certificate chain is false";
  return "the certificate chain leads to no trusted CA";
}

Verdict check_ca(const Chain& chain, const Authenticators& wanted, time_t now) {
  std::string error;
  const gnutls_x509_trust_list_t store = trust_store(wanted.ca_file, &error);
  if (!store) return {HAPPY_TLS_NO_TRUST_STORE, std::move(error)};
  char purpose[] = GNUTLS_KP_TLS_WWW_SERVER;
  gnutls_typed_vdata_st data{};
  data.type = GNUTLS_DT_KEY_PURPOSE_OID;
  data.data = reinterpret_cast<unsigned char*>(purpose);
  auto certificates = first_of(chain, chain.size());
  unsigned status = GNUTLS_CERT_INVALID;
  if (gnutls_x509_trust_list_verify_crt2(store, certificates.data(),
                                         certificates.size(), &data, 1,
                                         kCaFlags, &status, nullptr) != 0)
    return {HAPPY_TLS_UNTRUSTED, "the certificate chain cannot be verified"};
  constexpr unsigned kDates = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;
  if (status & ~(kDates | GNUTLS_CERT_INVALID))
    return {HAPPY_TLS_UNTRUSTED, untrusted_text(chain, status)};
  if (status & kDates) return {HAPPY_TLS_EXPIRED, dates_text(chain, now)};
  if (status) return {HAPPY_TLS_UNTRUSTED, untrusted_text(chain, status)};
  return {};
}

Verdict check_name(const Certificate& leaf, const std::string& auth_name) {
  const std::vector<std::string> names = leaf.dns_names();
  std::string listed;
  for (size_t i = 0; i < names.size(); ++i) {
    if (name_matches(names[i], auth_name)) return {};
    if (i < 4) listed += (i ? ", " : "") + printable(names[i]);
  }
  if (names.size() > 4)
    listed += " and " + std::to_string(names.size() - 4) + " more";
  if (names.empty()) listed = "no DNS name";
  return {HAPPY_TLS_WRONG_NAME,
          "the certificate is for " + listed + ", not for " + auth_name};
}

}  // namespace

Verdict authenticate(const Chain& chain, const Authenticators& wanted,
                     time_t now) {
  if (wanted.unauthenticated) return {};
  if (chain.empty())
    return {HAPPY_TLS_PROTOCOL, "the server sent no usable certificate"};
  // Pins first: they cost nothing, the trust store is read only when needed.
  if (!wanted.pins.empty())
    if (Verdict verdict = check_pins(chain, wanted); verdict.failure)
      return verdict;
  if (wanted.auth_name.empty()) {
    if (!wanted.pins.empty()) return {};
    return {HAPPY_TLS_PROTOCOL, "there is nothing to authenticate it by"};
  }
  if (Verdict verdict = check_ca(chain, wanted, now); verdict.failure)
    return verdict;
  return check_name(chain.front(), wanted.auth_name);
}

const char* authenticated_by(const Authenticators& wanted) {
  if (wanted.unauthenticated) return "nobody";
  if (wanted.auth_name.empty()) return "pin";
  return wanted.pins.empty() ? "name and CA" : "name, CA and pin";
}

}  // namespace happy::tls
