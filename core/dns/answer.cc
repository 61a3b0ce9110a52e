#include "core/dns/answer.h"

#include <algorithm>
#include <set>

#include "core/dns/edns.h"

namespace happy::dns {
namespace {

constexpr size_t kMaxErrorText = 512;

std::string extended_error_text(const Message& reply) {
  std::string out;
  if (!reply.edns) return out;
  for (const ExtendedError& error : reply.edns->errors) {
    if (!out.empty()) out += "; ";
    out += std::to_string(error.code);
    const auto name = extended_error_name(error.code);
    if (!name.empty()) out += " (" + std::string(name) + ")";
    if (!error.text.empty()) out += ": ";
    // The text is the network's: it must not steer a terminal or a log.
    for (const char c : error.text.substr(0, kMaxErrorText)) {
      out += c >= ' ' && c <= '~' ? c : '?';
    }
    if (out.size() >= kMaxErrorText) break;
  }
  out.resize(std::min(out.size(), kMaxErrorText));
  return out;
}

AnswerStatus status_of(Rcode rcode) {
  switch (rcode) {
    case Rcode::kNoError:
      return AnswerStatus::kNoData;  // until addresses are found
    case Rcode::kNameError:
      return AnswerStatus::kNoName;
    case Rcode::kFormatError:
    case Rcode::kNotImplemented:
    case Rcode::kRefused:
      return AnswerStatus::kRefused;
    case Rcode::kServerFailure:
    case Rcode::kBadVersion:
      break;
  }
  return AnswerStatus::kServerFailure;
}

void lower(std::optional<std::chrono::seconds>& ttl, uint32_t seconds) {
  const std::chrono::seconds value(seconds);
  ttl = ttl ? std::min(*ttl, value) : value;
}

const Record* find_cname(const Message& reply, const Name& owner) {
  for (const Record& record : reply.answers) {
    if (record.type == Type::kCname &&
        std::holds_alternative<Name>(record.data) && record.owner == owner) {
      return &record;
    }
  }
  return nullptr;
}

// Walks from the question's name to the end of its chain.
Fault follow_chain(const Message& reply, const Question& question,
                   Answer& out) {
  std::vector<Name>& seen = out.aliases;
  out.canonical = question.name;
  while (const Record* cname = find_cname(reply, out.canonical)) {
    const Name& target = std::get<Name>(cname->data);
    seen.push_back(out.canonical);
    if (std::find(seen.begin(), seen.end(), target) != seen.end()) {
      return Fault::kChainLoop;
    }
    if (seen.size() > kMaxChain) return Fault::kChainTooLong;
    lower(out.ttl, cname->ttl_seconds);
    out.canonical = target;
  }
  return Fault::kNone;
}

void take_addresses(const Message& reply, Type type, Answer& out) {
  std::set<IpAddress> seen;
  for (const Record& record : reply.answers) {
    const auto* address = std::get_if<IpAddress>(&record.data);
    if (address == nullptr || record.type != type) continue;
    if (!(record.owner == out.canonical)) continue;
    lower(out.ttl, record.ttl_seconds);
    if (seen.insert(*address).second) out.addresses.push_back(*address);
  }
}

// RFC 9460: one malformed record spoils the set (section 2.2), an alias rules
// out all else (section 2.4.1).
void take_services(const Message& reply, Answer& out) {
  for (const Record& record : reply.answers) {
    const auto* raw = std::get_if<RawData>(&record.data);
    if (raw == nullptr || record.type != Type::kHttps) continue;
    if (record.record_class != kClassIn || !(record.owner == out.canonical))
      continue;
    lower(out.ttl, record.ttl_seconds);
    auto service = read_service(raw->octets);
    if (service) {
      out.services.push_back(std::move(*service));
    } else {
      out.fault = Fault::kServices;
    }
  }
  if (out.fault == Fault::kServices) return out.services.clear();
  const auto by_priority = [](const ServiceRecord& a, const ServiceRecord& b) {
    return a.priority < b.priority;
  };
  std::stable_sort(out.services.begin(), out.services.end(), by_priority);
  if (out.services.empty() || !out.services.front().is_alias()) return;
  std::erase_if(out.services,
                [](const ServiceRecord& one) { return !one.is_alias(); });
}

// What the reply says of the end of the chain.
void take_data(const Message& reply, Type type, Answer& out) {
  if (type == Type::kHttps) {
    take_services(reply, out);
    if (!out.services.empty()) out.status = AnswerStatus::kServices;
  } else {
    take_addresses(reply, type, out);
    if (!out.addresses.empty())
      out.status = AnswerStatus::kAddresses;
    else if (!out.aliases.empty())
      out.status = AnswerStatus::kDeadAlias;
  }
}

// RFC 2308 section 5: the SOA of a zone that holds the name, its own TTL and
// its MINIMUM, whichever is less; without one, nothing to keep.
void take_negative_ttl(const Message& reply, Answer& out) {
  for (const Record& record : reply.authorities) {
    const auto* soa = std::get_if<Soa>(&record.data);
    if (soa == nullptr || !out.canonical.is_within(record.owner)) continue;
    lower(out.ttl, std::min(record.ttl_seconds, soa->minimum));
    return;
  }
  out.ttl.reset();
}

std::string_view fault_text(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "a malformed reply";
    case Fault::kTruncated:
      return "a truncated reply";
    case Fault::kChainLoop:
      return "a CNAME loop";
    case Fault::kChainTooLong:
      return "a CNAME chain that is too long";
    case Fault::kServices:
      return "malformed HTTPS records";
  }
  return "";
}

Answer malformed(Answer out, Fault fault) {
  out.status = AnswerStatus::kMalformed;
  out.fault = fault;
  out.ttl.reset();
  return out;
}

}  // namespace

Answer interpret(const Message& reply, const Question& question) {
  Answer out{.status = status_of(reply.rcode),
             .addresses = {},
             .services = {},
             .canonical = question.name,
             .ttl = {},
             .fault = Fault::kNone,
             .rcode = reply.rcode,
             .extended_error = extended_error_text(reply)};
  if (reply.header.truncated) {
    return malformed(std::move(out), Fault::kTruncated);
  }
  if (out.status != AnswerStatus::kNoData &&
      out.status != AnswerStatus::kNoName) {
    return out;
  }
  const Fault fault = follow_chain(reply, question, out);
  if (fault != Fault::kNone) return malformed(std::move(out), fault);
  if (out.status == AnswerStatus::kNoData) take_data(reply, question.type, out);
  if (!out.is_positive() && out.fault == Fault::kNone)
    take_negative_ttl(reply, out);
  return out;
}

std::string_view to_string(AnswerStatus status) {
  switch (status) {
    case AnswerStatus::kAddresses:
      return "addresses";
    case AnswerStatus::kServices:
      return "HTTPS records";
    case AnswerStatus::kNoData:
      return "no data";
    case AnswerStatus::kDeadAlias:
      return "an alias without data";
    case AnswerStatus::kNoName:
      return "no such name";
    case AnswerStatus::kServerFailure:
      return "server failure";
    case AnswerStatus::kRefused:
      return "refused";
    case AnswerStatus::kMalformed:
      return "malformed";
  }
  return "";
}

std::string describe(const Answer& answer) {
  std::string out;
  switch (answer.status) {
    case AnswerStatus::kAddresses:
    case AnswerStatus::kServices:
    case AnswerStatus::kNoData:
    case AnswerStatus::kDeadAlias:
      out = to_string(answer.status);
      break;
    case AnswerStatus::kNoName:
    case AnswerStatus::kServerFailure:
    case AnswerStatus::kRefused:
      out = to_string(answer.rcode);
      break;
    case AnswerStatus::kMalformed:
      out = fault_text(answer.fault);
      break;
  }
  if (!answer.extended_error.empty()) {
    out += ", extended error " + answer.extended_error;
  }
  return out;
}

}  // namespace happy::dns
