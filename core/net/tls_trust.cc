#include "core/net/tls_trust.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

namespace happy::tls {
namespace {

// A list that only grows at its head and is never freed: hosts call in during
// exit, and a forked child may have been cut off in the middle of a reading.
struct Store {
  std::string ca_file;
  TrustListHandle list;
  Store* next;
};
constinit Store* stores = nullptr;

int read_into(gnutls_x509_trust_list_t list, const std::string& ca_file) {
  if (ca_file.empty())
    return gnutls_x509_trust_list_add_system_trust(list, 0, 0);
  return gnutls_x509_trust_list_add_trust_file(list, ca_file.c_str(), nullptr,
                                               GNUTLS_X509_FMT_PEM, 0, 0);
}

std::string unreadable(const std::string& ca_file, int code) {
  if (ca_file.empty())
    return "the system's CA certificates cannot be read (is the package "
           "ca-certificates installed?)";
  if (code == GNUTLS_E_FILE_ERROR || access(ca_file.c_str(), R_OK) != 0)
    return "the CA file " + ca_file + " cannot be read: " + strerror(errno);
  return "the CA file " + ca_file + " holds no certificate in PEM form";
}

}  // namespace

gnutls_x509_trust_list_t trust_store(const std::string& ca_file,
                                     std::string* error) {
  for (const Store* store = stores; store; store = store->next)
    if (store->ca_file == ca_file) return store->list.get();

  gnutls_x509_trust_list_t raw = nullptr;
  if (gnutls_x509_trust_list_init(&raw, 0) != 0) {
    *error = "out of memory for the CA certificates";
    return nullptr;
  }
  TrustListHandle list(raw);
  errno = 0;
  const int count = read_into(raw, ca_file);
  if (count <= 0) {
    *error = unreadable(ca_file, count);
    return nullptr;
  }
  stores = new Store{ca_file, std::move(list), stores};
  return raw;
}

}  // namespace happy::tls
