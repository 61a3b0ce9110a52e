// The whole behaviour of a scripted DoT server from one JSON text. The format
// is described in docs/testing.md. Unknown keys and values are refused by name.
#pragma once

#include <string>

#include "tests/support/dot_server.h"

namespace happy::test {

struct LoadedScript {
  DotScript script;
  Identity authority;  // issued the server's certificate, made just now
  std::string pin;     // of the certificate of the script's "certificate"
};

// Throws std::exception with a message where it cannot.
LoadedScript load_script(const std::string& json);

}  // namespace happy::test
