// DNS messages in a stream of octets: each is preceded by its length in two
// octets (RFC 1035 section 4.2.2). Cuts the stream into messages, however its
// segments fall; it does not look into them. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace happy::dns {

class StreamReader {
 public:
  void append(std::span<const uint8_t> octets);
  // The next whole message, without its length; nullopt: more is needed.
  // Memory: what has been appended and not been given out.
  [[nodiscard]] std::optional<std::vector<uint8_t>> next();

 private:
  std::vector<uint8_t> octets_;
  size_t begin_ = 0;  // of what has not been given out
};

}  // namespace happy::dns
