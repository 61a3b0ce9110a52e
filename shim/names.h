// Look-ups of host names: which go to the core, and its answers in the forms
// of libc. Lists for getaddrinfo() are built by libc itself from numeric
// addresses, so that every field, flag and allocation is glibc's own.
#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include "core/engine.h"

namespace happy::shim::names {

// Whether an address may have come from a look-up seen here. A filter: it
// forgets nothing, but may say yes too often. One load for most strangers.
bool maybe_known(const sockaddr* address, socklen_t length);
// An address was handed to the host.
void note_known(const happy_address& address);

// Whether the address came from a look-up of a strict name.
bool is_strict_address(const sockaddr* address, socklen_t length);

// Whether the library has anything to do with this look-up: a host name (not
// NULL, not numeric) outside of our own code.
bool concerns_us(const char* node);

// getaddrinfo(3) for a host name.
int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                addrinfo** result);

// Whether the core must answer for this name: a rule with an encrypted resolver
// covers it, or the library fails closed. Loads the core.
bool is_strict(const char* name);
// The same for the question in a DNS message.
bool is_strict_query(const unsigned char* message, int size);
// A look-up of a strict name by the core, waited for; the caller releases it.
// nullptr: out of memory or no core; `*eai` then is the error to return.
happy_lookup* look_up(const char* name, int family, int* eai);
void release(happy_lookup* lookup);
// Tells the core what libc answered to a look-up of a name that is not strict.
void remember(const char* name, int family, const happy_address* addresses,
              size_t count);

}  // namespace happy::shim::names
