#include "core/resolvers.h"

#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/dns/message.h"
#include "core/net/load_tls.h"
#include "core/net/loop.h"
#include "core/net/loop_timer.h"

namespace happy {

namespace {

// The server answers, but is not whom the policy means.
bool is_wrong_server(net::DotFailure failure) {
  switch (failure) {
    case net::DotFailure::kWrongPin:
    case net::DotFailure::kWrongName:
    case net::DotFailure::kExpired:
    case net::DotFailure::kUntrusted:
    case net::DotFailure::kNoTrustStore:
      return true;
    default:
      return false;
  }
}

std::string_view text_of(const void* octets, size_t size) {
  return {static_cast<const char*>(octets), size};
}

int keep_ticket(void* context, const void* key, size_t key_size,
                const void* ticket, size_t size) {
  auto* const shared = static_cast<SharedState*>(context);
  return shared->keep_ticket(text_of(key, key_size), text_of(ticket, size)) ? 1
                                                                            : 0;
}

size_t take_ticket(void* context, const void* key, size_t key_size,
                   void* ticket, size_t room) {
  auto* const shared = static_cast<SharedState*>(context);
  const std::string taken = shared->take_ticket(text_of(key, key_size));
  if (taken.size() > room) return 0;
  std::copy(taken.begin(), taken.end(), static_cast<char*>(ticket));
  return taken.size();
}

// nullptr, with a line in the log, where libhappy-tls.so cannot be used.
const happy_tls* tls_of(const happy_host* host) {
  const int flags =
      RTLD_NOW | RTLD_LOCAL | (host->deep_bind != 0 ? RTLD_DEEPBIND : 0);
  const auto tls = net::load_tls(
      host->library_folder != nullptr ? host->library_folder : "", flags);
  if (!tls) {
    host->log(HAPPY_LOG_ERROR, tls.error().data(), tls.error().size());
  }
  return tls.value_or(nullptr);
}

}  // namespace

void warm_resolvers(const config::Policy& policy, const happy_host* host) {
  const happy_tls* tls =
      policy.uses_encrypted_resolver() ? tls_of(host) : nullptr;
  if (tls == nullptr) return;
  for (const config::Resolver& resolver : policy.resolvers) {
    happy_tls_config config{};
    if (!resolver.auth_name.empty())
      config.auth_name = resolver.auth_name.c_str();
    if (!resolver.ca_file.empty()) config.ca_file = resolver.ca_file.c_str();
    tls->warm(&config, nullptr, 0);
  }
}

struct Resolvers::Question {
  Question(uv_loop_t* loop, std::vector<size_t> order, dns::Name asked,
           dns::Type asked_type)
      : race(std::move(order)),
        name(std::move(asked)),
        type(asked_type),
        timer(loop) {}

  Choice choice;
  dns::ResolverRace race;
  dns::Name name;
  dns::Type type;
  Time deadline;
  std::function<void(ReplyResult)> done;  // empty once called
  std::map<size_t, net::DotError> errors;
  std::optional<Reply> best;  // the usable one, or SERVFAIL and the like
  net::LoopTimer timer;
};

Resolvers::Resolvers(uv_loop_t* loop, const config::Policy* policy,
                     const happy_host* host, SharedState* shared,
                     std::function<state::NetworkId()> network)
    : loop_(loop),
      policy_(policy),
      host_(host),
      shared_(shared),
      tickets_{shared, keep_ticket, take_ticket},
      network_(std::move(network)),
      health_(policy->resolvers.size()) {}

std::unique_ptr<net::DotClient> Resolvers::make_client(
    const config::Resolver& resolver,
    const dns::ResolverKnowledge& known) const {
  return std::make_unique<net::DotClient>(
      loop_, resolver, [host = host_] { return tls_of(host); },
      net::DescriptorPolicy{host_->own_descriptor, host_->close_descriptor},
      net::DotShared{
          shared_ != nullptr && resolver.authenticated ? &tickets_ : nullptr,
          known});
}

net::DotClient& Resolvers::client(size_t resolver, bool opportunistic) {
  const auto found = unauthenticated_.find(resolver);
  if (opportunistic && found != unauthenticated_.end() &&
      found->second->fall_back.is_taken(net::monotonic_now()))
    return *found->second->client;
  auto& slot = clients_[resolver];
  if (slot == nullptr)
    slot = make_client(policy_->resolvers[resolver], recalled_[resolver]);
  return *slot;
}

// Whether the resolver is to be asked once more, whoever it is.
bool Resolvers::try_unauthenticated(const Question& question, size_t resolver,
                                    const net::DotResult& result) {
  if (result || !question.choice.opportunistic ||
      !is_wrong_server(result.error().failure))
    return false;
  auto& slot = unauthenticated_[resolver];
  if (slot == nullptr) {
    slot = std::make_unique<Unauthenticated>();
    slot->resolver = policy_->resolvers[resolver];
    slot->resolver.authenticated = false;
    slot->client = make_client(slot->resolver, {});
  }
  if (!slot->fall_back.begin(net::monotonic_now())) return true;  // was told
  const std::string line = result.error().text +
                           "; it is asked all the same for an hour, encrypted "
                           "but not authenticated";
  host_->log(HAPPY_LOG_WARN, line.data(), line.size());
  return true;
}

void Resolvers::ask(const Choice& choice, const dns::Name& name, dns::Type type,
                    Time deadline, std::function<void(ReplyResult)> done) {
  const Time now = net::monotonic_now();
  for (const size_t resolver : choice.resolvers) recall(resolver);
  auto question = std::make_shared<Question>(
      loop_, dns::well_first(choice.resolvers, health_, now), name, type);
  question->choice = choice;
  question->deadline = deadline;
  question->done = std::move(done);
  perform(question, question->race.begin(now));
}

void Resolvers::perform(const std::shared_ptr<Question>& question,
                        const dns::ResolverRace::Step& step) {
  if (step.wake) {
    question->timer.at(*step.wake, [this, weak = std::weak_ptr(question)] {
      const auto alive = weak.lock();
      if (alive && alive->done)
        perform(alive, alive->race.tick(net::monotonic_now()));
    });
  } else {
    question->timer.stop();
  }
  if (step.ask) query(question, *step.ask);
}

void Resolvers::query(const std::shared_ptr<Question>& question,
                      size_t resolver) {
  client(resolver, question->choice.opportunistic)
      .query(question->name.to_string(), static_cast<uint16_t>(question->type),
             question->deadline,
             [this, question, resolver](net::DotResult result) {
               answered(question, resolver, std::move(result));
             });
}

// Also of what comes too late. A fault of this machine says nothing.
void Resolvers::note_health(size_t resolver, const net::DotResult& result) {
  if (result)
    health_[resolver].succeeded();
  else if (result.error().failure != net::DotFailure::kLocal)
    health_[resolver].failed(net::monotonic_now());
}

// What other processes have found.
void Resolvers::recall(size_t resolver) {
  const auto [place, is_new] = recalled_.try_emplace(resolver);
  if (!is_new) return;
  const config::Resolver& whom = policy_->resolvers[resolver];
  dns::ResolverKnowledge& known = place->second;
  known.addresses.resize(whom.addresses.size());
  if (shared_ == nullptr) return;
  const auto found = shared_->find({state::identity_of(whom), network_()});
  if (!found || found->addresses.size() != whom.addresses.size()) return;
  known = *found;
  health_[resolver] = known.health;
}

// Only where it is news: of a resolver that is well nothing is written.
void Resolvers::share(size_t resolver) {
  const auto client = clients_.find(resolver);
  if (shared_ == nullptr || client == clients_.end()) return;
  auto known = client->second->knowledge();
  known.health = health_[resolver];
  if (known == recalled_[resolver]) return;
  recalled_[resolver] = known;
  shared_->keep({state::identity_of(policy_->resolvers[resolver]), network_()},
                known);
}

void Resolvers::answered(const std::shared_ptr<Question>& question,
                         size_t resolver, net::DotResult result) {
  const bool once_more = try_unauthenticated(*question, resolver, result);
  // Silence about HTTPS records is that of some far server, not the resolver's.
  const bool is_extra = question->type == dns::Type::kHttps && !result;
  if (!once_more && !is_extra) note_health(resolver, result);
  share(resolver);
  if (!question->done) return;  // another was first
  if (once_more) return query(question, resolver);
  bool usable = false;
  if (!result) {
    question->errors.emplace(resolver, result.error());
  } else {
    const auto message = dns::decode(result->message);
    Reply reply{resolver, {}, std::move(result->timings), {}};
    if (message) {
      reply.answer = dns::interpret(*message, {question->name, question->type});
    }
    reply.message = std::move(result->message);
    usable = !reply.answer.is_failure();
    if (!question->best || usable) question->best = std::move(reply);
  }
  const auto step = question->race.result(usable, net::monotonic_now());
  if (!step.over) return perform(question, step);
  const auto done = std::exchange(question->done, nullptr);
  question->timer.stop();
  if (question->best) return done(std::move(*question->best));
  for (const size_t candidate : question->choice.resolvers) {
    const auto error = question->errors.find(candidate);
    if (error != question->errors.end())
      return done(tl::make_unexpected(std::move(error->second)));
  }
}

}  // namespace happy
