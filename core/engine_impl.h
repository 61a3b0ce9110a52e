// The engine behind the C ABI of engine.h: policy, names and caches that any
// thread may use under one lock, and the helper thread that asks resolvers and
// runs races. Leaked on purpose: hosts call in during atexit.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/policy.h"
#include "core/dns/cache.h"
#include "core/dns/nat64.h"
#include "core/dns/resolver_health.h"
#include "core/dns/search.h"
#include "core/dns/unanswered.h"
#include "core/engine.h"
#include "core/linger.h"
#include "core/lookup.h"
#include "core/name_files.h"
#include "core/net/loop.h"
#include "core/net/network.h"
#include "core/net/race_driver.h"
#include "core/net/source_address.h"
#include "core/net/watch.h"
#include "core/race/experience.h"
#include "core/raw_queries.h"
#include "core/resolvers.h"
#include "core/shared_state.h"
#include "core/state/address_history.h"
#include "core/state/name_memory.h"
#include "core/strict_names.h"
#include "core/trace.h"

namespace happy {

class Engine;

// What runs on the helper thread. A forked child forgets it and makes another.
struct Helper {
  explicit Helper(Engine* engine);
  ~Helper() = delete;

  net::Watch& watch;
  Linger& linger;
  net::Loop& loop;
  // Made when the loop first stands.
  Resolvers* resolvers = nullptr;
  net::Races* races = nullptr;
};

// From race_start to race_over, which frees it: the helper thread's alone. Its
// starter knows the id, which may outlive it.
struct StartedRace {
  Engine* engine = nullptr;
  void* context = nullptr;
  net::RaceId id{};
  std::vector<state::LookupId> lookups;
  Endpoint destination;
  std::vector<uint16_t> ports;  // that are raced
  state::Families usable;
  state::NetworkId network{};
  bool takes_services = false;  // what HTTPS records lead to may join
  // What the history is to learn of attempts that a win has cut short.
  std::map<IpAddress, Duration> attempt_delays;
  Duration attempt_delay{};
  std::optional<Endpoint> explored;
  // During the first step of a race whose attempt 1 failed at once.
  bool starting = false;
  bool withdrawn = false;  // race_start returned 0: no callbacks
  std::optional<happy_outcome> at_once;
};

struct Plan : happy_plan {
  Endpoint destination;
  std::vector<uint16_t> ports;
  state::Families usable;
  state::NetworkId network{};
  bool takes_services = false;
  state::Candidates known;
  race::Settings settings;
  race::Begin begin;
};

// The families that a race may use, of a look-up whose hints allow those.
state::Families raced_families(const config::Rule& rule,
                               state::Families allowed);
// Adds the IPv6 forms of the IPv4 addresses to a list that has no others.
void add_translated(const std::vector<dns::Nat64Prefix>& prefixes,
                    std::vector<IpAddress>* addresses);

// An address with each of the ports.
inline void append(const IpAddress& address, const std::vector<uint16_t>& ports,
                   std::vector<Endpoint>* out) {
  for (const uint16_t port : ports) out->push_back({address, port});
}

// Watches races for the name memory and the history, and passes everything on
// to the trace.
class RaceLedger final : public net::TraceSink {
 public:
  RaceLedger(Engine* engine, Trace* trace) : engine_(engine), trace_(trace) {}
  void race_start(net::RaceId, const net::RaceRequest&) override;
  void attempt_start(net::RaceId, race::AttemptId, const Endpoint&) override;
  void attempt_failed(net::RaceId, race::AttemptId, const Endpoint&,
                      int error) override;
  void attempt_cancelled(net::RaceId, race::AttemptId,
                         const Endpoint&) override;
  void race_end(net::RaceId, const net::RaceEnd&) override;
  // A late answer of a look-up: the races under way that it belongs to.
  std::vector<StartedRace*> races_of(state::LookupId lookup) const;
  void over(StartedRace* race);
  void defer_elsewhere(const StartedRace* own,
                       const std::vector<state::LookupId>& lookups,
                       const Endpoint& endpoint);

 private:
  struct Attempt {
    Endpoint endpoint;
    Time started;
  };
  struct Running {
    StartedRace* race = nullptr;
    std::unordered_map<race::AttemptId, Attempt> attempts = {};
    // Ended before they had an answer, with their ages.
    std::vector<std::pair<Endpoint, Duration>> cut_short = {};
  };

  static std::vector<state::NameMemory::Failure> failures_of(
      const Running& running, const net::RaceEnd& end);
  Running* find(net::RaceId id);
  void ended(net::RaceId id, race::AttemptId attempt);
  void learn(const Running& running, const net::RaceEnd& end, Time now);

  Engine* const engine_;
  Trace* const trace_;
  std::unordered_map<net::RaceId, Running> running_;
};

class Engine {
 public:
  explicit Engine(const happy_host* host);
  ~Engine() = delete;

  // happy_engine's functions.
  happy_lookup* lookup_start(const char* name, int family, int flags = 0);
  bool is_strict(const char* name);
  bool forbids_clear_text(const char* name);
  bool is_strict_address(const IpAddress& address);
  bool is_strict_query(std::span<const uint8_t> message);
  void remember(const char* name, int family, const happy_address* addresses,
                size_t count);
  happy_query* query_start(const char* name, int type, bool search);
  happy_query* query_start(std::span<const uint8_t> message);
  happy_query* names_start(const IpAddress& address);
  // The name to ask libc's resolver for, AF_INET6, before `name` is looked up,
  // and what it answered: see engine.h.
  bool discovers_nat64() const { return discovers_nat64_; }
  const char* nat64_probe(const char* name);
  void nat64_probed(const happy_address* addresses, size_t count);
  bool crosses_families(const char* name);
  happy_plan* plan(const sockaddr* destination, socklen_t length,
                   unsigned families, const happy_wish* wish, const char** why);
  uint64_t race_start(happy_plan* plan, void* context, int attempt, int error,
                      bool mapped, int* all_failed);
  void race_cancel(net::RaceId race);
  void race_stop(net::RaceId race, happy_outcome* outcome);
  int watch(int descriptor, bool output, void* context);
  int unwatch(int descriptor, void* context);
  // Looks up what the policy wants to be known before anybody asks.
  void prefetch();
  void pause_helper();
  void before_fork();
  void after_fork_parent();
  void after_fork_child();

  const happy_host* host() const { return host_; }
  Trace& trace() { return trace_; }
  std::mutex& mutex() { return mutex_; }
  state::NameMemory& names() { return names_; }
  // Loop thread, when the loop stands: what runs on it.
  int set_up(Helper* helper, uv_loop_t* loop);
  // See net::Loop::IdleEnd. What is known of the resolvers is kept.
  static bool is_idle(Helper* helper);
  static bool tear_down(Helper* helper);
  RaceLedger& ledger() { return *ledger_; }
  state::AddressHistory& history() { return history_; }
  // Not under mutex(): races have taught something. `at_once`: without waiting
  // for more.
  void share_history(bool at_once = false);
  void history_learned() { history_is_shared_ = false; }  // under mutex()
  // The process is about to end: what its last races have taught is shared.
  void at_exit();
  // The caller of those races tries the endpoint by itself. Any thread.
  void defer(std::vector<net::RaceId> races, const Endpoint& endpoint);
  // A connect() that is left to libc is no race of its own.
  void defer_elsewhere(const Plan& left);
  // For tests: what takes the place of chance.
  void set_chance(std::function<uint32_t()> chance) {
    chance_ = std::move(chance);
  }
  void set_network(std::function<net::Network()> ask) {
    network_ = net::NetworkReader(std::move(ask));
  }

 private:
  void read_policy();
  // strict_names.cc
  std::optional<StrictNames> strict_names(std::string_view asked);
  bool forbids_clear_text(const std::vector<size_t>& rules) const;
  // lookups.cc
  bool answer_from_hosts(Lookup* lookup);
  void step(const std::shared_ptr<Lookup>& lookup,
            const dns::ResolutionEvent& event);
  void perform(const std::shared_ptr<Lookup>& lookup, const dns::Answered&);
  void perform(const std::shared_ptr<Lookup>& lookup, const dns::Late&);
  void perform(const std::shared_ptr<Lookup>& lookup, const dns::LookupFailed&);
  std::optional<dns::Answer> local_answer(Lookup* lookup, const dns::Ask& ask);
  bool was_unanswered(Lookup* lookup, const dns::Ask& ask);
  bool import_answers(const Lookup& lookup, const dns::Ask& ask);
  void share_answer(size_t resolver, const dns::Name& name, dns::Type type,
                    const dns::Answer& answer);
  struct CacheKey {
    std::string resolver, key;
  };
  std::vector<CacheKey> cache_keys(const config::Rule& rule) const;
  static std::string cache_key(const std::string& resolver, bool authenticated);
  std::optional<dns::CacheHit> cached(const Lookup& lookup, const dns::Ask& ask,
                                      bool expired, std::string* resolver);
  std::optional<dns::Answer> expired_answer(Lookup* lookup,
                                            const dns::Ask& ask);
  void hold_stale(const Lookup& lookup, const dns::Answered& answered);
  dns::Answer guarded(Lookup* lookup, const dns::Ask& ask, dns::Answer answer);
  void carry_on(const std::shared_ptr<Lookup>& lookup);
  void ask(const std::shared_ptr<Lookup>& lookup, const dns::Ask& ask);
  void replied(const std::shared_ptr<Lookup>& lookup, const dns::Ask& ask,
               ReplyResult result);
  void answer(Lookup* lookup, HostNames names, std::vector<IpAddress> addresses,
              size_t rule_index);
  void fail(Lookup* lookup, int eai);
  void leave_to_system(Lookup* lookup);
  bool is_left_to_system(const std::vector<size_t>& rules);
  const config::Rule& rule(size_t index) const { return policy_->rules[index]; }

  // raw_queries.cc
  std::optional<StrictNames> names_to_query(const char* name, bool search);
  happy_query* start_raw(const std::shared_ptr<RawQuery>& query,
                         const char* name, bool search);
  void ask_raw(const std::shared_ptr<RawQuery>& query);
  void replied_raw(const std::shared_ptr<RawQuery>& query, int error);

  // https_records.cc
  static constexpr size_t kMaxAlternatives = 64;
  void begin_services(Lookup* lookup, size_t name_index,
                      const std::vector<Family>& wanted);
  void answer_services(Lookup* lookup,
                       std::vector<dns::ServiceQuestion> questions);
  std::optional<dns::Answer> cached_service(
      const Lookup& lookup, const dns::ServiceQuestion& question);
  bool was_silent(const Lookup& lookup, const dns::ServiceQuestion& question);
  void trace_service(const dns::ServiceQuestion& question,
                     const dns::Answer& answer, const std::string& resolver,
                     std::string_view source);
  void ask_services(const std::shared_ptr<Lookup>& lookup);
  void service_replied(const std::shared_ptr<Lookup>& lookup, size_t name_index,
                       const dns::ServiceQuestion& question,
                       ReplyResult result);
  void keep_service(const dns::ServiceQuestion& question, const Reply& reply);
  std::vector<Endpoint> alternatives(Lookup* lookup);
  bool is_refused(Lookup* lookup, const IpAddress& address);
  void note_services(const Lookup& lookup, std::vector<Endpoint> alternatives);
  void join_services(Lookup* lookup);
  void weigh_services(const config::Rule& rule, Plan* plan);

  // nat64.cc
  const config::Rule* rule_for(const char* name);
  std::vector<dns::Nat64Prefix> nat64_prefixes(const config::Rule& rule);
  bool has_prefixes_of(const net::Network& network, Time now) const;

  // history.cc
  state::AddressHistory* consult_history(Time now);
  state::NetworkId current_network();  // takes mutex_
  std::vector<IpAddress> in_order(const config::Rule& rule,
                                  const std::vector<IpAddress>& addresses);
  void weigh(const config::Rule& rule, Plan* plan);

  // plans.cc
  const config::Rule* rule_of(const state::Candidates& known) const;
  void note_pending(Plan* plan);
  void catch_up(const StartedRace& race, race::Begin* begin);
  bool is_late(const StartedRace& race, Family family) const;
  void give_up(StartedRace* race);
  bool begin_and_see(StartedRace* race, net::RaceRequest request);

  void log(int level, const std::string& line) const {
    host_->log(level, line.data(), line.size());
  }

  const happy_host* const host_;
  Trace trace_;
  std::optional<config::Policy> policy_;  // none: look-ups fail closed
  bool discovers_nat64_ = false;
  happy_host race_host_{};  // the host's table with our own race callbacks

  std::mutex mutex_;
  // Under mutex_.
  NameFiles files_;
  dns::Cache cache_;
  dns::Unanswered unanswered_;
  state::NameMemory names_;
  std::unordered_map<state::LookupId, std::vector<Family>> late_;
  // Whose HTTPS records are still asked for, and how long a race in which all
  // has failed is to wait for them.
  std::unordered_map<state::LookupId, Time> awaited_services_;
  state::AddressHistory history_;
  std::optional<SharedState> shared_;
  Time history_shared_{};
  bool history_is_shared_ = true;
  net::NetworkReader network_;
  net::SourceReader sources_;
  // Rules whose encrypted resolvers were silent: libc's is asked at once.
  struct LeftToSystem {
    state::NetworkId network{};
    dns::FallBack fall_back{};
  };
  std::map<size_t, LeftToSystem> left_to_system_;
  struct {
    state::NetworkId network{};
    Time until{};  // the beginning of time: nothing was discovered
    std::vector<dns::Nat64Prefix> prefixes;
  } discovered_;
  std::function<uint32_t()> chance_;

  Helper* helper_ = nullptr;
  RaceLedger* ledger_ = nullptr;
  state::ThreadId forking_thread_ = 0;
  bool helper_paused_ = false;  // the thread that forks alone
};

}  // namespace happy
