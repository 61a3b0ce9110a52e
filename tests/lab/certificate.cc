#include "tests/lab/certificate.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <ctime>
#include <memory>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

void good(int status, const char* what) {
  if (status < 0) fail(std::string(what) + ": " + gnutls_strerror(status));
}

struct KeyCloser {
  void operator()(gnutls_x509_privkey_t key) const {
    gnutls_x509_privkey_deinit(key);
  }
};
struct CertificateCloser {
  void operator()(gnutls_x509_crt_t certificate) const {
    gnutls_x509_crt_deinit(certificate);
  }
};
using Key = std::unique_ptr<gnutls_x509_privkey_int, KeyCloser>;
using Body = std::unique_ptr<gnutls_x509_crt_int, CertificateCloser>;

Key new_key() {
  gnutls_x509_privkey_t key = nullptr;
  good(gnutls_x509_privkey_init(&key), "key");
  Key owned(key);
  good(gnutls_x509_privkey_generate(
           key, GNUTLS_PK_ECDSA,
           GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
       "generate");
  return owned;
}

// Everything but what tells an authority from a leaf, and the signature.
Body new_body(gnutls_x509_privkey_t key, const std::string& name,
              uint8_t serial, const CertificateWish& wish) {
  gnutls_x509_crt_t body = nullptr;
  good(gnutls_x509_crt_init(&body), "certificate");
  Body owned(body);
  const time_t now = time(nullptr);
  using std::chrono::seconds;
  gnutls_x509_crt_set_version(body, 3);
  gnutls_x509_crt_set_serial(body, &serial, sizeof serial);
  gnutls_x509_crt_set_activation_time(body,
                                      now + seconds(wish.valid_from).count());
  gnutls_x509_crt_set_expiration_time(body,
                                      now + seconds(wish.valid_until).count());
  good(gnutls_x509_crt_set_dn_by_oid(body, GNUTLS_OID_X520_COMMON_NAME, 0,
                                     name.data(),
                                     static_cast<unsigned>(name.size())),
       "name");
  good(gnutls_x509_crt_set_key(body, key), "set key");
  return owned;
}

template <typename Export, typename Handle>
std::string pem(Export exporter, Handle handle) {
  gnutls_datum_t text{};
  good(exporter(handle, GNUTLS_X509_FMT_PEM, &text), "export");
  std::string out(reinterpret_cast<char*>(text.data), text.size);
  gnutls_free(text.data);
  return out;
}

std::string pin_of(gnutls_x509_crt_t leaf) {
  std::array<unsigned char, 32> digest{};
  size_t size = digest.size();
  good(gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256, digest.data(),
                                  &size),
       "key id");
  const gnutls_datum_t raw{digest.data(), static_cast<unsigned>(size)};
  gnutls_datum_t text{};
  good(gnutls_base64_encode2(&raw, &text), "base64");
  std::string out(reinterpret_cast<char*>(text.data), text.size);
  gnutls_free(text.data);
  return "key-fp:SHA256:" + out;
}

}  // namespace

Certificate make_certificate(const CertificateWish& wish) {
  const Key authority_key = new_key(), key = new_key();
  const Body authority =
      new_body(authority_key.get(), "Lab authority", 1, CertificateWish{});
  gnutls_x509_crt_set_ca_status(authority.get(), 1);
  gnutls_x509_crt_set_key_usage(authority.get(), GNUTLS_KEY_KEY_CERT_SIGN);
  good(gnutls_x509_crt_sign2(authority.get(), authority.get(),
                             authority_key.get(), GNUTLS_DIG_SHA256, 0),
       "sign");
  const Body leaf = new_body(key.get(), wish.name, 2, wish);
  gnutls_x509_crt_set_key_usage(leaf.get(), GNUTLS_KEY_DIGITAL_SIGNATURE);
  good(gnutls_x509_crt_set_key_purpose_oid(leaf.get(), GNUTLS_KP_TLS_WWW_SERVER,
                                           0),
       "purpose");
  good(gnutls_x509_crt_set_subject_alt_name(
           leaf.get(), GNUTLS_SAN_DNSNAME, wish.name.data(),
           static_cast<unsigned>(wish.name.size()), GNUTLS_FSAN_SET),
       "subjectAltName");
  good(gnutls_x509_crt_sign2(leaf.get(), authority.get(), authority_key.get(),
                             GNUTLS_DIG_SHA256, 0),
       "sign");
  Certificate made;
  made.key_pem = pem(gnutls_x509_privkey_export2, key.get());
  made.authority_pem = pem(gnutls_x509_crt_export2, authority.get());
  made.chain_pem =
      pem(gnutls_x509_crt_export2, leaf.get()) + made.authority_pem;
  made.pin = pin_of(leaf.get());
  return made;
}

}  // namespace happy::lab
