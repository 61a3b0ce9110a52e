#include "tests/lab/conversations.h"

#include <string_view>
#include <utility>

namespace happy::lab {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// The text up to and with `end`, taken out.
std::optional<std::string> take_until(std::string_view end,
                                      std::string* received) {
  const size_t at = received->find(end);
  if (at == std::string::npos) return std::nullopt;
  std::string taken = received->substr(0, at + end.size());
  received->erase(0, taken.size());
  return taken;
}

// A repository for git's old protocol of plain files, else the address.
std::string page(const std::string& request, const std::string& address) {
  if (request.find("/info/refs") != std::string::npos)
    return std::string(40, '1') + "\trefs/heads/main\n";
  if (request.find("/HEAD") != std::string::npos)
    return "ref: refs/heads/main\n";
  return address + "\n";
}

std::optional<Reply> http(const std::string& address, std::string* received) {
  const auto request = take_until("\r\n\r\n", received);
  if (!request) return std::nullopt;
  const std::string body = page(*request, address);
  return Reply{
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
      "Connection: close\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body,
      true};
}

// Every command is answered with a status.
std::optional<Reply> redis(const std::string& address, std::string* received) {
  if (!received->ends_with("\r\n")) return std::nullopt;
  received->clear();
  return Reply{"+" + address + "\r\n"};
}

// Numbers of PostgreSQL's protocol 3.0: big-endian, a length counts itself.
std::string int16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
std::string int32(unsigned value) {
  return int16(value >> 16) + int16(value & 0xffff);
}
std::string message(char type, const std::string& content) {
  return type + int32(static_cast<unsigned>(content.size()) + 4) + content;
}
std::string ready() { return message('Z', "I"); }

// One row of one column of type text (oid 25).
std::string one_row(const std::string& value) {
  return message('T', int16(1) + "address\0"s + int32(0) + int16(0) +
                          int32(25) + int16(0xffff) + int32(0xffffffff) +
                          int16(0)) +
         message('D', int16(1) + int32(static_cast<unsigned>(value.size())) +
                          value) +
         message('C', "SELECT 1\0"s) + ready();
}

std::optional<Reply> postgres(const std::string& address,
                              std::string* received) {
  const std::string request = std::exchange(*received, {});
  if (request.empty()) return std::nullopt;
  if (request[0] == 'X') return Reply{{}, true};
  if (request[0] == 'Q') return Reply{one_row(address)};
  // No type: a start-up message, or the wish for encryption.
  if (request.ends_with("\x04\xd2\x16\x2f"sv)) return Reply{"N"};
  return Reply{message('R', int32(0)) + ready()};
}

}  // namespace

std::optional<Reply> reply_to(uint16_t port, const std::string& address,
                              std::string* received) {
  switch (port) {
    case kRedisPort:
      return redis(address, received);
    case kPostgresPort:
      return postgres(address, received);
    default:
      return http(address, received);
  }
}

}  // namespace happy::lab
