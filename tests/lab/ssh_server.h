// A real sshd on the servers' side of a namespace lab, where root lets its own
// key in to run any command. Needs root of the machine, since sshd changes
// users.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/lab/child.h"
#include "tests/lab/namespace.h"
#include "tests/lab/temp_folder.h"

namespace happy::lab {

class SshServer {
 public:
  // Listens on port 22 of the addresses. Returns once it does.
  SshServer(const std::vector<std::string>& addresses, const Namespace& inside,
            const TempFolder& folder);

  // The file of the key that is let in.
  const std::string& key() const { return key_; }

 private:
  std::string key_;
  std::unique_ptr<Server> server_;
};

}  // namespace happy::lab
