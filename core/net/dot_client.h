// One encrypted resolver: keeps a DNS-over-TLS connection to it, pipelines
// queries over it (RFC 7766, RFC 7858) and answers each exactly once. It
// decides nothing about names, caches or fall-backs. Loop thread only.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/policy.h"
#include "core/base/time.h"
#include "core/net/tls_abi.h"

namespace happy::net {

// Why a resolver gave no answer. Each is one message of its own.
enum class DotFailure : uint8_t {
  kRefused,    // nobody listens on the port
  kUnreachable,  // no route, ICMP
  kSilent,     // no reply to the SYN, the handshake or the query in time
  kReset,      // the connection broke and the one re-send failed too
  kWrongPin,
  kWrongName,
  kExpired,
  kUntrusted,
  kNoTrustStore,
  kTls,        // any other TLS failure
  kProtocol,   // bytes that are not DNS
  kLocal       // no descriptor, no memory, libhappy-tls.so missing
};

struct DotError {
  DotFailure failure;
  std::string text;  // one sentence for the log, naming resolver and cause
};

struct DotTimings {  // of the connection that carried the answer
  Duration connect{}, handshake{}, answer{};
  bool reused = false;
  std::string tls_version, cipher, authenticated_by;
  std::string address;
};

struct DotReply {
  std::vector<uint8_t> message;  // as the resolver sent it, without length
  DotTimings timings;
};

using DotResult = tl::expected<DotReply, DotError>;

class DotClient {
 public:
  // `tls` is what happy_tls_open() gave; all of them outlive the client.
  DotClient(uv_loop_t* loop, const config::Resolver& resolver,
            const happy_tls* tls);
  ~DotClient();  // pending queries are dropped without a call
  DotClient(const DotClient&) = delete;
  DotClient& operator=(const DotClient&) = delete;

  // Asks for (name, type) in class IN; `name` in presentation form without
  // escapes. `done` is called once, from the loop, not from inside query().
  // `deadline` bounds everything: connecting, the handshake and one re-send.
  void query(const std::string& name, uint16_t type, Time deadline,
             std::function<void(DotResult)> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace happy::net
