/* happy_connect(): a host name in, a connected TCP socket out. The name is
 * resolved as libhappy's policy says (over DNS-over-TLS where a rule has such
 * resolvers, else by the system), and all of its addresses are raced (RFC
 * 8305, "Happy Eyeballs"). For programs that are written or changed; the
 * preloaded libhappy.so does the same for those that are not. Link with
 * -lhappy-connect; the library interposes nothing. See happy_connect(3).
 */
#ifndef HAPPY_H
#define HAPPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For happy_options.flags: the socket is returned with O_NONBLOCK. */
#define HAPPY_NONBLOCK 1

/* What a call wants beyond its name. Begin with happy_default_options(). */
struct happy_options {
  size_t size; /* sizeof(struct happy_options), so that it can grow */
  int family;  /* AF_UNSPEC, or AF_INET or AF_INET6 alone */
  int flags;   /* HAPPY_NONBLOCK, or 0 */
  int cancel;  /* a descriptor: the call fails with ECANCELED once it has
                  input or a hang-up; never read. -1: none */
  unsigned timeout_ms; /* of the whole call, look-up included; 0: none */
  unsigned attempt_ms; /* of the attempt at one address; 0: the policy's */
  /* Ports to race at each address, in this order, in place of the service's,
     which may be NULL then. */
  const uint16_t* ports;
  size_t port_count;
  struct sockaddr_storage* peer; /* out, unless NULL: who was reached */
  int* lookup_error; /* out, unless NULL: an EAI_* code of getaddrinfo(3) if
                        the name could not be resolved, else 0 */
  char* message;     /* out, unless NULL: why the call failed, one line without
                        a newline, cut to message_size octets; "" on success */
  size_t message_size;
};

static inline struct happy_options happy_default_options(void) {
  struct happy_options options;
  memset(&options, 0, sizeof options);
  options.size = sizeof options;
  options.cancel = -1;
  return options;
}

/* Connects to `service` (a name of services(5) for TCP, or a decimal port) at
 * `host` (a host name, or an address as text). `options` may be NULL.
 *
 * Returns a connected TCP socket with FD_CLOEXEC, blocking unless
 * HAPPY_NONBLOCK is given, which the caller closes. -1 on failure, with errno:
 *   EINVAL       a wrong argument: no such service, family or flag
 *   E2BIG        options that this library does not know are set
 *   ENOENT       there is no such name, or it has no such address
 *   EAGAIN       the name could not be resolved this time
 *   ENOTRECOVERABLE  nor will it be: the resolver refuses, or the policy is bad
 *   ETIMEDOUT    timeout_ms has passed, or the network's own time-out
 *   ECANCELED    `cancel` was ready
 *   others       of socket(2) and connect(2), of the last attempt
 *
 * Any thread may call it. Signal handlers run meanwhile and do not end it; it
 * is no cancellation point.
 */
int happy_connect(const char* host, const char* service,
                  const struct happy_options* options);

/* What happens is told to `line`: one JSON object a call, without a newline,
 * from any thread, one at a time, also after happy_connect() has returned. It
 * must not call this library. Set it before the first happy_connect(); NULL
 * ends it. The events are those of HAPPY_TRACE.
 */
void happy_set_trace(void (*line)(const char* json, size_t length,
                                  void* context),
                     void* context);

/* "0.1.0": the version of the library that is loaded. */
const char* happy_version(void);

#ifdef __cplusplus
}
#endif

#endif
