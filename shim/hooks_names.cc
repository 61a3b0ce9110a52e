// Hooks of the functions that look host names up. A strict name never reaches
// libc: what cannot be answered over the encrypted resolver fails instead.
// Cancellation points: no noexcept, nothing held while they wait.
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#include "shim/address_names.h"
#include "shim/export.h"
#include "shim/host_entries.h"
#include "shim/names.h"
#include "shim/raw_queries.h"
#include "shim/real.h"

using namespace happy;
using namespace happy::shim;

namespace {

hostent* remembered(const char* name, hostent* entry) {
  const int saved = errno;
  if (entry != nullptr) names::remember_entry(name, entry);
  errno = saved;
  return entry;
}

// What looks names up inside of libc.
bool refuses(const char* name) {
  if (!names::concerns_us(name) || !names::is_strict(name) ||
      !names::forbids_clear_text(name))
    return false;
  h_errno = TRY_AGAIN;
  errno = ECONNREFUSED;
  return true;
}

// As libc leaves the error in both places.
int told(res_state state, int result) {
  if (result < 0 && state != nullptr) state->res_h_errno = h_errno;
  return result;
}

}  // namespace

HAPPY_EXPORT int getaddrinfo(const char* node, const char* service,
                             const addrinfo* hints, addrinfo** result) {
  if (!names::concerns_us(node)) {
    return real::getaddrinfo(node, service, hints, result);
  }
  return names::getaddrinfo(node, service, hints, result);
}

// libc's helper threads would ask in clear text.
HAPPY_EXPORT int getaddrinfo_a(int mode, gaicb* list[], int count,
                               sigevent* event) {
  for (int i = 0; i < count; ++i) {
    if (list[i] != nullptr && names::concerns_us(list[i]->ar_name) &&
        names::is_strict(list[i]->ar_name) &&
        names::forbids_clear_text(list[i]->ar_name)) {
      return EAI_AGAIN;
    }
  }
  return real::getaddrinfo_a(mode, list, count, event);
}

HAPPY_EXPORT hostent* gethostbyname(const char* name) {
  if (!names::concerns_us(name)) return real::gethostbyname(name);
  names::find_nat64(name);
  if (names::is_strict(name)) {
    return names::get_static_host_entry(name, AF_INET);
  }
  return remembered(name, real::gethostbyname(name));
}

HAPPY_EXPORT hostent* gethostbyname2(const char* name, int family) {
  if (!names::concerns_us(name)) return real::gethostbyname2(name, family);
  names::find_nat64(name);
  if (names::is_strict(name)) {
    return names::get_static_host_entry(name, family);
  }
  return remembered(name, real::gethostbyname2(name, family));
}

HAPPY_EXPORT int gethostbyname2_r(const char* name, int family, hostent* entry,
                                  char* buffer, size_t size, hostent** result,
                                  int* error) {
  const bool ours = names::concerns_us(name);
  if (ours) names::find_nat64(name);
  if (ours && names::is_strict(name)) {
    return names::get_host_entry(name, family, entry, buffer, size, result,
                                 error);
  }
  const int status =
      real::gethostbyname2_r(name, family, entry, buffer, size, result, error);
  if (status == 0 && ours) remembered(name, *result);
  return status;
}

HAPPY_EXPORT int gethostbyname_r(const char* name, hostent* entry, char* buffer,
                                 size_t size, hostent** result, int* error) {
  const bool ours = names::concerns_us(name);
  if (ours) names::find_nat64(name);
  if (ours && names::is_strict(name)) {
    return names::get_host_entry(name, AF_INET, entry, buffer, size, result,
                                 error);
  }
  const int status =
      real::gethostbyname_r(name, entry, buffer, size, result, error);
  if (status == 0 && ours) remembered(name, *result);
  return status;
}

HAPPY_EXPORT int getnameinfo(const sockaddr* address, socklen_t length,
                             char* host, socklen_t host_size, char* service,
                             socklen_t service_size, int flags) {
  const bool wants_name =
      host != nullptr && host_size > 0 && (flags & NI_NUMERICHOST) == 0;
  if (wants_name && names::is_strict_address(address, length))
    return address_names::getnameinfo(address, length, host, host_size, service,
                                      service_size, flags);
  return real::getnameinfo(address, length, host, host_size, service,
                           service_size, flags);
}

HAPPY_EXPORT hostent* gethostbyaddr(const void* address, socklen_t length,
                                    int family) {
  if (address_names::is_strict({address, length, family}))
    return address_names::get_static_entry({address, length, family});
  return real::gethostbyaddr(address, length, family);
}

HAPPY_EXPORT int gethostbyaddr_r(const void* address, socklen_t length,
                                 int family, hostent* entry, char* buffer,
                                 size_t size, hostent** result, int* error) {
  if (address_names::is_strict({address, length, family}))
    return address_names::get_entry({address, length, family}, entry, buffer,
                                    size, result, error);
  return real::gethostbyaddr_r(address, length, family, entry, buffer, size,
                               result, error);
}

// These call getaddrinfo() inside libc.
HAPPY_EXPORT int rcmd(char** host, unsigned short port, const char* local_user,
                      const char* remote_user, const char* command,
                      int* errors) {
  if (refuses(*host)) return -1;
  return real::rcmd(host, port, local_user, remote_user, command, errors);
}

HAPPY_EXPORT int rcmd_af(char** host, unsigned short port,
                         const char* local_user, const char* remote_user,
                         const char* command, int* errors, sa_family_t family) {
  if (refuses(*host)) return -1;
  return real::rcmd_af(host, port, local_user, remote_user, command, errors,
                       family);
}

HAPPY_EXPORT int rexec(char** host, int port, const char* user,
                       const char* password, const char* command, int* errors) {
  if (refuses(*host)) return -1;
  return real::rexec(host, port, user, password, command, errors);
}

HAPPY_EXPORT int rexec_af(char** host, int port, const char* user,
                          const char* password, const char* command,
                          int* errors, sa_family_t family) {
  if (refuses(*host)) return -1;
  return real::rexec_af(host, port, user, password, command, errors, family);
}

HAPPY_EXPORT int ruserok(const char* host, int superuser,
                         const char* remote_user, const char* local_user) {
  if (refuses(host)) return -1;
  return real::ruserok(host, superuser, remote_user, local_user);
}

HAPPY_EXPORT int ruserok_af(const char* host, int superuser,
                            const char* remote_user, const char* local_user,
                            sa_family_t family) {
  if (refuses(host)) return -1;
  return real::ruserok_af(host, superuser, remote_user, local_user, family);
}

HAPPY_EXPORT int res_query(const char* name, int klass, int type,
                           unsigned char* answer, int size) __THROW {
  int result;
  if (raw_queries::query(name, klass, type, {answer, size}, &result))
    return result;
  return real::res_query(name, klass, type, answer, size);
}
HAPPY_ALIAS(__res_query, res_query);

HAPPY_EXPORT int res_search(const char* name, int klass, int type,
                            unsigned char* answer, int size) __THROW {
  int result;
  if (raw_queries::search(name, klass, type, {answer, size}, &result))
    return result;
  return real::res_search(name, klass, type, answer, size);
}
HAPPY_ALIAS(__res_search, res_search);

HAPPY_EXPORT int res_querydomain(const char* name, const char* domain,
                                 int klass, int type, unsigned char* answer,
                                 int size) __THROW {
  int result;
  if (raw_queries::query_domain(name, domain, klass, type, {answer, size},
                                &result))
    return result;
  return real::res_querydomain(name, domain, klass, type, answer, size);
}
HAPPY_ALIAS(__res_querydomain, res_querydomain);

HAPPY_EXPORT int res_nquery(res_state state, const char* name, int klass,
                            int type, unsigned char* answer, int size) __THROW {
  int result;
  if (raw_queries::query(name, klass, type, {answer, size}, &result))
    return told(state, result);
  return real::res_nquery(state, name, klass, type, answer, size);
}
HAPPY_ALIAS(__res_nquery, res_nquery);

HAPPY_EXPORT int res_nsearch(res_state state, const char* name, int klass,
                             int type, unsigned char* answer,
                             int size) __THROW {
  int result;
  if (raw_queries::search(name, klass, type, {answer, size}, &result))
    return told(state, result);
  return real::res_nsearch(state, name, klass, type, answer, size);
}
HAPPY_ALIAS(__res_nsearch, res_nsearch);

HAPPY_EXPORT int res_nquerydomain(res_state state, const char* name,
                                  const char* domain, int klass, int type,
                                  unsigned char* answer, int size) __THROW {
  int result;
  if (raw_queries::query_domain(name, domain, klass, type, {answer, size},
                                &result))
    return told(state, result);
  return real::res_nquerydomain(state, name, domain, klass, type, answer, size);
}
HAPPY_ALIAS(__res_nquerydomain, res_nquerydomain);

HAPPY_EXPORT int res_send(const unsigned char* message, int size,
                          unsigned char* answer, int room) __THROW {
  int result;
  if (raw_queries::send(message, size, {answer, room}, &result)) return result;
  return real::res_send(message, size, answer, room);
}
HAPPY_ALIAS(__res_send, res_send);

HAPPY_EXPORT int res_nsend(res_state state, const unsigned char* message,
                           int size, unsigned char* answer, int room) __THROW {
  int result;
  if (raw_queries::send(message, size, {answer, room}, &result)) return result;
  return real::res_nsend(state, message, size, answer, room);
}
HAPPY_ALIAS(__res_nsend, res_nsend);
