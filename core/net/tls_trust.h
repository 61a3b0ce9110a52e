// Trust stores: the certification authorities of one PEM file, or of the
// system. Read once a process and kept, because the system's bundle costs 9 to
// 17 ms. One thread only; kept across fork, since a store is listed when whole.
#pragma once

#include <string>

#include "core/net/tls_gnutls.h"

namespace happy::tls {

// `ca_file` empty: the system's bundle. nullptr and a sentence in `*error` if
// it cannot be read or holds no certificate; that is tried again next time.
// The store lives as long as the process.
gnutls_x509_trust_list_t trust_store(const std::string& ca_file,
                                     std::string* error);

}  // namespace happy::tls
