#include "tests/support/dot_certificates.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include <stdexcept>

namespace happy::test {
namespace {

void must(int result, const char* what) {
  if (result < 0)
    throw std::runtime_error(std::string(what) + ": " +
                             gnutls_strerror(result));
}

void fill(gnutls_x509_crt_t certificate, const CertificateWish& wish) {
  must(gnutls_x509_crt_set_version(certificate, 3), "version");
  std::array<uint8_t, 12> serial;
  must(gnutls_rnd(GNUTLS_RND_NONCE, serial.data(), serial.size()), "random");
  serial[0] &= 0x7f;
  must(gnutls_x509_crt_set_serial(certificate, serial.data(), serial.size()),
       "serial");
  must(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME,
                                     0, wish.common_name.data(),
                                     wish.common_name.size()),
       "common name");
  must(gnutls_x509_crt_set_activation_time(certificate, wish.valid_from),
       "activation");
  must(gnutls_x509_crt_set_expiration_time(certificate, wish.valid_until),
       "expiration");
  must(gnutls_x509_crt_set_basic_constraints(certificate, wish.is_ca, -1),
       "constraints");
  must(gnutls_x509_crt_set_key_usage(certificate,
                                     wish.is_ca ? GNUTLS_KEY_KEY_CERT_SIGN
                                                : GNUTLS_KEY_DIGITAL_SIGNATURE),
       "usage");
  for (const std::string& name : wish.dns_names)
    must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME,
                                              name.data(), name.size(),
                                              GNUTLS_FSAN_APPEND),
         "alternative name");
}

}  // namespace

Identity Identity::make(const CertificateWish& wish, const Identity* issuer) {
  Identity made;
  gnutls_x509_privkey_t key = nullptr;
  must(gnutls_x509_privkey_init(&key), "key");
  made.key_.reset(key, gnutls_x509_privkey_deinit);
  constexpr auto kP256 = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
  const bool rsa = wish.rsa_bits != 0;
  must(gnutls_x509_privkey_generate(key, rsa ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA,
                                    rsa ? wish.rsa_bits : kP256, 0),
       "key generation");
  gnutls_x509_crt_t certificate = nullptr;
  must(gnutls_x509_crt_init(&certificate), "certificate");
  made.certificate_.reset(certificate, gnutls_x509_crt_deinit);
  must(gnutls_x509_crt_set_key(certificate, key), "set key");
  fill(certificate, wish);
  const Identity& signer = issuer ? *issuer : made;
  must(gnutls_x509_crt_sign2(
           certificate, signer.certificate(), signer.key(),
           wish.signed_sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0),
       "signature");
  return made;
}

std::array<uint8_t, 32> Identity::key_sha256() const {
  std::array<uint8_t, 32> out;
  size_t size = out.size();
  must(gnutls_x509_crt_get_key_id(certificate(), GNUTLS_KEYID_USE_SHA256,
                                  out.data(), &size),
       "key id");
  return out;
}

std::array<uint8_t, 32> Identity::certificate_sha256() const {
  std::array<uint8_t, 32> out;
  size_t size = out.size();
  must(gnutls_x509_crt_get_fingerprint(certificate(), GNUTLS_DIG_SHA256,
                                       out.data(), &size),
       "fingerprint");
  return out;
}

std::string Identity::key_pin() const {
  return "key-fp:SHA256:" + base64(key_sha256());
}

std::string Identity::certificate_pem() const {
  gnutls_datum_t pem{};
  must(gnutls_x509_crt_export2(certificate(), GNUTLS_X509_FMT_PEM, &pem),
       "PEM");
  std::string text(reinterpret_cast<char*>(pem.data), pem.size);
  gnutls_free(pem.data);
  return text;
}

std::string base64(const std::array<uint8_t, 32>& octets) {
  const gnutls_datum_t raw{const_cast<uint8_t*>(octets.data()),
                           static_cast<unsigned>(octets.size())};
  gnutls_datum_t out{};
  must(gnutls_base64_encode2(&raw, &out), "base64");
  std::string text(reinterpret_cast<char*>(out.data), out.size);
  gnutls_free(out.data);
  return text;
}

}  // namespace happy::test
