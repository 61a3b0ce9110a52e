// Special-use names (RFC 6761, RFC 6762, RFC 7686) that never leave the
// machine, and what they resolve to. Everything else, .test and home.arpa
// too, is asked where the policy says.
#pragma once

#include <optional>
#include <string_view>

#include "core/dns/answer.h"

namespace happy::dns {

enum class SpecialUse : uint8_t {
  kNone,
  kLocalhost,  // localhost and below: loopback (RFC 6761 section 6.3)
  kInvalid,    // .invalid: no such name (RFC 6761 section 6.4)
  kOnion,      // .onion: Tor only (RFC 7686 section 2)
  kLocal,      // .local: multicast DNS only (RFC 6762 section 22.1)
};

SpecialUse special_use(const Name& name);

// One phrase for the log, such as ".onion names are never sent to DNS (RFC
// 7686)"; empty for kNone.
std::string_view reason(SpecialUse use);

// The answer to a question for (name, type) that needs no resolver, or nullopt:
// then the resolver is to be asked. Never to be cached (no ttl).
std::optional<Answer> special_answer(const Name& name, Type type);

}  // namespace happy::dns
