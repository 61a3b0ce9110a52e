// In place of dot_server_early.cc where OpenSSL's headers are not there.
#include <stdexcept>

#include "tests/support/dot_server.h"
#include "tests/support/dot_server_connection.h"

namespace happy::test {

std::shared_ptr<void> make_early_context(const DotScript& /*script*/) {
  throw std::runtime_error("built without OpenSSL: no early answers");
}

void serve_early_connection(DotServer* /*server*/, int /*descriptor*/) {}

}  // namespace happy::test
