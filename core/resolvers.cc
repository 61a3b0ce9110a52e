#include "core/resolvers.h"

#include <dlfcn.h>

#include <optional>
#include <utility>

#include "core/dns/message.h"
#include "core/net/load_tls.h"
#include "core/net/loop.h"
#include "core/net/loop_timer.h"

namespace happy {

namespace {

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
    tls->warm(&config);
  }
}

struct Resolvers::Question {
  Question(uv_loop_t* loop, std::vector<size_t> resolvers, dns::Name asked,
           dns::Type asked_type)
      : candidates(std::move(resolvers)),
        name(std::move(asked)),
        type(asked_type),
        hedge(loop) {}

  std::vector<size_t> candidates;
  size_t next = 0;
  size_t outstanding = 0;
  dns::Name name;
  dns::Type type;
  Time deadline;
  std::function<void(ReplyResult)> done;  // empty once called
  std::optional<net::DotError> first_error;
  std::optional<Reply> best;  // the usable one, or SERVFAIL and the like
  net::LoopTimer hedge;
};

Resolvers::Resolvers(uv_loop_t* loop, const config::Policy* policy,
                     const happy_host* host)
    : loop_(loop), policy_(policy), host_(host) {}

net::DotClient& Resolvers::client(size_t resolver) {
  auto& slot = clients_[resolver];
  if (slot != nullptr) return *slot;
  const happy_tls* tls = tls_of(host_);
  slot = std::make_unique<net::DotClient>(
      loop_, policy_->resolvers[resolver], tls,
      net::DescriptorPolicy{host_->own_descriptor, host_->close_descriptor});
  return *slot;
}

void Resolvers::ask(const std::vector<size_t>& candidates,
                    const dns::Name& name, dns::Type type, Time deadline,
                    std::function<void(ReplyResult)> done) {
  auto question = std::make_shared<Question>(loop_, candidates, name, type);
  question->deadline = deadline;
  question->done = std::move(done);
  ask_next(question);
}

void Resolvers::ask_next(const std::shared_ptr<Question>& question) {
  if (!question->done || question->next == question->candidates.size()) return;
  const size_t resolver = question->candidates[question->next++];
  ++question->outstanding;
  client(resolver).query(
      question->name.to_string(), static_cast<uint16_t>(question->type),
      question->deadline, [this, question, resolver](net::DotResult result) {
        answered(question, resolver, std::move(result));
      });
  hedge_later(question);
}

void Resolvers::hedge_later(const std::shared_ptr<Question>& question) {
  if (question->next == question->candidates.size()) return;
  question->hedge.at(net::monotonic_now() + kHedgeAfter,
                     [this, weak = std::weak_ptr(question)] {
                       if (const auto alive = weak.lock()) ask_next(alive);
                     });
}

void Resolvers::answered(const std::shared_ptr<Question>& question,
                         size_t resolver, net::DotResult result) {
  --question->outstanding;
  if (!question->done) return;  // another was first
  bool usable = false;
  if (!result) {
    if (!question->first_error) question->first_error = result.error();
  } else {
    const auto message = dns::decode(result->message);
    Reply reply{resolver, {}, std::move(result->timings)};
    if (message) {
      reply.answer = dns::interpret(*message, {question->name, question->type});
    }
    usable = reply.answer.status == dns::AnswerStatus::kAddresses ||
             reply.answer.status == dns::AnswerStatus::kNoData ||
             reply.answer.status == dns::AnswerStatus::kNoName;
    if (!question->best || usable) question->best = std::move(reply);
  }
  const bool last = question->outstanding == 0 &&
                    question->next == question->candidates.size();
  if (!usable && !last) return ask_next(question);
  const auto done = std::exchange(question->done, nullptr);
  question->hedge.stop();
  if (question->best) return done(std::move(*question->best));
  done(tl::make_unexpected(std::move(*question->first_error)));
}

}  // namespace happy
