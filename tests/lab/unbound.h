// A real unbound as the resolver of a lab: serves a fixed zone over
// DNS-over-TLS (and plainly where asked), knows nothing else and asks nobody.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/lab/certificate.h"
#include "tests/lab/child.h"
#include "tests/lab/temp_folder.h"

namespace happy::lab {

struct Name {
  std::string name;
  std::vector<std::string> addresses;  // in the order of the answers
};

struct UnboundWish {
  std::vector<std::string> addresses{"127.0.0.1"};
  uint16_t tls_port = 853;
  std::optional<uint16_t> plain_port;
  std::vector<Name> names;
  std::vector<std::string> records = {};  // more of the zone, as in zone files
  // Records of the zone chain.lab.test, in which aliases are followed.
  std::vector<std::string> chain = {};
  std::function<bool()> enter;  // see Command::enter
};

class Unbound {
 public:
  // Returns once it serves. Throws with its log where it does not start, for
  // instance because the port is taken.
  Unbound(const UnboundWish& wish, const Certificate& certificate,
          const TempFolder& folder);

  pid_t pid() const { return server_->pid(); }

 private:
  std::unique_ptr<Server> server_;
};

}  // namespace happy::lab
