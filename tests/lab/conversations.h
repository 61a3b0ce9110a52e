// What the labs' servers say: HTTP on every port but those of redis (6379) and
// PostgreSQL (5432). Just enough of each protocol that its usual client is
// content, and sees the address that it reached. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace happy::lab {

inline constexpr uint16_t kWebPort = 80;
inline constexpr uint16_t kRedisPort = 6379;
inline constexpr uint16_t kPostgresPort = 5432;

struct Reply {
  std::string text;
  bool last = false;  // the server closes after it
};

// The reply to the first whole request in `received`, which is taken out of it;
// nullopt as long as more must come. `address` is the server's own.
std::optional<Reply> reply_to(uint16_t port, const std::string& address,
                              std::string* received);

}  // namespace happy::lab
