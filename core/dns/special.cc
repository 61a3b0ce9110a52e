#include "core/dns/special.h"

#include <string>

namespace happy::dns {
namespace {

// The last label in lower case, which alone decides about every name here.
std::string top_level(Name name) {
  while (name.label_count() > 1) name = name.parent();
  return name.lowered().to_string();
}

std::vector<IpAddress> loopback(Type type) {
  if (type == Type::kA) return {IpAddress::v4(127, 0, 0, 1)};
  if (type != Type::kAaaa) return {};
  IpAddress v6{.family = Family::kIpv6};
  v6.bytes.back() = 1;
  return {v6};
}

}  // namespace

SpecialUse special_use(const Name& name) {
  const std::string top = top_level(name);
  if (top == "localhost") return SpecialUse::kLocalhost;
  if (top == "invalid") return SpecialUse::kInvalid;
  if (top == "onion") return SpecialUse::kOnion;
  if (top == "local") return SpecialUse::kLocal;
  return SpecialUse::kNone;
}

std::string_view reason(SpecialUse use) {
  switch (use) {
    case SpecialUse::kNone:
      return "";
    case SpecialUse::kLocalhost:
      return "localhost is always the loopback address (RFC 6761)";
    case SpecialUse::kInvalid:
      return ".invalid names never exist (RFC 6761)";
    case SpecialUse::kOnion:
      return ".onion names are never sent to DNS (RFC 7686)";
    case SpecialUse::kLocal:
      return ".local names are for multicast DNS only (RFC 6762)";
  }
  return "";
}

std::optional<Answer> special_answer(const Name& name, Type type) {
  const SpecialUse use = special_use(name);
  if (use == SpecialUse::kNone) return std::nullopt;
  Answer out{.status = AnswerStatus::kNoName,
             .addresses = {},
             .canonical = name,
             .ttl = {},
             .fault = Fault::kNone,
             .rcode = Rcode::kNameError,
             .extended_error = {}};
  if (use != SpecialUse::kLocalhost) return out;
  out.addresses = loopback(type);
  out.rcode = Rcode::kNoError;
  out.status =
      out.addresses.empty() ? AnswerStatus::kNoData : AnswerStatus::kAddresses;
  return out;
}

}  // namespace happy::dns
