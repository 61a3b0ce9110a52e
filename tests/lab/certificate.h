// Keys and certificates made on the spot: a throw-away authority and a leaf
// that it signed, as PEM, with the leaf's SPKI pin.
#pragma once

#include <chrono>
#include <string>

namespace happy::lab {

struct CertificateWish {
  std::string name = "resolver.lab.test";  // subjectAltName dNSName
  // Relative to now; both in the past make an expired certificate.
  std::chrono::hours valid_from{-1}, valid_until{24};
};

struct Certificate {
  std::string key_pem;
  std::string chain_pem;  // the leaf, then the authority
  std::string authority_pem;
  std::string pin;  // "key-fp:SHA256:" and base64 of the leaf's SPKI
};

Certificate make_certificate(const CertificateWish& wish = {});

}  // namespace happy::lab
