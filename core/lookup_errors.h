// What the failures of resolvers and look-ups are called on either side: causes
// for the state machine, getaddrinfo(3)'s codes for the caller.
#pragma once

#include <string>

#include "core/dns/resolution.h"
#include "core/net/dot_error.h"

namespace happy {

// NXDOMAIN is EAI_NONAME, an empty answer EAI_NODATA, whatever may pass
// EAI_AGAIN, and a refusal EAI_FAIL.
int to_eai(dns::FailureKind kind);
dns::QueryFailure query_failure(net::DotFailure failure);
// In getaddrinfo(3)'s words: "EAI_AGAIN"; "ok" for 0.
std::string eai_name(int eai);

}  // namespace happy
