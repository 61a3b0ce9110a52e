// The gethostbyname family for strict names: struct hostent from an answer of
// the core, and libc's own answers told to the name memory.
#pragma once

#include <netdb.h>
#include <stddef.h>

namespace happy::shim::names {

// The reentrant form: as gethostbyname2_r(3), for a strict name.
int get_host_entry(const char* name, int family, hostent* entry, char* buffer,
                   size_t size, hostent** result, int* error);
// The static form: a pointer into a buffer that the next call overwrites, or
// nullptr and h_errno.
hostent* get_static_host_entry(const char* name, int family);
// After a successful answer of libc.
void remember_entry(const char* name, const hostent* entry);

}  // namespace happy::shim::names
