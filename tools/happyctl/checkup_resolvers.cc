#include "tools/happyctl/checkup_resolvers.h"

#include <uv.h>

#include <list>

#include "core/net/clock.h"

namespace happyctl {
namespace {

using happy::config::Resolver;
using happy::net::DotClient;

constexpr std::chrono::seconds kPatience{5};
constexpr uint16_t kNs = 2;

// One address of a resolver, as a resolver of its own.
struct Call {
  Call(uv_loop_t* loop, Resolver alone, const happy_tls* tls)
      : resolver(std::move(alone)),
        client(loop, resolver, [tls] { return tls; }) {}

  const Resolver resolver;
  DotClient client;
};

}  // namespace

std::vector<ResolverCheck> check_resolvers(const happy::config::Policy& policy,
                                           const happy_tls* tls) {
  std::vector<ResolverCheck> out;
  for (const Resolver& resolver : policy.resolvers) {
    out.push_back({&resolver, {}});
    for (const auto& address : resolver.addresses)
      out.back().addresses.push_back({address, {}});
  }
  uv_loop_t loop;
  uv_loop_init(&loop);
  std::list<Call> calls;
  size_t pending = 0;
  const auto deadline = happy::net::monotonic_now() + kPatience;
  for (ResolverCheck& check : out) {
    for (AddressCheck& one : check.addresses) {
      Resolver alone = *check.resolver;
      alone.addresses = {one.address};
      ++pending;
      calls.emplace_back(&loop, std::move(alone), tls)
          .client.query(".", kNs, deadline,
                        [&one, &pending](happy::net::DotResult result) {
                          one.result = std::move(result);
                          --pending;
                        });
    }
  }
  while (pending > 0) uv_run(&loop, UV_RUN_ONCE);
  calls.clear();
  uv_run(&loop, UV_RUN_DEFAULT);  // frees what is closing
  uv_loop_close(&loop);
  return out;
}

}  // namespace happyctl
