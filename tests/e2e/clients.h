// The unchanged programs that the end-to-end tests run: each fetches a page of
// a lab by name and prints it, alone or among other lines.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace happy::e2e {

struct Client {
  const char* name;
  // %H and %P stand for host and port.
  std::vector<const char*> arguments;

  std::vector<std::string> command(const std::string& host,
                                   uint16_t port) const;
};

const std::vector<Client>& all_clients();
const Client& client(const std::string& name);

// GoogleTest prints parameters by this.
inline void PrintTo(const Client& client, std::ostream* out) {
  *out << client.name;
}

}  // namespace happy::e2e
