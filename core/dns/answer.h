// What a reply means for one question: addresses, HTTPS records, "no such
// name", "no such data", or why there is no answer. It follows CNAME chains
// inside one reply and believes nothing outside the question's chain. No
// queries, no cache.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ip.h"
#include "core/dns/message.h"
#include "core/dns/svcb.h"

namespace happy::dns {

enum class AnswerStatus : uint8_t {
  kAddresses,      // at least one
  kServices,       // at least one HTTPS record
  kNoData,         // the name exists, without addresses of this family
  kDeadAlias,      // it is an alias of such a name
  kNoName,         // NXDOMAIN
  kServerFailure,  // SERVFAIL, and every RCODE not named here
  kRefused,        // FORMERR, NOTIMP, REFUSED
  kMalformed,      // a reply that may not be believed: see `fault`
};
// "addresses", "no data", "no such name", ...
std::string_view to_string(AnswerStatus status);

// Why a reply is kMalformed, or what of it is ignored.
enum class Fault : uint8_t {
  kNone,
  kTruncated,     // TC over a stream (RFC 7766: no reason to set it)
  kChainLoop,     // a CNAME chain that comes back to itself
  kChainTooLong,  // more than kMaxChain CNAMEs
  // HTTPS records that are malformed (RFC 9460 section 2.2). The answer is
  // kNoData: it is as if there were none.
  kServices
};

inline constexpr int kMaxChain = 16;

struct Answer {
  AnswerStatus status = AnswerStatus::kMalformed;
  // In the order of the reply, without duplicates; empty unless kAddresses.
  std::vector<IpAddress> addresses;
  // The lowest priority first, aliases alone if there are any; empty unless
  // kServices.
  std::vector<ServiceRecord> services = {};
  // The end of the CNAME chain: the name that the status is about.
  Name canonical;
  // The chain before it, the question's name first.
  std::vector<Name> aliases = {};
  // How long it may be kept: the least TTL of the chain and the addresses;
  // for kNoData, kDeadAlias and kNoName also min(SOA TTL, SOA MINIMUM). None:
  // not to be cached (failures, and negatives without SOA, RFC 2308 section 5).
  std::optional<std::chrono::seconds> ttl;
  Fault fault = Fault::kNone;
  Rcode rcode = Rcode::kNoError;
  // RFC 8914 in words, for logs: "22 (No Reachable Authority): text", several
  // joined by "; "; at most 512 printable ASCII characters. Empty: none.
  std::string extended_error;

  bool is_positive() const {
    return status == AnswerStatus::kAddresses ||
           status == AnswerStatus::kServices;
  }
  // Whether the resolver could not say.
  bool is_failure() const {
    return !is_positive() && status != AnswerStatus::kNoData &&
           status != AnswerStatus::kDeadAlias &&
           status != AnswerStatus::kNoName;
  }
  bool operator==(const Answer&) const = default;
};

// `question` is for A, AAAA or HTTPS in class IN and `reply` matches it
// (message.h). Other types give kNoData where the reply is sound.
Answer interpret(const Message& reply, const Question& question);

// One word or phrase for a log line: "SERVFAIL", "NXDOMAIN", "no data",
// "a truncated reply", ... with the extended error behind it if there is one.
std::string describe(const Answer& answer);

}  // namespace happy::dns
