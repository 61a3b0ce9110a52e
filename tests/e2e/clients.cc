#include "tests/e2e/clients.h"

#include <sstream>
#include <stdexcept>

namespace happy::e2e {
namespace {

constexpr const char* kBlocking = R"(
import socket
with socket.create_connection(("%H", %P)) as s:
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    print(s.makefile().read())
)";

// A time-out makes python's sockets non-blocking: connect() and poll().
constexpr const char* kTimeout = R"(
import socket
with socket.create_connection(("%H", %P), timeout=8) as s:
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    print(s.makefile().read())
)";

constexpr const char* kAsyncio = R"(
import asyncio
async def main():
    reader, writer = await asyncio.open_connection("%H", %P)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    print((await reader.read()).decode())
    writer.close()
asyncio.run(main())
)";

constexpr const char* kNode = R"(
require("http").get("http://%H:%P/", (reply) => {
  reply.on("data", (data) => process.stdout.write(data));
}).on("error", (error) => { console.error(error); process.exitCode = 1; });
)";

constexpr const char* kConnects = R"(
import socket, sys, time
for name in sys.argv[1:]:
    list = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
    family, type, protocol, _, address = list[0]
    began = time.monotonic()
    with socket.socket(family, type, protocol) as s:
        s.connect(address)
        took = time.monotonic() - began
        peer = s.getpeername()[0].removeprefix("::ffff:")
        print(peer, round(1000 * took), flush=True)
)";

std::string filled_in(std::string text, const std::string& mark,
                      const std::string& value) {
  for (size_t at; (at = text.find(mark)) != std::string::npos;)
    text.replace(at, mark.size(), value);
  return text;
}

}  // namespace

std::vector<std::string> Client::command(const std::string& host,
                                         uint16_t port) const {
  std::vector<std::string> filled;
  for (const char* argument : arguments)
    filled.push_back(
        filled_in(filled_in(argument, "%H", host), "%P", std::to_string(port)));
  return filled;
}

const std::vector<Client>& all_clients() {
  static const std::vector<Client> clients{
      {"curl", {"curl", "-sS", "http://%H:%P/"}},
      {"wget", {"wget", "-q", "-t", "1", "-O", "-", "http://%H:%P/"}},
      {"wget_T10",
       {"wget", "-q", "-t", "1", "-T", "10", "-O", "-", "http://%H:%P/"}},
      {"nc", {"sh", "-c", "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc %H %P"}},
      {"nc_w5",
       {"sh", "-c", "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 %H %P"}},
      {"python_blocking", {"/usr/bin/python3", "-c", kBlocking}},
      {"python_timeout", {"/usr/bin/python3", "-c", kTimeout}},
      {"python_asyncio", {"/usr/bin/python3", "-c", kAsyncio}},
      {"node", {"node", "-e", kNode}},
      {"epoll_level",
       {HAPPY_BUILD_FOLDER "/e2e_epoll_client", "level", "%H", "%P"}},
      {"epoll_edge",
       {HAPPY_BUILD_FOLDER "/e2e_epoll_client", "edge", "%H", "%P"}},
      {"epoll_oneshot",
       {HAPPY_BUILD_FOLDER "/e2e_epoll_client", "oneshot", "%H", "%P"}},
  };
  return clients;
}

std::vector<std::string> connects(const std::vector<std::string>& names) {
  std::vector<std::string> out{"/usr/bin/python3", "-c", kConnects};
  out.insert(out.end(), names.begin(), names.end());
  return out;
}

std::vector<Connect> connects_of(const std::string& out) {
  std::vector<Connect> all;
  std::istringstream lines(out);
  for (Connect one; lines >> one.peer >> one.took;) all.push_back(one);
  return all;
}

const Client& client(const std::string& name) {
  for (const auto& one : all_clients())
    if (one.name == name) return one;
  throw std::out_of_range(name);
}

}  // namespace happy::e2e
