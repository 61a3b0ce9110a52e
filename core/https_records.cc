// HTTPS records (RFC 9460) of strict names, for rules with `https_records`: are
// asked for beside a look-up's addresses and never waited for. What they lead
// to are alternatives for connects to port 443.
#include <algorithm>
#include <deque>

#include "core/dns/private_addresses.h"
#include "core/dns/special.h"
#include "core/engine_impl.h"

namespace happy {
namespace {

// The port of "https" alone: for others the records have other names
// (RFC 9460 section 9.1), and whether a program means https is unknown.
constexpr uint16_t kHttpsPort = 443;

bool contains(const std::vector<IpAddress>& list, const IpAddress& address) {
  return std::find(list.begin(), list.end(), address) != list.end();
}

}  // namespace

// Any thread that carries the look-up: with the first question for one of its
// names. `wanted`: the families that may be of use.
void Engine::begin_services(Lookup* lookup, size_t name_index,
                            const std::vector<Family>& wanted) {
  if (!rule(lookup->rules[name_index]).https_records) return;
  if (lookup->services && lookup->services->name_index == name_index) return;
  const dns::Name& name = lookup->machine->name(name_index);
  lookup->services.reset();
  if (dns::special_use(name) != dns::SpecialUse::kNone) return;
  auto& services = lookup->services.emplace(Lookup::Services{
      .name_index = name_index, .machine = dns::ServiceLookup(name, wanted)});
  answer_services(lookup, services.machine.begin());
}

// What the cache knows goes in at once; the rest is noted for the loop.
void Engine::answer_services(Lookup* lookup,
                             std::vector<dns::ServiceQuestion> questions) {
  Lookup::Services& services = *lookup->services;
  std::deque<dns::ServiceQuestion> open(questions.begin(), questions.end());
  while (!open.empty()) {
    const dns::ServiceQuestion question = std::move(open.front());
    open.pop_front();
    const auto known = cached_service(*lookup, question);
    if (!known && !was_silent(*lookup, question)) {
      services.asks.push_back(question);
      continue;
    }
    const auto more =
        services.machine.step(question, known ? &*known : nullptr);
    open.insert(open.end(), more.begin(), more.end());
  }
}

std::optional<dns::Answer> Engine::cached_service(
    const Lookup& lookup, const dns::ServiceQuestion& question) {
  const Time now = net::monotonic_now();
  const size_t index = lookup.rules[lookup.services->name_index];
  for (const auto& [resolver, key] : cache_keys(rule(index))) {
    std::optional<dns::CacheHit> hit;
    {
      const std::lock_guard lock(mutex_);
      hit = cache_.find(key, question.name, question.type, now);
    }
    if (!hit || hit->expired) continue;
    trace_service(question, hit->answer, resolver, "cache");
    return std::move(hit->answer);
  }
  return std::nullopt;
}

bool Engine::was_silent(const Lookup& lookup,
                        const dns::ServiceQuestion& question) {
  const std::lock_guard lock(mutex_);
  return unanswered_.is_noted(lookup.rules[lookup.services->name_index],
                              question.name, question.type,
                              net::monotonic_now());
}

void Engine::trace_service(const dns::ServiceQuestion& question,
                           const dns::Answer& answer,
                           const std::string& resolver,
                           std::string_view source) {
  if (!trace_.on()) return;
  const std::string name = question.name.to_string();
  if (question.type == dns::Type::kHttps) {
    trace_.services(name, answer, resolver, source);
  } else {
    trace_.answer(name, dns::to_string(question.type), answer.addresses,
                  answer.ttl ? static_cast<long>(answer.ttl->count()) : -1,
                  resolver, source);
  }
}

// Loop thread.
void Engine::ask_services(const std::shared_ptr<Lookup>& lookup) {
  if (!lookup->services) return;
  const size_t name_index = lookup->services->name_index;
  for (const auto& question : std::exchange(lookup->services->asks, {})) {
    const config::Rule& asked_by = rule(lookup->rules[name_index]);
    helper_->resolvers->ask(
        {asked_by.resolvers,
         asked_by.profile == config::Profile::kOpportunistic},
        question.name, question.type, lookup->deadline,
        [this, lookup, name_index, question](ReplyResult result) {
          service_replied(lookup, name_index, question, std::move(result));
        });
  }
}

void Engine::service_replied(const std::shared_ptr<Lookup>& lookup,
                             size_t name_index,
                             const dns::ServiceQuestion& question,
                             ReplyResult result) {
  if (result) {
    keep_service(question, *result);
  } else if (result.error().failure == net::DotFailure::kSilent) {
    const std::lock_guard lock(mutex_);
    unanswered_.note(lookup->rules[name_index], question.name, question.type,
                     net::monotonic_now());
  }
  // The look-up may have failed, or gone on to the search list's next name.
  if (!lookup->services || lookup->services->name_index != name_index) return;
  answer_services(lookup.get(),
                  lookup->services->machine.step(
                      question, result ? &result->answer : nullptr));
  join_services(lookup.get());
  ask_services(lookup);
}

void Engine::keep_service(const dns::ServiceQuestion& question,
                          const Reply& reply) {
  const std::string& resolver = policy_->resolvers[reply.resolver].name;
  const dns::Answer& answer = reply.answer;
  trace_service(question, answer, resolver,
                reply.timings.authenticated ? "dot" : "unauthenticated");
  if (answer.fault == dns::Fault::kServices) {
    log(HAPPY_LOG_INFO, "the HTTPS records of \"" + question.name.to_string() +
                            "\" are malformed and ignored");
  }
  // Servers that do not know the type have denied names that exist (RFC 4074
  // section 4.2): of the name itself its addresses tell.
  if (question.type == dns::Type::kHttps &&
      answer.status == dns::AnswerStatus::kNoName)
    return;
  const std::lock_guard lock(mutex_);
  cache_.put(cache_key(resolver, reply.timings.authenticated), question.name,
             question.type, answer, net::monotonic_now());
}

// The endpoints that the records lead to so far, as the look-up and its rule
// allow. Those that the look-up has by itself are left out.
std::vector<Endpoint> Engine::alternatives(Lookup* lookup) {
  std::vector<Endpoint> out;
  if (!lookup->services) return out;
  Lookup::Services& services = *lookup->services;
  const std::vector<IpAddress>& own = services.own;
  for (dns::Alternative& found : services.machine.found()) {
    add_translated(lookup->nat64, &found.addresses);
    const uint16_t port = found.port.value_or(kHttpsPort);
    if (found.own)
      found.addresses.insert(found.addresses.begin(), own.begin(), own.end());
    for (const IpAddress& address : found.addresses) {
      const bool known = port == kHttpsPort && contains(own, address);
      if (known || out.size() == kMaxAlternatives) continue;
      if (lookup->raced.has(address.family) && !is_refused(lookup, address))
        out.push_back({address, port});
    }
  }
  return out;
}

// The rule's guard against DNS rebinding.
bool Engine::is_refused(Lookup* lookup, const IpAddress& address) {
  Lookup::Services& services = *lookup->services;
  if (!rule(lookup->rules[services.name_index]).refuse_private) return false;
  if (!dns::is_private(address)) return false;
  if (!std::exchange(services.refused, true)) {
    log(HAPPY_LOG_WARN, "\"" + lookup->name +
                            "\": the policy refuses the private address " +
                            address.to_string() + " of its HTTPS records");
  }
  return true;
}

// With mutex_ held, when the look-up is answered.
void Engine::note_services(const Lookup& lookup,
                           std::vector<Endpoint> alternatives) {
  if (!lookup.services) return;
  if (lookup.services->machine.done()) {
    awaited_services_.erase(*lookup.remembered);
  } else if (!awaited_services_.contains(*lookup.remembered)) {
    awaited_services_[*lookup.remembered] =
        net::monotonic_now() + rule(lookup.rule_used).race.resolution_delay;
  }
  names_.set_alternatives(*lookup.remembered, std::move(alternatives));
}

// Loop thread: something came after the answer, for races under way and to
// come.
void Engine::join_services(Lookup* lookup) {
  if (!lookup->services || !lookup->remembered) return;
  const std::vector<Endpoint> all = alternatives(lookup);
  {
    const std::lock_guard lock(mutex_);
    note_services(*lookup, all);
  }
  for (StartedRace* race : ledger_->races_of(*lookup->remembered)) {
    if (!race->takes_services) continue;
    race::Joined joined{.candidates = all,
                        .more = !lookup->services->machine.done()};
    std::erase_if(joined.candidates, [&](const Endpoint& endpoint) {
      return !race->usable.has(endpoint.address.family);
    });
    helper_->races->joined(race->id, joined);
  }
}

// Under mutex_: the plan's alternatives, and whether more may come. A rule's
// own alternatives to the port are the user's word, and go before.
void Engine::weigh_services(const config::Rule& rule, Plan* plan) {
  state::Candidates& known = plan->known;
  plan->takes_services = rule.https_records && rule.race.enabled &&
                         known.lookups.size() == 1 &&
                         plan->ports == std::vector<uint16_t>{kHttpsPort};
  for (auto* list : {&known.alternatives, &known.deferred_alternatives}) {
    std::erase_if(*list, [&](const Endpoint& endpoint) {
      return !plan->takes_services ||
             !plan->usable.has(endpoint.address.family);
    });
  }
  if (!plan->takes_services) return;
  const auto awaited = awaited_services_.find(known.lookups.front());
  if (awaited != awaited_services_.end())
    plan->begin.others_until = awaited->second;
}

}  // namespace happy
