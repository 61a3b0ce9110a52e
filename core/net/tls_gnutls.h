// Owners of GnuTLS objects, so that every path releases them. Nothing else.
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <memory>
#include <type_traits>

namespace happy::tls {

template <auto kRelease>
struct Releaser {
  template <typename T>
  void operator()(T* object) const {
    kRelease(object);
  }
};

inline void release_trust_list(gnutls_x509_trust_list_t list) {
  gnutls_x509_trust_list_deinit(list, 1);  // and the certificates in it
}

using SessionHandle = std::unique_ptr<std::remove_pointer_t<gnutls_session_t>,
                                      Releaser<gnutls_deinit>>;
using CredentialsHandle =
    std::unique_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>,
                    Releaser<gnutls_certificate_free_credentials>>;
using CertificateHandle =
    std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>,
                    Releaser<gnutls_x509_crt_deinit>>;
using TrustListHandle =
    std::unique_ptr<std::remove_pointer_t<gnutls_x509_trust_list_t>,
                    Releaser<release_trust_list>>;

}  // namespace happy::tls
