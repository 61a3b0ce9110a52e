// DNS messages (RFC 1035 section 4) as values: encodes the queries that a
// private stub resolver sends, decodes replies from bytes that may be hostile.
// It gives what a message says, not what that means: see answer.h. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "core/base/ip.h"
#include "core/dns/name.h"

namespace happy::dns {

// The types that have a meaning here; any other value is legal too.
enum class Type : uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kOpt = 41,
  kHttps = 65,
};
// "A", "AAAA", ..., or "TYPE1234" (RFC 3597).
std::string to_string(Type type);

inline constexpr uint16_t kClassIn = 1;

// The RCODEs that have a meaning here (RFC 1035, RFC 6891 for kBadVersion).
enum class Rcode : uint16_t {
  kNoError = 0,
  kFormatError = 1,
  kServerFailure = 2,
  kNameError = 3,
  kNotImplemented = 4,
  kRefused = 5,
  kBadVersion = 16,
};
std::string to_string(Rcode rcode);  // "NOERROR", "NXDOMAIN", ..., "RCODE23"

struct Question {
  Name name;
  Type type = Type::kA;
  uint16_t record_class = kClassIn;

  bool operator==(const Question&) const = default;
};

// What to say besides the question. The defaults are those for DNS over TLS.
struct QueryOptions {
  bool edns = true;  // false: no OPT record, and none of what follows
  uint16_t udp_size = 1232;
  // The message is filled up to a multiple of this (RFC 7830; 128 octets is
  // the client's policy of RFC 8467 section 4.1). 0: none.
  uint16_t padding_block = 128;
  bool keepalive = true;    // RFC 7828, empty from the client
  bool ecs_opt_out = true;  // RFC 7871 section 7.1.2, source prefix 0
};

// A recursive query (RD) for class IN, without the stream's length prefix.
std::vector<uint8_t> encode_query(uint16_t id, const Name& name, Type type,
                                  const QueryOptions& options = {});

// The two-octet length (RFC 1035 section 4.2.2) and the message in one piece,
// to be sent in one write (RFC 7766 section 8). `message`: at most 65535.
std::vector<uint8_t> with_length_prefix(std::span<const uint8_t> message);

struct Header {
  uint16_t id = 0;
  bool response = false;
  uint8_t opcode = 0;
  bool authoritative = false;
  bool truncated = false;
  bool recursion_desired = false;
  bool recursion_available = false;
  bool authentic_data = false;
  bool checking_disabled = false;

  bool operator==(const Header&) const = default;
};

struct Soa {
  Name primary, mailbox;
  uint32_t serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0;

  bool operator==(const Soa&) const = default;
};
// Rdata without a view of its own, as it stood in the message. Compressed names
// inside it lose their meaning.
struct RawData {
  std::vector<uint8_t> octets;

  bool operator==(const RawData&) const = default;
};
// IpAddress for A and AAAA, Name for CNAME and PTR, in class IN; else RawData.
using RecordData = std::variant<RawData, IpAddress, Name, Soa>;

struct Record {
  Name owner;
  Type type = Type::kA;
  uint16_t record_class = kClassIn;
  uint32_t ttl_seconds = 0;  // RFC 2181 section 8: 0 if the top bit was set
  RecordData data;

  bool operator==(const Record&) const = default;
};

// RFC 8914. `text` is UTF-8 by the RFC but comes from the network: hostile.
struct ExtendedError {
  uint16_t code = 0;
  std::string text;

  bool operator==(const ExtendedError&) const = default;
};

// The OPT record (RFC 6891).
struct Edns {
  uint16_t udp_size = 0;
  uint8_t version = 0;
  bool dnssec_ok = false;
  std::vector<ExtendedError> errors;
  // RFC 7828: how long the server leaves an idle connection open. 0: close
  // it after the pending replies.
  std::optional<std::chrono::milliseconds> keepalive;
  bool padded = false;  // RFC 7830: has the option, of whatever length

  bool operator==(const Edns&) const = default;
};

struct Message {
  Header header;
  Rcode rcode = Rcode::kNoError;  // with the upper bits from the OPT record
  std::vector<Question> questions;
  std::vector<Record> answers, authorities, additionals;  // without OPT
  std::optional<Edns> edns;

  bool operator==(const Message&) const = default;
};

enum class DecodeError : uint8_t {
  kShort,      // ends before what the counts promise
  kName,       // a name over the limits, or a pointer that is not backwards
  kRdata,      // rdata that does not fit its type
  kSecondOpt,  // RFC 6891 section 6.1.1: more than one, or not in additional
};
std::string_view to_string(DecodeError error);

// Octets behind the last record are ignored. Work and memory are linear in the
// length of the message.
[[nodiscard]] tl::expected<Message, DecodeError> decode(
    std::span<const uint8_t> bytes);

// The ID of a message of which only the beginning need be sound.
std::optional<uint16_t> peek_id(std::span<const uint8_t> bytes);

// Whether `reply` answers the query: RFC 7766 section 7 matches on the ID and,
// "if present", the question. Only a reply without records may leave it out, as
// servers that could not parse the query do.
bool matches(const Message& reply, uint16_t id, const Question& question);

}  // namespace happy::dns
