#include "core/dns/stream.h"

#include "core/dns/cursor.h"

namespace happy::dns {

void StreamReader::append(std::span<const uint8_t> octets) {
  octets_.insert(octets_.end(), octets.begin(), octets.end());
}

std::optional<std::vector<uint8_t>> StreamReader::next() {
  Reader reader(std::span<const uint8_t>(octets_).subspan(begin_));
  const auto size = reader.u16();
  const auto message = size ? reader.take(*size) : std::nullopt;
  if (message) {
    std::vector<uint8_t> out(message->begin(), message->end());
    begin_ += reader.offset();
    return out;
  }
  octets_.erase(octets_.begin(),
                octets_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  return std::nullopt;
}

}  // namespace happy::dns
