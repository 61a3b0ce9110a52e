#include "core/dns/svcb.h"

#include <algorithm>
#include <utility>

#include "core/dns/cursor.h"

namespace happy::dns {
namespace {

// RFC 9460 section 14.3.2.
enum class Key : uint16_t {
  kMandatory = 0,
  kAlpn = 1,
  kNoDefaultAlpn = 2,
  kPort = 3,
  kIpv4Hint = 4,
  kEch = 5,
  kIpv6Hint = 6,
};

// What a record may demand. Not ECH: whether the program does it is unknown.
bool is_done_here(Key key) {
  switch (key) {
    case Key::kMandatory:
    case Key::kAlpn:
    case Key::kNoDefaultAlpn:
    case Key::kPort:
    case Key::kIpv4Hint:
    case Key::kIpv6Hint:
      return true;
    case Key::kEch:
      break;
  }
  return false;
}

class ServiceReader {
 public:
  // False where the value does not have the key's format.
  bool read(Key key, Reader value);
  ServiceRecord finish() &&;
  ServiceRecord& record() { return record_; }

 private:
  bool read_mandatory(Reader value);
  bool read_alpn(Reader value);
  bool read_port(Reader value);
  bool read_hints(Reader value, Family family);

  ServiceRecord record_;
  std::vector<Key> present_;
  std::vector<Key> mandatory_;
};

bool ServiceReader::read(Key key, Reader value) {
  present_.push_back(key);
  switch (key) {
    case Key::kMandatory:
      return read_mandatory(value);
    case Key::kAlpn:
      return read_alpn(value);
    case Key::kNoDefaultAlpn:
      record_.no_default_alpn = true;
      return value.remaining() == 0;
    case Key::kPort:
      return read_port(value);
    case Key::kIpv4Hint:
      return read_hints(value, Family::kIpv4);
    case Key::kEch:
      record_.ech_size = value.remaining();
      return value.remaining() != 0;
    case Key::kIpv6Hint:
      return read_hints(value, Family::kIpv6);
  }
  return true;  // of any other key nothing is known
}

// Section 8: strictly increasing, and without itself, which is the least.
bool ServiceReader::read_mandatory(Reader value) {
  Key last = Key::kMandatory;
  do {
    const auto number = value.u16();
    if (!number || static_cast<Key>(*number) <= last) return false;
    last = static_cast<Key>(*number);
    mandatory_.push_back(last);
  } while (value.remaining() != 0);
  return true;
}

bool ServiceReader::read_alpn(Reader value) {
  do {
    const auto size = value.u8();
    if (!size || *size == 0) return false;
    const auto octets = value.take(*size);
    if (!octets) return false;
    record_.alpn.emplace_back(octets->begin(), octets->end());
  } while (value.remaining() != 0);
  return true;
}

bool ServiceReader::read_port(Reader value) {
  record_.port = value.u16();
  return record_.port && value.remaining() == 0;
}

bool ServiceReader::read_hints(Reader value, Family family) {
  do {
    const auto octets = value.take(family == Family::kIpv4 ? 4 : 16);
    if (!octets) return false;
    IpAddress address{.family = family};
    std::copy(octets->begin(), octets->end(), address.bytes.begin());
    record_.hints.push_back(address);
  } while (value.remaining() != 0);
  return true;
}

ServiceRecord ServiceReader::finish() && {
  const bool met =
      std::all_of(mandatory_.begin(), mandatory_.end(), [&](Key key) {
        return is_done_here(key) &&
               std::binary_search(present_.begin(), present_.end(), key);
      });
  record_.usable = met && (!record_.no_default_alpn || !record_.alpn.empty());
  return std::move(record_);
}

// Uncompressed, as section 2.2 has it: a pointer would make it longer or
// shorter than it stands there.
std::optional<Name> read_target(Reader& rdata) {
  const size_t begin = rdata.offset();
  auto name = Name::read(rdata);
  if (!name || rdata.offset() - begin != name->wire_size()) return std::nullopt;
  return name;
}

}  // namespace

std::optional<ServiceRecord> read_service(std::span<const uint8_t> rdata) {
  Reader reader(rdata);
  ServiceReader service;
  const auto priority = reader.u16();
  if (!priority) return std::nullopt;
  auto target = read_target(reader);
  if (!target) return std::nullopt;
  service.record().priority = *priority;
  service.record().target = std::move(*target);
  // Section 2.4.2: what else an alias has must be ignored.
  if (*priority == 0) return std::move(service).finish();
  std::optional<uint16_t> last;
  while (reader.remaining() != 0) {
    const auto key = reader.u16();
    const auto size = reader.u16();
    if (!key || !size || (last && *key <= *last)) return std::nullopt;
    const auto value = reader.take(*size);
    if (!value || !service.read(static_cast<Key>(*key), Reader(*value)))
      return std::nullopt;
    last = key;
  }
  return std::move(service).finish();
}

}  // namespace happy::dns
