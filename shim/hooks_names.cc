// Hooks of the functions that look host names up. A strict name never reaches
// libc: what cannot be answered over the encrypted resolver fails instead.
// Cancellation points: no noexcept, nothing held while they wait.
#include <errno.h>
#include <netdb.h>
#include <resolv.h>

#include "shim/export.h"
#include "shim/host_entries.h"
#include "shim/names.h"
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

// The res_* functions carry any type of record; they are not yet answered over
// the encrypted resolver, so a strict name fails with TRY_AGAIN.
bool refuses(const char* name) {
  if (!names::concerns_us(name) || !names::is_strict(name)) return false;
  h_errno = TRY_AGAIN;
  errno = ECONNREFUSED;
  return true;
}

bool refuses_query(const unsigned char* message, int size) {
  if (!names::is_strict_query(message, size)) return false;
  errno = ECONNREFUSED;
  return true;
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
        names::is_strict(list[i]->ar_name)) {
      return EAI_AGAIN;
    }
  }
  return real::getaddrinfo_a(mode, list, count, event);
}

HAPPY_EXPORT hostent* gethostbyname(const char* name) {
  if (!names::concerns_us(name)) return real::gethostbyname(name);
  if (names::is_strict(name)) {
    return names::get_static_host_entry(name, AF_INET);
  }
  return remembered(name, real::gethostbyname(name));
}

HAPPY_EXPORT hostent* gethostbyname2(const char* name, int family) {
  if (!names::concerns_us(name)) return real::gethostbyname2(name, family);
  if (names::is_strict(name)) {
    return names::get_static_host_entry(name, family);
  }
  return remembered(name, real::gethostbyname2(name, family));
}

HAPPY_EXPORT int gethostbyname2_r(const char* name, int family, hostent* entry,
                                  char* buffer, size_t size, hostent** result,
                                  int* error) {
  if (names::concerns_us(name) && names::is_strict(name)) {
    return names::get_host_entry(name, family, entry, buffer, size, result,
                                 error);
  }
  const int status =
      real::gethostbyname2_r(name, family, entry, buffer, size, result, error);
  if (status == 0 && names::concerns_us(name)) remembered(name, *result);
  return status;
}

HAPPY_EXPORT int gethostbyname_r(const char* name, hostent* entry, char* buffer,
                                 size_t size, hostent** result, int* error) {
  if (names::concerns_us(name) && names::is_strict(name)) {
    return names::get_host_entry(name, AF_INET, entry, buffer, size, result,
                                 error);
  }
  const int status =
      real::gethostbyname_r(name, entry, buffer, size, result, error);
  if (status == 0 && names::concerns_us(name)) remembered(name, *result);
  return status;
}

HAPPY_EXPORT int res_query(const char* name, int klass, int type,
                           unsigned char* answer, int size) __THROW {
  if (refuses(name)) return -1;
  return real::res_query(name, klass, type, answer, size);
}
HAPPY_ALIAS(__res_query, res_query);

HAPPY_EXPORT int res_search(const char* name, int klass, int type,
                            unsigned char* answer, int size) __THROW {
  if (refuses(name)) return -1;
  return real::res_search(name, klass, type, answer, size);
}
HAPPY_ALIAS(__res_search, res_search);

HAPPY_EXPORT int res_querydomain(const char* name, const char* domain,
                                 int klass, int type, unsigned char* answer,
                                 int size) __THROW {
  if (refuses(name) || refuses(domain)) return -1;
  return real::res_querydomain(name, domain, klass, type, answer, size);
}
HAPPY_ALIAS(__res_querydomain, res_querydomain);

HAPPY_EXPORT int res_nquery(res_state state, const char* name, int klass,
                            int type, unsigned char* answer, int size) __THROW {
  if (refuses(name)) return -1;
  return real::res_nquery(state, name, klass, type, answer, size);
}
HAPPY_ALIAS(__res_nquery, res_nquery);

HAPPY_EXPORT int res_nsearch(res_state state, const char* name, int klass,
                             int type, unsigned char* answer,
                             int size) __THROW {
  if (refuses(name)) return -1;
  return real::res_nsearch(state, name, klass, type, answer, size);
}
HAPPY_ALIAS(__res_nsearch, res_nsearch);

HAPPY_EXPORT int res_nquerydomain(res_state state, const char* name,
                                  const char* domain, int klass, int type,
                                  unsigned char* answer, int size) __THROW {
  if (refuses(name) || refuses(domain)) return -1;
  return real::res_nquerydomain(state, name, domain, klass, type, answer, size);
}
HAPPY_ALIAS(__res_nquerydomain, res_nquerydomain);

HAPPY_EXPORT int res_send(const unsigned char* message, int size,
                          unsigned char* answer, int room) __THROW {
  if (refuses_query(message, size)) return -1;
  return real::res_send(message, size, answer, room);
}
HAPPY_ALIAS(__res_send, res_send);

HAPPY_EXPORT int res_nsend(res_state state, const unsigned char* message,
                           int size, unsigned char* answer, int room) __THROW {
  if (refuses_query(message, size)) return -1;
  return real::res_nsend(state, message, size, answer, room);
}
HAPPY_ALIAS(__res_nsend, res_nsend);
