#include "shim/raw_queries.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <linux/futex.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/context.h"
#include "shim/core_loader.h"
#include "shim/names.h"
#include "shim/process.h"

namespace happy::shim::raw_queries {
namespace {

constexpr unsigned char kTruncated = 2;  // in the third octet

bool fail(int host_error, int* result) {
  h_errno = host_error;
  errno = ECONNREFUSED;
  *result = -1;
  return true;
}

// <resolv.h> declares these functions to throw nothing, so that no cancellation
// may unwind them.
void wait(happy_query* query) {
  int state = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  while (__atomic_load_n(&query->done, __ATOMIC_ACQUIRE) == 0)
    syscall(SYS_futex, &query->done, FUTEX_WAIT_PRIVATE, 0, nullptr);
  pthread_setcancelstate(state, nullptr);
}

// As much as there is room for; the length is the whole message's.
int copy(const happy_query& query, const Buffer& into) {
  const auto room = into.size > 0 ? static_cast<size_t>(into.size) : 0;
  const size_t count = query.size < room ? query.size : room;
  if (into.answer != nullptr && count != 0)
    memcpy(into.answer, query.message, count);
  if (into.answer != nullptr && query.size > room && room > 2)
    into.answer[2] |= kTruncated;
  return static_cast<int>(query.size);
}

void release(happy_query* query) {
  const CoreCall call;
  core::loaded()->query_release(query);
}

bool ask(const char* name, int record_class, int type, bool search,
         const Buffer& into, int* result) {
  if (!names::concerns_us(name) || !names::is_strict(name)) return false;
  const bool may_be_clear = !names::forbids_clear_text(name);
  const happy_engine* engine = core::loaded();
  happy_query* query = nullptr;
  if (engine != nullptr && !process::is_vfork_child() &&
      record_class == ns_c_in) {
    const CoreCall call;
    query = engine->query_start(name, type, search ? 1 : 0);
  }
  if (query == nullptr) return !may_be_clear && fail(TRY_AGAIN, result);
  const int saved = errno;
  wait(query);
  const int host_error = query->host_error;
  const int size = copy(*query, into);
  release(query);
  if (host_error == TRY_AGAIN && size == 0)
    return !may_be_clear && fail(TRY_AGAIN, result);
  errno = saved;
  if (host_error != NETDB_SUCCESS) h_errno = host_error;
  *result = host_error == NETDB_SUCCESS ? size : -1;
  return true;
}

}  // namespace

bool query(const char* name, int record_class, int type, const Buffer& into,
           int* result) {
  return ask(name, record_class, type, false, into, result);
}

bool search(const char* name, int record_class, int type, const Buffer& into,
            int* result) {
  return ask(name, record_class, type, true, into, result);
}

bool query_domain(const char* name, const char* domain, int record_class,
                  int type, const Buffer& into, int* result) {
  if (name == nullptr || domain == nullptr)
    return ask(name, record_class, type, false, into, result);
  char joined[NS_MAXDNAME];
  const int size = snprintf(joined, sizeof joined, "%s.%s", name, domain);
  return size < int{sizeof joined} &&
         ask(joined, record_class, type, false, into, result);
}

bool send(const unsigned char* message, int size, const Buffer& into,
          int* result) {
  if (!names::is_strict_query(message, size)) return false;
  const happy_engine* engine = core::loaded();
  happy_query* query = nullptr;
  if (engine != nullptr && !process::is_vfork_child()) {
    const CoreCall call;
    query = engine->query_send_start(message, static_cast<size_t>(size));
  }
  *result = -1;
  if (query != nullptr) {
    wait(query);
    // Any reply is a success here, under the ID that the caller chose.
    if (query->size != 0) *result = copy(*query, into);
    if (*result >= 0 && into.size >= 2) memcpy(into.answer, message, 2);
    release(query);
  }
  if (*result < 0) errno = ECONNREFUSED;
  return true;
}

}  // namespace happy::shim::raw_queries
