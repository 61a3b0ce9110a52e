#include "core/net/dot_error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace happy::net {
namespace {

int weight(DotFailure failure) {
  switch (failure) {
    case DotFailure::kWrongPin:
    case DotFailure::kWrongName:
    case DotFailure::kExpired:
    case DotFailure::kUntrusted:
      return 8;
    case DotFailure::kNoTrustStore:
      return 7;
    case DotFailure::kTls:
      return 6;
    case DotFailure::kProtocol:
      return 5;
    case DotFailure::kReset:
      return 4;
    case DotFailure::kRefused:
      return 3;
    case DotFailure::kSilent:
      return 2;
    case DotFailure::kLocal:
      return 1;
    case DotFailure::kUnreachable:
      return 0;
  }
  return 0;
}

DotFailure from_tls(int failure) {
  switch (static_cast<happy_tls_failure>(failure)) {
    case HAPPY_TLS_WRONG_PIN:
      return DotFailure::kWrongPin;
    case HAPPY_TLS_WRONG_NAME:
      return DotFailure::kWrongName;
    case HAPPY_TLS_EXPIRED:
      return DotFailure::kExpired;
    case HAPPY_TLS_UNTRUSTED:
      return DotFailure::kUntrusted;
    case HAPPY_TLS_NO_TRUST_STORE:
      return DotFailure::kNoTrustStore;
    case HAPPY_TLS_PROTOCOL:
      return DotFailure::kTls;
    case HAPPY_TLS_TRANSPORT:
      return DotFailure::kReset;
    case HAPPY_TLS_OK:  // failed without a reason: out of memory
      return DotFailure::kLocal;
  }
  return DotFailure::kTls;
}

}  // namespace

DotError connect_error(int error) {
  switch (error) {
    case ECONNREFUSED:
      return {DotFailure::kRefused,
              "the connection was refused: nobody listens on that port"};
    case ETIMEDOUT:
      return {DotFailure::kSilent, "the port is silent: no answer to connect"};
    case ECONNRESET:
      return {DotFailure::kReset, "the connection was reset"};
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:  // no free local port, or descriptors are used up
    case EADDRNOTAVAIL:
      return {DotFailure::kLocal,
              std::string("no connection can be made from here: ") +
                  strerror(error)};
    default:
      return {DotFailure::kUnreachable,
              std::string("it cannot be reached: ") + strerror(error)};
  }
}

DotError tls_error(const happy_tls& tls, const happy_tls_session* session) {
  const DotFailure failure = from_tls(tls.failure(session));
  std::string text = tls.failure_text(session);
  if (text.empty()) text = "out of memory";
  return {failure, std::move(text)};
}

bool tells_more(const DotError& a, const DotError& b) {
  return weight(a.failure) > weight(b.failure);
}

std::string duration_text(Duration duration) {
  char text[32];
  if (duration < std::chrono::seconds(1))
    snprintf(text, sizeof text, "%lld ms",
             static_cast<long long>(duration.count() / 1000));
  else
    snprintf(text, sizeof text, "%.1f s",
             static_cast<double>(duration.count()) / 1e6);
  return text;
}

}  // namespace happy::net
