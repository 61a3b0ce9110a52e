// The one facade between libhappy.so (the shim) and libhappy-core.so: a C ABI
// of plain structs and functions, versioned, loaded by dlopen(3). The shim owns
// every descriptor number of the host and every call that the host made; the
// core owns names, addresses, time and order. Nothing is thrown across it.
//
// Threads: functions of happy_engine may be called from any thread, with all
// signals blocked, cancellation disabled and the hooks bypassed (shim/'s
// CoreCall). None of them blocks, except race_stop, which waits for one turn of
// the helper thread. Functions of happy_host may be called from any thread; the
// race callbacks are called from the helper thread only, with no lock of the
// core held.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define HAPPY_ENGINE_ABI 6

extern "C" {

// Functions of the process that every object of the library must share with the
// host, found from libhappy.so, which is never opened with RTLD_DEEPBIND:
// memory (a jemalloc or tcmalloc host's), and the calls of libuv that
// libhappy.so answers for the helper thread. Exported by libhappy.so as
// `happy_process`.
struct happy_process_functions {
  void* (*malloc)(size_t);
  void (*free)(void*);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
  size_t (*malloc_usable_size)(void*);
  int (*epoll_create1)(int);
  int (*eventfd)(unsigned, int);
  int (*pipe2)(int*, int);
  int (*register_atfork)(void (*)(void), void (*)(void), void (*)(void), void*);
};

enum happy_log_level {
  HAPPY_LOG_OFF,
  HAPPY_LOG_ERROR,
  HAPPY_LOG_WARN,
  HAPPY_LOG_INFO,
  HAPPY_LOG_DEBUG
};

// AF_INET uses the first 4 octets of `bytes`, AF_INET6 all 16.
struct happy_address {
  uint16_t family;
  uint32_t scope_id;
  uint8_t bytes[16];
};

// How a look-up ended. For HAPPY_LOOKUP_SYSTEM, where the rule allows it, the
// caller asks libc itself and reports the addresses with remember().
enum happy_lookup_status {
  HAPPY_LOOKUP_SYSTEM,
  HAPPY_LOOKUP_ANSWER,
  HAPPY_LOOKUP_FAILED
};

// One look-up. `done` is a futex word: 0 while pending, then 1; the other
// fields are valid from then on and constant. Released by lookup_release.
struct happy_lookup {
  uint32_t done;
  int status;  // happy_lookup_status
  int eai;     // an EAI_* code of getaddrinfo(3); 0 unless FAILED
  size_t count;
  const struct happy_address* addresses;  // in the order to use them
  // The name the addresses belong to, then its aliases, each ended by a NUL.
  const char* names;
  size_t names_size;  // in octets; not 0
};

// One question of any type and what a resolver said. `done` as above. Released
// by query_release.
struct happy_query {
  uint32_t done;
  int host_error;          // h_errno's value; 0: success
  size_t size;             // 0: no resolver replied
  const uint8_t* message;  // the last reply, octet by octet as it came
};

// How a race ended or stands.
enum happy_outcome_kind {
  HAPPY_WON,         // `descriptor` is connected; -1: attempt 1 is the winner
  HAPPY_ALL_FAILED,  // give attempt 1 back; `error` where that is not enough
  HAPPY_TIMED_OUT,   // the rule's connect_ms has passed: ETIMEDOUT
  HAPPY_STOPPED      // race_stop: `descriptor` is a live attempt to go on with,
                     // or -1: attempt 1
};

struct happy_outcome {
  int kind;        // happy_outcome_kind
  int descriptor;  // an attempt other than 1, now owned by the receiver; or -1
  // ALL_FAILED where attempt 1 failed synchronously: the errno that connect()
  // returns if `descriptor` is -1. Else 0.
  int error;
};

// What a connect() could race, as the name memory sees it. Released by
// plan_release or given to race_start.
struct happy_plan {
  size_t candidates;    // addresses beside the destination itself
  uint32_t attempt_ms;  // 0: the kernel's
  uint32_t connect_ms;  // 0: the kernel's
  int fail_with;        // errno to return at once without a race; or 0
  // Where the rule has alternatives to the destination's port: the first of
  // them, which attempt 1 is to connect to instead. Else 0.
  uint16_t port;
};

// What a caller that asks for more than connect(2) can say wants of a race. It
// has a plan for each address that is known, one alone or of the loopback too.
struct happy_wish {
  // Raced in place of the destination's port, in this order, for each address;
  // the first of them is the destination's own. 0: as the rule has it.
  const uint16_t* ports;
  size_t port_count;
  uint32_t attempt_ms;  // 0: the rule's
  uint32_t connect_ms;  // 0: the rule's
};

// What the core gives the shim.
struct happy_engine {
  uint32_t abi;
  // Starts a look-up of `name` for `family` (AF_UNSPEC, AF_INET or AF_INET6).
  // `flags`: AI_IDN and AI_CANONIDN of getaddrinfo(3) count.
  // Never NULL except when out of memory. May be done at once.
  struct happy_lookup* (*lookup_start)(const char* name, int family, int flags);
  void (*lookup_release)(struct happy_lookup*);
  // Whether a rule with an encrypted resolver covers the name (any expansion of
  // it by the search list): 1 if so; lookup_start() must be asked for it.
  int (*is_strict)(const char* name);
  // Whether such a name must not reach libc whatever happens.
  int (*forbids_clear_text)(const char* name);
  // Whether a DNS message, as res_send(3) takes it, asks about such a name.
  int (*is_strict_query)(const unsigned char* message, size_t size);
  // Whether a look-up of such a name gave the address, so that a question about
  // the address would tell whom the host talks to.
  int (*is_strict_address)(const struct happy_address*);
  // Asks for `name` in class IN, walking the search list if `search` is 1.
  // NULL: no rule with an encrypted resolver covers the name, which is libc's
  // then; or out of memory.
  struct happy_query* (*query_start)(const char* name, int type, int search);
  // The same for the question of a message as res_send(3) takes it. NULL also
  // where that has not one question in class IN.
  struct happy_query* (*query_send_start)(const unsigned char* message,
                                          size_t size);
  // Asks for the names of an address: those of the hosts file, or of the PTR
  // records over the resolvers of the look-up that gave the address. `message`
  // is then the names, each ended by a NUL, the canonical one first. NULL: no
  // strict look-up gave the address and the hosts file does not have it.
  struct happy_query* (*names_start)(const struct happy_address*);
  void (*query_release)(struct happy_query*);
  // Tells what libc answered to a look-up of `name` for `family`.
  void (*remember)(const char* name, int family,
                   const struct happy_address* addresses, size_t count);

  // Whether any rule wants nat64_probe() called. Constant; needs no care.
  int (*discovers_nat64)(void);
  // A network's NAT64 prefix (RFC 7050). Before a look-up of `name`: the name
  // (static text) for whose AF_INET6 addresses libc's resolver is to be asked
  // first, or NULL; and what libc answered, nothing where it failed.
  const char* (*nat64_probe)(const char* name);
  void (*nat64_probed)(const struct happy_address* addresses, size_t count);
  // Whether sockets of IPv4 may reach the name over IPv6.
  int (*crosses_families)(const char* name);

  // NULL where libc's own connect() is right; `why` (static text) then says
  // why, or stays NULL where the destination is nobody's. `families`: bit 0 =
  // IPv4 candidates usable, bit 1 = IPv6 candidates usable by this socket, bit
  // 2 = IPv6 candidates usable by a socket that takes its place. `wish`: may be
  // NULL, and need not outlive the call.
  struct happy_plan* (*plan)(const struct sockaddr* destination,
                             socklen_t length, unsigned families,
                             const struct happy_wish* wish, const char** why);
  void (*plan_release)(struct happy_plan*);
  // Starts the race; takes the plan. `attempt` is a descriptor of attempt 1
  // (the destination itself); it stays the shim's and open until race_over.
  // `error`: 0 if it is connecting, else the errno with which its connect()
  // failed at once; then the next candidates are tried on the calling thread
  // until one is under way. `mapped`: IPv4 candidates are to be connected as
  // ::ffff:a.b.c.d. `context` is handed to the callbacks until race_over.
  // Returns the race's number, never used twice. 0: there is no race, and no
  // callback comes; all candidates failed at once (*all_failed = 1) or the
  // helper thread cannot be started (0).
  uint64_t (*race_start)(struct happy_plan*, void* context, int attempt,
                         int error, int mapped, int* all_failed);
  // Both may come when the race is over, and then do nothing.
  // Ends the race without waiting: losers are closed soon, race_over follows.
  void (*race_cancel)(uint64_t race);
  // Ends the race and waits until the helper has let go. The outcome is
  // STOPPED, or what was decided already and not yet delivered.
  void (*race_stop)(uint64_t race, struct happy_outcome*);
  // Asks for one call of host->watch_fired(context), on the helper thread, when
  // `descriptor` has input, hang-up or error; with `output` 1 also when it has
  // room for output. The number stays the caller's. 0, or -1 if it cannot be
  // watched: then no call comes.
  int (*watch)(int descriptor, int output, void* context);
  // Before `descriptor` is closed. 1: no call comes any more; 0: it has come or
  // is under way.
  int (*unwatch)(int descriptor, void* context);
  // A connect() that was left to libc although its address is known.
  void (*trace_passed)(const struct sockaddr*, socklen_t, const char* why);

  // Around fork(2), in pthread_atfork(3)'s order, pause_helper first and with
  // no lock held that a callback may want. It keeps the helper thread where it
  // holds no lock of the process, an allocator's for one, that the child would
  // find locked for ever; it gives up after some milliseconds.
  // after_fork_parent lets it go on; after_fork_child forgets the helper
  // thread, its loop, races and connections; names stay.
  void (*pause_helper)(void);
  void (*before_fork)(void);
  void (*after_fork_parent)(void);
  void (*after_fork_child)(void);
};

// What the shim gives the core.
struct happy_host {
  uint32_t abi;
  // The policy's text as read at load; NULL: the embedded default. `path` for
  // messages. `policy_error`: an errno if the file could not be read, else 0.
  const char* policy_text;
  size_t policy_size;
  const char* policy_path;
  int policy_error;
  int races_all;  // names without a rule are raced too, by the defaults
  const char* library_folder;  // where libhappy-tls.so is
  int deep_bind;               // libhappy-tls.so needs RTLD_DEEPBIND too
  int eager;  // HAPPY_EAGER=1: load libhappy-tls.so and trust now
  // Where processes share what they learn, absolute; NULL: nowhere.
  const char* state_folder;

  int log_level;  // happy_log_level; lines above it are dropped
  int tracing;    // 1 if HAPPY_TRACE names a file
  // One line without the newline. Any thread; never blocks for long.
  void (*log)(int level, const char* line, size_t length);
  void (*trace)(const char* line, size_t length);

  // Marks the calling thread as the library's own: its calls are never taken
  // for the host's, its new descriptors start high and are hidden.
  void (*enter_helper_thread)(void);
  // Moves a descriptor out of the host's way (F_DUPFD_CLOEXEC above 1000),
  // hides it from the host and closes the old number. Returns the new number;
  // the old one if there is no room.
  int (*own_descriptor)(int descriptor);
  // The same for one that forked children go on with; all others are closed
  // there. One at a time.
  int (*keep_descriptor)(int descriptor);
  // Closes a descriptor that one of the two returned.
  void (*close_descriptor)(int descriptor);

  // Opens an attempt: a socket with the options of the caller's, connecting.
  // Returns an owned descriptor with *error 0 (connected) or EINPROGRESS, or
  // with another errno if connect() failed (the socket keeps its error
  // unread where the kernel does so); -1 and *error if there is no socket.
  int (*attempt_open)(void* context, const struct sockaddr*, socklen_t,
                      int* error);
  // The race is decided. Called at most once, perhaps before race_start has
  // returned; not any more once race_stop has returned.
  void (*race_decided)(void* context, const struct happy_outcome*);
  // The core will not use `context` again. Called exactly once per race_start
  // that returned a race, last.
  void (*race_over)(void* context);
  void (*watch_fired)(void* context);
};

// The entry point of libhappy-core.so. `host` must outlive the process.
// Returns NULL where the ABI does not fit: of such a host nothing but `abi` can
// be read, so the caller logs it. A policy that does not parse is logged here;
// look-ups then fail with EAI_FAIL.
const struct happy_engine* happy_engine_open(const struct happy_host* host);
}
