#include "core/lookup_errors.h"

#include <netdb.h>

namespace happy {

int to_eai(dns::FailureKind kind) {
  switch (kind) {
    case dns::FailureKind::kNoName:
      return EAI_NONAME;
    case dns::FailureKind::kNoData:
      return EAI_NODATA;
    case dns::FailureKind::kTryAgain:
      return EAI_AGAIN;
    case dns::FailureKind::kFail:
      return EAI_FAIL;
  }
  return EAI_FAIL;
}

dns::QueryFailure query_failure(net::DotFailure failure) {
  switch (failure) {
    case net::DotFailure::kSilent:
      return dns::QueryFailure::kTimeout;
    case net::DotFailure::kWrongPin:
    case net::DotFailure::kWrongName:
    case net::DotFailure::kExpired:
    case net::DotFailure::kUntrusted:
    case net::DotFailure::kNoTrustStore:
      return dns::QueryFailure::kAuthentication;
    case net::DotFailure::kRefused:
    case net::DotFailure::kUnreachable:
    case net::DotFailure::kReset:
    case net::DotFailure::kTls:
    case net::DotFailure::kProtocol:
    case net::DotFailure::kLocal:
      return dns::QueryFailure::kTransport;
  }
  return dns::QueryFailure::kTransport;
}

std::string eai_name(int eai) {
  switch (eai) {
    case 0:
      return "ok";
    case EAI_NONAME:
      return "EAI_NONAME";
    case EAI_NODATA:
      return "EAI_NODATA";
    case EAI_AGAIN:
      return "EAI_AGAIN";
    case EAI_FAIL:
      return "EAI_FAIL";
    default:
      return std::to_string(eai);
  }
}

}  // namespace happy
