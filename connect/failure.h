// Why a happy_connect() ends without a socket.
#pragma once

#include <string>

namespace happy::direct {

struct Failure {
  int error = 0;         // errno
  int lookup_error = 0;  // EAI_*, where the name could not be resolved
  std::string why = {};  // "no such name"; empty: strerror(3)'s words
};

}  // namespace happy::direct
