// res_query(3) and its relatives for strict names: the answer of an encrypted
// resolver, octet by octet as it came.
#pragma once

#include <stddef.h>

namespace happy::shim::raw_queries {

struct Buffer {
  unsigned char* answer;
  int size;
};

// Each false: libc is to be asked. Else `*result` is what the function is to
// return, and h_errno and errno are set with -1.
bool query(const char* name, int record_class, int type, const Buffer& into,
           int* result);
// Walks the search list.
bool search(const char* name, int record_class, int type, const Buffer& into,
            int* result);
// As res_querydomain(3) joins the two.
bool query_domain(const char* name, const char* domain, int record_class,
                  int type, const Buffer& into, int* result);
// A whole message, as res_send(3) takes it.
bool send(const unsigned char* message, int size, const Buffer& into,
          int* result);

}  // namespace happy::shim::raw_queries
