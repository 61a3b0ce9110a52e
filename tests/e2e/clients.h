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

// A program that connects to port 80 of each name in turn, in one process, and
// prints where it came to and what it took.
std::vector<std::string> connects(const std::vector<std::string>& names);
struct Connect {
  std::string peer;
  int took = 0;  // milliseconds
};
std::vector<Connect> connects_of(const std::string& out);

// GoogleTest prints parameters by this.
inline void PrintTo(const Client& client, std::ostream* out) {
  *out << client.name;
}

}  // namespace happy::e2e
