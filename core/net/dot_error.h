// Why a resolver gave no answer: kinds to act on, and one sentence for a log
// that a user can act on. Values only.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/time.h"
#include "core/net/tls_abi.h"

namespace happy::net {

// Each is one message of its own.
enum class DotFailure : uint8_t {
  kRefused,      // nobody listens on the port
  kUnreachable,  // no route, ICMP
  kSilent,       // no reply to the SYN, the handshake or the query in time
  kReset,        // the connection broke and the one re-send failed too
  kWrongPin,
  kWrongName,
  kExpired,
  kUntrusted,
  kNoTrustStore,
  kTls,       // any other TLS failure
  kProtocol,  // bytes that are not DNS
  kLocal      // no descriptor, no memory, libhappy-tls.so missing
};

struct DotError {
  DotFailure failure = DotFailure::kLocal;
  std::string text;  // one sentence for the log, naming resolver and cause
};

// Of a connect(2) that failed; the text has no resolver in front yet.
DotError connect_error(int error);
// Of a session that failed.
DotError tls_error(const happy_tls& tls, const happy_tls_session* session);
// Which of two failed addresses tells a user more: a wrong pin more than a
// closed port, that more than silence.
bool tells_more(const DotError& a, const DotError& b);
// "5.0 s", "250 ms".
std::string duration_text(Duration duration);

}  // namespace happy::net
