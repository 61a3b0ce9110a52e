// What a scripted DNS server answers: names with their records, RCODEs, delays
// and faults, and the wire form of a reply. Its own small encoder, apart from
// the product's, so that one cannot hide the other's errors. No sockets.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace happy::test {

using Octets = std::vector<uint8_t>;

struct Question {
  uint16_t id = 0;
  std::string name;  // lower case, without the final dot
  uint16_t type = 0;
  Octets raw;  // the question section as it came
  bool edns = false;
  bool keepalive = false;    // RFC 7828 option sent
  bool ecs_opt_out = false;  // RFC 7871, source prefix 0
  size_t message_size = 0;
};

// nullopt: not a query with one question.
std::optional<Question> parse_query(const Octets& message);

// What goes wrong with one name's reply.
enum class ReplyFault {
  kNone,
  kDrop,           // never answered
  kWrongId,        // a false ID first, then nothing
  kWrongQuestion,  // the ID right, another name
  kTwice,          // the same reply two times
  kUnsolicited,    // a reply that nobody asked for, then the right one
  kTruncated,      // the TC flag, and no records
  kShortRdata,     // the message ends inside its last record
  kGarbage,        // two octets that are no DNS message
  kEmpty,          // a length of 0
  kOneOctet,       // a message of one octet
  kLargest,        // 65,535 octets, correct
  kPointerLoop,    // the owner of the first answer is a pointer to itself
  kOffChain,       // an address of another name stands before the right ones
  kCloseBefore,    // FIN in place of the reply
  kCloseInside,    // the length and half of the reply, then FIN
  kCloseAfter,     // the reply, then FIN
  kHalfClose,      // the reply, then FIN, but the server reads on
  kReset,          // RST in place of the reply
  kResetInside     // the length and half of the reply, then RST
};

struct Entry {
  std::map<uint16_t, std::vector<Octets>> records = {};  // type -> RDATA
  std::string cname = {};                                // or empty
  uint32_t ttl = 60;
  int rcode = 0;
  std::optional<uint16_t> ede = {};  // RFC 8914 INFO-CODE
  std::string ede_text = {};
  std::chrono::milliseconds delay{0};
  // By type, in place of `delay`; none: never answered.
  std::map<uint16_t, std::optional<std::chrono::milliseconds>> delays = {};
  ReplyFault fault = ReplyFault::kNone;
  // RCODE, delay and fault are of answers of this type alone.
  std::optional<uint16_t> only = {};

  bool is_odd_for(uint16_t type) const { return !only || *only == type; }
  Entry& a(const std::string& address);
  Entry& aaaa(const std::string& address);
  Entry& txt(const std::string& text);
  std::optional<std::chrono::milliseconds> delay_of(uint16_t type) const;
  Entry& https(const Octets& rdata);
};

struct Zone {
  std::map<std::string, Entry> names;  // lower case, without the final dot
  // The SOA MINIMUM of negative answers; none: no SOA is sent.
  std::optional<uint32_t> negative_ttl = 60;
  // RFC 7828, in units of 100 ms; sent where the client offered the option.
  std::optional<uint16_t> keepalive;

  const Entry* find(const std::string& name) const;
  // A reply with everything but the faults; unknown names are NXDOMAIN.
  Octets reply(const Question& question) const;
};

// Reads {"negative_ttl": 60, "keepalive": 100, "names": {"a.example": {"A":
// ["192.0.2.1"], "AAAA": [], "CNAME": "b.example", "TXT": ["t"], "HTTPS":
// ["000100"], "ttl": 60, "rcode": "NXDOMAIN", "delay_ms": 5, "fault": "drop",
// "ede": 15}}}. A delay may be one by type, {"AAAA": 80, "A": null}; null: no
// reply comes. Throws std::exception with a message where it cannot.
Zone parse_zone(const std::string& json);

// The reply with what is wrong about the message itself; the connection sees
// to the rest. `fault` may be any.
Octets spoil(Octets reply, ReplyFault fault);

Octets encode_name(const std::string& name);

}  // namespace happy::test
