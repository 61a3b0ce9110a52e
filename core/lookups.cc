// Look-ups of strict names: hosts file, special names and cache on the caller's
// thread; whatever must be asked, on the loop.
#include <linux/futex.h>
#include <netdb.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <deque>

#include "core/address_abi.h"
#include "core/dns/private_addresses.h"
#include "core/dns/special.h"
#include "core/engine_impl.h"
#include "core/idna.h"
#include "core/lookup_errors.h"

namespace happy {
namespace {

// A list that is whole is worth a moment more than RFC 8305's "at once": a
// program that can use IPv4 only finds nothing in a list without it.
constexpr Duration kPreferredFirstDelay{20'000};

// Resolvers give up this much before the look-up does, so that the failure has
// a cause to tell. resolve_ms is at least 100.
constexpr Duration kHeadStart{20'000};

// Of those families, what the rule allows.
state::Families allowed(const config::Rule& rule, state::Families families) {
  const auto has = [&](Family family) {
    return families.has(family) &&
           (rule.families.empty() ||
            std::find(rule.families.begin(), rule.families.end(), family) !=
                rule.families.end());
  };
  return {.ipv4 = has(Family::kIpv4), .ipv6 = has(Family::kIpv6)};
}

// What is to be asked for. Behind a translator an IPv4 address is as good as an
// IPv6 one.
std::vector<Family> wanted(const Lookup& lookup) {
  std::vector<Family> out;
  if (lookup.raced.ipv6) out.push_back(Family::kIpv6);
  if (lookup.raced.ipv4 || (lookup.raced.ipv6 && !lookup.nat64.empty()))
    out.push_back(Family::kIpv4);
  return out;
}

Family preferred(const config::Rule& rule) {
  return rule.families.empty() ? Family::kIpv6 : rule.families.front();
}

void finish(Lookup* lookup) {
  __atomic_store_n(&lookup->done, 1u, __ATOMIC_RELEASE);
  syscall(SYS_futex, &lookup->done, FUTEX_WAKE_PRIVATE, INT_MAX);
}

bool is_done(const Lookup& lookup) {
  return __atomic_load_n(&lookup.done, __ATOMIC_ACQUIRE) != 0;
}

// `source`: the resolver's address, or "cache".
std::string cause(const std::string& resolver, const std::string& source,
                  const dns::Answer& answer) {
  return "resolver \"" + resolver + "\" (" + source +
         "): " + dns::describe(answer);
}

// The first answer without addresses is what the log tells of a failure.
void note_cause(Lookup* lookup, const dns::Answer& answer, std::string text) {
  if (answer.is_positive() || lookup->error) return;
  lookup->error = net::DotError{net::DotFailure::kProtocol, std::move(text)};
}

long seconds(const std::optional<std::chrono::seconds>& ttl) {
  return ttl ? static_cast<long>(ttl->count()) : -1;
}

}  // namespace

// A name that is not ASCII is nobody's but under AI_IDN, as in libc: what it
// would send is the octets as they are.
happy_lookup* Engine::lookup_start(const char* name, int family, int flags) {
  auto lookup = std::make_shared<Lookup>();
  lookup->self = lookup;
  lookup->name = name;
  lookup->names = "";
  lookup->names_size = 1;
  lookup->thread = gettid();
  lookup->families = allowed_by(family);
  lookup->started = net::monotonic_now();
  trace_.resolve_start(name);
  if (!policy_) {
    fail(lookup.get(), EAI_FAIL);
    return lookup.get();
  }
  if ((flags & AI_IDN) != 0 && !is_ascii(name)) {
    auto labels = to_a_labels_by_locale(name);
    if (!labels) {
      fail(lookup.get(), EAI_IDN_ENCODE);
      return lookup.get();
    }
    lookup->name = std::move(*labels);
  }
  lookup->shows_unicode = (flags & AI_CANONIDN) != 0;
  auto names = strict_names(lookup->name);
  if (!names) {
    lookup->status = HAPPY_LOOKUP_SYSTEM;
    finish(lookup.get());
    return lookup.get();
  }
  // glibc believes no answer for a name that begins like an option.
  if (names->rules.empty() || lookup->name.starts_with('-')) {
    fail(lookup.get(), EAI_NONAME);
    return lookup.get();
  }
  const config::Rule& first = rule(names->rules.front());
  lookup->rules = std::move(names->rules);
  if (is_left_to_system(lookup->rules)) {
    lookup->status = HAPPY_LOOKUP_SYSTEM;
    finish(lookup.get());
    return lookup.get();
  }
  const auto resolve_timeout =
      first.timeouts.resolve / (forbids_clear_text(lookup->rules) ? 1 : 2);
  lookup->deadline = lookup->started + resolve_timeout - kHeadStart;
  lookup->raced = raced_families(first, lookup->families);
  lookup->nat64 = nat64_prefixes(first);
  if (answer_from_hosts(lookup.get())) return lookup.get();
  if (!is_ascii(lookup->name)) {
    fail(lookup.get(), EAI_NONAME);
    return lookup.get();
  }
  lookup->families = allowed(first, lookup->families);
  lookup->raced = allowed(first, lookup->raced);
  if (lookup->families == state::Families{.ipv4 = false, .ipv6 = false}) {
    fail(lookup.get(), EAI_NODATA);
    return lookup.get();
  }
  dns::ResolutionSettings settings{
      .resolve_timeout = resolve_timeout,
      .resolution_delay = first.race.resolution_delay,
      .preferred_first_delay = kPreferredFirstDelay,
      .preferred = preferred(first)};
  if (!lookup->families.ipv6 && lookup->raced.ipv6)
    settings.extra = Family::kIpv6;
  lookup->machine.emplace(std::move(names->list), wanted(*lookup), settings);
  step(lookup, dns::BeginResolution{});
  const bool all_known = lookup->asks.empty() &&
                         (!lookup->services || lookup->services->asks.empty());
  if (all_known) return lookup.get();
  const auto posted = helper_->loop.post([this, lookup] { carry_on(lookup); });
  if (!posted) {
    log(HAPPY_LOG_ERROR, std::string("cannot start the helper thread: ") +
                             strerrordesc_np(posted.error()));
    fail(lookup.get(), EAI_AGAIN);
  }
  return lookup.get();
}

bool Engine::answer_from_hosts(Lookup* lookup) {
  std::optional<Family> family;
  const auto of_use = wanted(*lookup);
  if (of_use.size() == 1) family = of_use.front();
  std::optional<dns::HostsEntry> entry;
  {
    const std::lock_guard lock(mutex_);
    entry = files_.hosts().find(lookup->name, family);
  }
  if (!entry) return false;
  add_translated(lookup->nat64, &entry->addresses);
  const auto is_told = [&](const IpAddress& address) {
    return lookup->families.has(address.family);
  };
  if (std::none_of(entry->addresses.begin(), entry->addresses.end(), is_told))
    return false;
  trace_.answer(lookup->name, "", entry->addresses, -1, "", "hosts");
  answer(lookup, {entry->canonical, std::move(entry->aliases)},
         std::move(entry->addresses), lookup->rules.front());
  return true;
}

// Feeds the machine and performs what it says. Answers at hand (special names,
// cache) go in at once; other questions are noted for the loop.
void Engine::step(const std::shared_ptr<Lookup>& lookup,
                  const dns::ResolutionEvent& event) {
  std::deque<dns::ResolutionEvent> events{event};
  while (!events.empty()) {
    const auto actions =
        lookup->machine->step(events.front(), net::monotonic_now());
    events.pop_front();
    lookup->wake_at.reset();
    for (const auto& action : actions) {
      if (const auto* question = std::get_if<dns::Ask>(&action)) {
        begin_services(lookup.get(), question->name_index, wanted(*lookup));
        const auto known = local_answer(lookup.get(), *question);
        const auto old = known && !known->is_failure()
                             ? std::nullopt
                             : expired_answer(lookup.get(), *question);
        if (old) {
          events.emplace_back(
              dns::Expired{question->name_index, question->type, *old});
        }
        if (known) {
          events.emplace_back(
              dns::Reply{question->name_index, question->type, *known});
        } else if (was_unanswered(lookup.get(), *question)) {
          events.emplace_back(dns::QueryFailed{question->name_index,
                                               question->type,
                                               dns::QueryFailure::kTimeout});
        } else {
          lookup->asks.push_back(*question);
        }
      } else if (const auto* wake =
                     std::get_if<dns::ResolutionWakeAt>(&action)) {
        lookup->wake_at = wake->time;
      } else if (const auto* good = std::get_if<dns::Answered>(&action)) {
        perform(lookup, *good);
      } else if (const auto* late = std::get_if<dns::Late>(&action)) {
        perform(lookup, *late);
      } else if (const auto* bad = std::get_if<dns::LookupFailed>(&action)) {
        perform(lookup, *bad);
      }
    }
  }
}

std::optional<dns::Answer> Engine::local_answer(Lookup* lookup,
                                                const dns::Ask& ask) {
  const dns::Name& name = lookup->machine->name(ask.name_index);
  if (auto special = dns::special_answer(name, ask.type)) {
    trace_.answer(name.to_string(), dns::to_string(ask.type),
                  special->addresses, -1, "", "special");
    note_cause(lookup, *special,
               std::string(dns::reason(dns::special_use(name))));
    return special;
  }
  std::string resolver;
  auto hit = cached(*lookup, ask, false, &resolver);
  if (!hit && import_answers(*lookup, ask))
    hit = cached(*lookup, ask, false, &resolver);
  if (!hit) return std::nullopt;
  trace_.answer(name.to_string(), dns::to_string(ask.type),
                hit->answer.addresses, seconds(hit->answer.ttl), resolver,
                hit->expired ? "stale" : "cache");
  note_cause(lookup, hit->answer, cause(resolver, "cache", hit->answer));
  return guarded(lookup, ask, std::move(hit->answer));
}

bool Engine::was_unanswered(Lookup* lookup, const dns::Ask& ask) {
  const dns::Name& name = lookup->machine->name(ask.name_index);
  const std::lock_guard lock(mutex_);
  if (!unanswered_.is_noted(lookup->rules[ask.name_index], name, ask.type,
                            net::monotonic_now()))
    return false;
  if (!lookup->error)
    lookup->error = net::DotError{net::DotFailure::kSilent,
                                  "no resolver answered a moment ago"};
  return true;
}

// Of the rule's resolvers, in order. What one said who could not be
// authenticated stands by itself: only who would have believed it finds it.
std::vector<Engine::CacheKey> Engine::cache_keys(
    const config::Rule& rule) const {
  std::vector<CacheKey> out;
  for (const size_t index : rule.resolvers) {
    const std::string& name = policy_->resolvers[index].name;
    out.push_back({name, cache_key(name, true)});
    if (rule.profile == config::Profile::kOpportunistic)
      out.push_back({name, cache_key(name, false)});
  }
  return out;
}

std::string Engine::cache_key(const std::string& resolver, bool authenticated) {
  return (authenticated ? "+" : "-") + resolver;
}

// The first of the rule's resolvers of which the cache knows something.
std::optional<dns::CacheHit> Engine::cached(const Lookup& lookup,
                                            const dns::Ask& ask, bool expired,
                                            std::string* resolver) {
  const dns::Name& name = lookup.machine->name(ask.name_index);
  const Time now = net::monotonic_now();
  const std::lock_guard lock(mutex_);
  for (const auto& [who, key] :
       cache_keys(rule(lookup.rules[ask.name_index]))) {
    *resolver = who;
    auto hit = expired ? cache_.find_stale(key, name, ask.type, now)
                       : cache_.find(key, name, ask.type, now);
    if (hit) return hit;
  }
  return std::nullopt;
}

// From what other processes were told, expired answers too. False: nothing.
bool Engine::import_answers(const Lookup& lookup, const dns::Ask& ask) {
  if (!shared_) return false;
  const dns::Name& name = lookup.machine->name(ask.name_index);
  bool any = false;
  for (const size_t index : rule(lookup.rules[ask.name_index]).resolvers) {
    const config::Resolver& resolver = policy_->resolvers[index];
    const auto known =
        shared_->find({state::identity_of(resolver), name, ask.type});
    if (!known) continue;
    any = true;
    const std::lock_guard lock(mutex_);
    cache_.put(cache_key(resolver.name, true), name, ask.type, known->answer,
               known->stored);
  }
  return any;
}

// Loop thread.
void Engine::share_answer(size_t resolver, const dns::Name& name,
                          dns::Type type, const dns::Answer& answer) {
  if (!shared_ || answer.is_failure() || !answer.ttl) return;
  shared_->keep({state::identity_of(policy_->resolvers[resolver]), name, type},
                {answer, net::monotonic_now()});
}

// What was answered once, for when the resolvers fail now (RFC 8767).
std::optional<dns::Answer> Engine::expired_answer(Lookup* lookup,
                                                  const dns::Ask& ask) {
  if (!rule(lookup->rules[ask.name_index]).stale) return std::nullopt;
  std::string resolver;
  auto hit = cached(*lookup, ask, true, &resolver);
  if (!hit) return std::nullopt;
  return guarded(lookup, ask, std::move(hit->answer));
}

// An expired answer had to serve: for a while it does so at once.
void Engine::hold_stale(const Lookup& lookup, const dns::Answered& answered) {
  const dns::Name& name = lookup.machine->name(answered.name_index);
  trace_.answer(name.to_string(), "", answered.addresses,
                static_cast<long>(dns::Cache::kStaleTtl.count()), "", "stale");
  log(HAPPY_LOG_WARN,
      "an expired answer serves for \"" + lookup.name + "\": " +
          (lookup.error ? lookup.error->text : "the resolver does not answer"));
  const std::lock_guard lock(mutex_);
  for (const auto& [who, key] :
       cache_keys(rule(lookup.rules[answered.name_index])))
    for (const dns::Type type : {dns::Type::kA, dns::Type::kAaaa})
      cache_.hold_stale(key, name, type, net::monotonic_now());
}

// The rule's guard against DNS rebinding.
dns::Answer Engine::guarded(Lookup* lookup, const dns::Ask& ask,
                            dns::Answer answer) {
  if (!rule(lookup->rules[ask.name_index]).refuse_private) return answer;
  const auto refused = dns::drop_private(&answer);
  if (!refused) return answer;
  const std::string text =
      "the policy refuses the private address " + refused->to_string();
  log(HAPPY_LOG_WARN, "\"" + lookup->name + "\": " + text);
  note_cause(lookup, answer, text);
  return answer;
}

// Loop thread: asks what is to be asked and sets the timer.
void Engine::carry_on(const std::shared_ptr<Lookup>& lookup) {
  for (const dns::Ask& question : std::exchange(lookup->asks, {})) {
    ask(lookup, question);
  }
  ask_services(lookup);
  if (lookup->machine->over()) {
    lookup->timer.reset();
    return;
  }
  if (!lookup->wake_at) return;
  if (!lookup->timer) {
    lookup->timer = std::make_unique<net::LoopTimer>(helper_->loop.uv());
  }
  lookup->timer->at(*lookup->wake_at, [this, lookup] {
    step(lookup, dns::ResolutionTick{});
    carry_on(lookup);
  });
}

void Engine::ask(const std::shared_ptr<Lookup>& lookup, const dns::Ask& ask) {
  const config::Rule& asked_by = rule(lookup->rules[ask.name_index]);
  helper_->resolvers->ask(
      {asked_by.resolvers, asked_by.profile == config::Profile::kOpportunistic},
      lookup->machine->name(ask.name_index), ask.type, lookup->deadline,
      [this, lookup, ask](ReplyResult result) {
        replied(lookup, ask, std::move(result));
      });
}

void Engine::replied(const std::shared_ptr<Lookup>& lookup, const dns::Ask& ask,
                     ReplyResult result) {
  const dns::Name name = lookup->machine->name(ask.name_index);
  if (!result) {
    if (!lookup->error) lookup->error = result.error();
    if (result.error().failure == net::DotFailure::kSilent) {
      const std::lock_guard lock(mutex_);
      unanswered_.note(lookup->rules[ask.name_index], name, ask.type,
                       net::monotonic_now());
    }
    step(lookup, dns::QueryFailed{ask.name_index, ask.type,
                                  query_failure(result.error().failure)});
  } else {
    const std::string& resolver = policy_->resolvers[result->resolver].name;
    trace_.answer(name.to_string(), dns::to_string(ask.type),
                  result->answer.addresses, seconds(result->answer.ttl),
                  resolver,
                  result->timings.authenticated ? "dot" : "unauthenticated");
    note_cause(lookup.get(), result->answer,
               cause(resolver, result->timings.address, result->answer));
    {
      const std::lock_guard lock(mutex_);
      cache_.put(cache_key(resolver, result->timings.authenticated), name,
                 ask.type, result->answer, net::monotonic_now());
    }
    // Before the caller has it: most programs of one look-up end soon.
    if (result->timings.authenticated)
      share_answer(result->resolver, name, ask.type, result->answer);
    auto answer = guarded(lookup.get(), ask, std::move(result->answer));
    step(lookup, dns::Reply{ask.name_index, ask.type, std::move(answer),
                            result->timings.connect});
  }
  carry_on(lookup);
  if (shared_) shared_->sweep_sometimes();
}

void Engine::perform(const std::shared_ptr<Lookup>& lookup,
                     const dns::Answered& answered) {
  lookup->late = answered.pending;
  if (answered.stale) hold_stale(*lookup, answered);
  // In the caller's own spelling, where that is the name.
  const dns::Name& asked = lookup->machine->name(answered.name_index);
  const auto spelled = [&asked](const dns::Name& name) {
    return (name == asked ? asked : name).to_string();
  };
  HostNames names{.canonical = spelled(answered.canonical)};
  for (const dns::Name& alias : answered.aliases)
    names.aliases.push_back(spelled(alias));
  answer(lookup.get(), std::move(names), answered.addresses,
         lookup->rules[answered.name_index]);
}

// The other family after the answer: for races under way and to come.
void Engine::perform(const std::shared_ptr<Lookup>& lookup,
                     const dns::Late& late) {
  if (!lookup->remembered) return;
  const auto addresses = lookup->raced.has(late.family)
                             ? in_order(rule(lookup->rule_used), late.addresses)
                             : std::vector<IpAddress>{};
  {
    const std::lock_guard lock(mutex_);
    auto& late_families = late_[*lookup->remembered];
    std::erase(late_families, late.family);
    if (late_families.empty()) late_.erase(*lookup->remembered);
    names_.join(lookup->name, lookup->raced, addresses);
  }
  for (StartedRace* race : ledger_->races_of(*lookup->remembered)) {
    if (!race->usable.has(late.family)) continue;
    race::Resolved resolved{late.family, {}};
    for (const IpAddress& address : addresses) {
      append(address, race->ports, &resolved.candidates);
    }
    helper_->races->resolved(race->id, resolved);
  }
  if (!lookup->services) return;
  auto& own = lookup->services->own;
  own.insert(own.end(), addresses.begin(), addresses.end());
  join_services(lookup.get());
}

void Engine::perform(const std::shared_ptr<Lookup>& lookup,
                     const dns::LookupFailed& failed) {
  // Not an answer that displeases: none at all.
  if (failed.cause && !forbids_clear_text(lookup->rules))
    return leave_to_system(lookup.get());
  const int eai = to_eai(failed.kind);
  const bool expected = eai == EAI_NONAME || eai == EAI_NODATA;
  const std::string why = lookup->error
                              ? lookup->error->text
                              : "no answer within the rule's resolve_ms";
  log(expected ? HAPPY_LOG_INFO : HAPPY_LOG_ERROR,
      "cannot resolve \"" + lookup->name + "\": " + why);
  fail(lookup.get(), eai);
}

void Engine::answer(Lookup* lookup, HostNames names,
                    std::vector<IpAddress> addresses, size_t rule_index) {
  if (is_done(*lookup)) return;
  add_translated(lookup->nat64, &addresses);
  addresses = in_order(rule(rule_index), addresses);
  for (const IpAddress& address : addresses) {
    if (lookup->families.has(address.family))
      lookup->storage.push_back(to_abi(address));
  }
  if (lookup->storage.empty()) return fail(lookup, EAI_NODATA);
  lookup->rule_used = rule_index;
  if (lookup->services) lookup->services->own = addresses;
  auto others = alternatives(lookup);
  {
    const std::lock_guard lock(mutex_);
    lookup->remembered =
        names_.remember(lookup->name, rule_index, lookup->raced, addresses,
                        lookup->thread, net::monotonic_now());
    if (!lookup->late.empty()) late_[*lookup->remembered] = lookup->late;
    awaited_services_.erase(*lookup->remembered);
    note_services(*lookup, std::move(others));
  }
  if (lookup->shows_unicode)
    names.canonical = from_a_labels_by_locale(names.canonical);
  names.aliases.insert(names.aliases.begin(), std::move(names.canonical));
  lookup->name_storage = to_abi(names.aliases);
  lookup->status = HAPPY_LOOKUP_ANSWER;
  lookup->addresses = lookup->storage.data();
  lookup->count = lookup->storage.size();
  lookup->names = lookup->name_storage.data();
  lookup->names_size = lookup->name_storage.size();
  trace_.resolve_end(lookup->name, eai_name(0),
                     net::monotonic_now() - lookup->started);
  finish(lookup);
}

// RFC 8310 section 5: the way back is looked for from time to time, and on
// another network.
void Engine::leave_to_system(Lookup* lookup) {
  const std::string why =
      lookup->error ? lookup->error->text
                    : "no answer within half of the rule's resolve_ms";
  log(HAPPY_LOG_WARN, "\"" + lookup->name +
                          "\" and other names of its rule are looked up in "
                          "clear text for an hour: " +
                          why);
  lookup->services.reset();
  {
    const std::lock_guard lock(mutex_);
    const Time now = net::monotonic_now();
    for (const size_t index : lookup->rules) {
      left_to_system_[index] = {network_.current(now).id, {}};
      left_to_system_[index].fall_back.begin(now);
    }
  }
  lookup->status = HAPPY_LOOKUP_SYSTEM;
  trace_.resolve_end(lookup->name, "system",
                     net::monotonic_now() - lookup->started);
  finish(lookup);
}

bool Engine::is_left_to_system(const std::vector<size_t>& rules) {
  if (forbids_clear_text(rules)) return false;
  const std::lock_guard lock(mutex_);
  const Time now = net::monotonic_now();
  return std::all_of(rules.begin(), rules.end(), [&](size_t index) {
    const auto found = left_to_system_.find(index);
    return found != left_to_system_.end() &&
           found->second.fall_back.is_taken(now) &&
           network_.current(now).id == found->second.network;
  });
}

void Engine::fail(Lookup* lookup, int eai) {
  if (is_done(*lookup)) return;
  lookup->services.reset();
  lookup->status = HAPPY_LOOKUP_FAILED;
  lookup->eai = eai;
  trace_.resolve_end(lookup->name, eai_name(eai),
                     net::monotonic_now() - lookup->started);
  finish(lookup);
}

}  // namespace happy
