// The encrypted resolvers of the policy, and one question put to several of
// them: performs what dns::ResolverRace decides, and remembers which failed
// lately. Loop thread only.
#pragma once

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/policy.h"
#include "core/base/time.h"
#include "core/dns/answer.h"
#include "core/dns/resolver_health.h"
#include "core/dns/resolver_race.h"
#include "core/engine.h"
#include "core/net/dot_client.h"
#include "core/shared_state.h"

namespace happy {

// What became of a question.
struct Reply {
  size_t resolver;  // index into the policy's
  dns::Answer answer;
  net::DotTimings timings;
  std::vector<uint8_t> message;  // as it came
};
// Whom to ask: indices into the policy's resolvers, at least one, the first
// choice first. `opportunistic`: one that cannot be authenticated is asked all
// the same, and for an hour at once.
struct Choice {
  std::vector<size_t> resolvers;
  bool opportunistic = false;
};
// Every resolver failed; the error is that of the user's first choice.
using ReplyResult = tl::expected<Reply, net::DotError>;

// For hosts that chroot before their first look-up: loads libhappy-tls.so and
// the trust that the resolvers need. Before any loop runs.
void warm_resolvers(const config::Policy& policy, const happy_host* host);

class Resolvers {
 public:
  // `shared` may be nullptr; `network` says where the process is now.
  Resolvers(uv_loop_t* loop, const config::Policy* policy,
            const happy_host* host, SharedState* shared,
            std::function<state::NetworkId()> network);
  ~Resolvers() = delete;  // leaked with its loop

  // Those that failed lately are asked after the others. `done` is called once,
  // later, unless the loop is abandoned.
  void ask(const Choice& choice, const dns::Name& name, dns::Type type,
           Time deadline, std::function<void(ReplyResult)> done);

 private:
  struct Question;
  // One that believes whoever answers, after the server had not been whom the
  // policy means.
  struct Unauthenticated {
    config::Resolver resolver;
    std::unique_ptr<net::DotClient> client;
    dns::FallBack fall_back;
  };

  std::unique_ptr<net::DotClient> make_client(
      const config::Resolver& resolver,
      const dns::ResolverKnowledge& known) const;
  net::DotClient& client(size_t resolver, bool opportunistic);
  void query(const std::shared_ptr<Question>& question, size_t resolver);
  bool try_unauthenticated(const Question& question, size_t resolver,
                           const net::DotResult& result);
  void perform(const std::shared_ptr<Question>& question,
               const dns::ResolverRace::Step& step);
  void answered(const std::shared_ptr<Question>& question, size_t resolver,
                net::DotResult result);
  void note_health(size_t resolver, const net::DotResult& result);
  void recall(size_t resolver);
  void share(size_t resolver);

  uv_loop_t* const loop_;
  const config::Policy* const policy_;
  const happy_host* const host_;
  SharedState* const shared_;
  happy_tls_tickets tickets_{};  // other processes'
  std::unordered_map<size_t, std::unique_ptr<net::DotClient>> clients_;
  std::unordered_map<size_t, std::unique_ptr<Unauthenticated>> unauthenticated_;
  const std::function<state::NetworkId()> network_;
  std::vector<dns::Health> health_;  // of the policy's resolvers
  // As it was read or written last; none: not yet read.
  std::map<size_t, dns::ResolverKnowledge> recalled_;
};

}  // namespace happy
