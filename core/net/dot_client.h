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
#include "core/dns/resolver_health.h"
#include "core/net/descriptor_policy.h"
#include "core/net/dot_error.h"
#include "core/net/load_tls.h"

namespace happy::net {

struct DotTimings {  // of the connection that carried the answer
  Duration connect{}, handshake{}, answer{};
  bool reused = false;
  bool authenticated = true;
  std::string tls_version, cipher, authenticated_by;
  std::string address;
};

struct DotReply {
  std::vector<uint8_t> message;  // as the resolver sent it, without length
  DotTimings timings;
};

using DotResult = tl::expected<DotReply, DotError>;

// From and for other processes.
struct DotShared {
  const happy_tls_tickets* tickets = nullptr;  // may be
  dns::ResolverKnowledge known{};
};

class DotClient {
 public:
  // Where `load_tls` gives nullptr every query fails with kLocal. Loop,
  // resolver, the table that it gives and the tickets outlive the client.
  DotClient(uv_loop_t* loop, const config::Resolver& resolver, LoadTls load_tls,
            DescriptorPolicy descriptors = {}, const DotShared& shared = {});
  // Pending queries are dropped without a call. May be called from `done`.
  // Every descriptor is closed when it returns; the loop has to turn once more
  // to free the memory of its handles.
  ~DotClient();
  DotClient(const DotClient&) = delete;
  DotClient& operator=(const DotClient&) = delete;

  // Asks for (name, type) in class IN; `name` in presentation form. `done` is
  // called once, from the loop, not from inside query(). `deadline` bounds
  // everything: connecting, the handshake and one re-send. Queries made in one
  // turn of the loop leave in one segment.
  void query(const std::string& name, uint16_t type, Time deadline,
             std::function<void(DotResult)> done);
  // Of the resolver's addresses.
  dns::ResolverKnowledge knowledge() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // its own callbacks keep it while they run
};

}  // namespace happy::net
