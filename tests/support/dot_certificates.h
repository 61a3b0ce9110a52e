// Keys and X.509 certificates made on the spot for tests: any names, dates and
// issuers, the faulty ones too. For tests only: P-256 keys unless asked for
// others, nothing is stored unless asked.
#pragma once

#include <gnutls/gnutls.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace happy::test {

struct CertificateWish {
  std::string common_name = "test";
  std::vector<std::string> dns_names = {};
  time_t valid_from = time(nullptr) - 3600;
  time_t valid_until = time(nullptr) + 86400;
  bool is_ca = false;
  unsigned rsa_bits = 0;     // 0: P-256
  bool signed_sha1 = false;  // else SHA-256
};

// A certificate with its private key. Copies share both.
class Identity {
 public:
  // Issued by `issuer`, or self-signed.
  static Identity make(const CertificateWish& wish,
                       const Identity* issuer = nullptr);

  std::array<uint8_t, 32> key_sha256() const;
  std::array<uint8_t, 32> certificate_sha256() const;
  std::string key_pin() const;  // "key-fp:SHA256:..."
  std::string certificate_pem() const;

  gnutls_x509_crt_t certificate() const { return certificate_.get(); }
  gnutls_x509_privkey_t key() const { return key_.get(); }

 private:
  std::shared_ptr<std::remove_pointer_t<gnutls_x509_crt_t>> certificate_;
  std::shared_ptr<std::remove_pointer_t<gnutls_x509_privkey_t>> key_;
};

std::string base64(const std::array<uint8_t, 32>& octets);

}  // namespace happy::test
