// Remembers which look-ups gave which addresses, so that a connect() to one
// address can race the others of the same name, and never one that belongs to
// another name only. Pure: time and threads are arguments; the caller locks.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/ip.h"
#include "core/base/time.h"

namespace happy::state {

struct Families {
  bool ipv4 = true;
  bool ipv6 = true;
  bool operator==(const Families&) const = default;
  bool has(Family family) const {
    return family == Family::kIpv4 ? ipv4 : ipv6;
  }
};

// Names one remembered look-up: a name asked for with certain families.
enum class LookupId : uint64_t {};
using ThreadId = int64_t;  // of gettid(2)

// What a connect() to one destination could race.
struct Candidates {
  // Without the destination, in the order remembered.
  std::vector<IpAddress> addresses;
  // Part of them in spirit, but another race of the look-up is trying them to
  // this port: to go last.
  std::vector<IpAddress> deferred;
  // The same of what set_alternatives() told. Empty if several look-ups are in
  // question.
  std::vector<Endpoint> alternatives;
  std::vector<Endpoint> deferred_alternatives;
  // The policy rule; nullopt if the names in question have different ones.
  std::optional<size_t> rule;
  // Empty if several names are in question: only what they share is above.
  std::string name;
  bool name_known() const { return !name.empty(); }
  // The errno that the destination failed with in a wholly failed race just
  // now, for callers that walk the list; else 0.
  int fail_with = 0;
  // For race_failed() and the attempt counts.
  std::vector<LookupId> lookups;
};

class NameMemory {
 public:
  struct Limits {
    size_t lookups = 4096;             // the least recently used one goes
    size_t addresses_per_lookup = 64;  // former ones included
    size_t threads = 1024;
    size_t lookups_per_thread = 16;
    Duration evidence_life{600'000'000};  // threads' ids are used again
    Duration failure_life{2'000'000};
  };
  struct Failure {
    Endpoint endpoint;
    int error;  // an errno; 0: unknown, not used
  };

  explicit NameMemory(const Limits& limits);
  NameMemory() : NameMemory(Limits()) {}
  NameMemory(const NameMemory&) = delete;
  NameMemory& operator=(const NameMemory&) = delete;

  // A look-up of `name` (without case and final dot) under policy rule `rule`
  // with hints that allow `families` gave `addresses` to `thread`. Replaces
  // what an earlier look-up of the kind gave; addresses that went are still
  // known as the name's, but race no more. Addresses of other families are
  // left out.
  LookupId remember(std::string_view name, size_t rule, Families families,
                    std::span<const IpAddress> addresses, ThreadId thread,
                    Time now);
  // The same without a thread that asked: a refresh in the background. Nothing
  // is added for a name that has not been looked up.
  void refresh(std::string_view name, Families families,
               std::span<const IpAddress> addresses);
  // A family's answer came after the look-up had been answered: added.
  void join(std::string_view name, Families families,
            std::span<const IpAddress> addresses);

  // Endpoints that lead to the name by other ways than its addresses, best
  // first, in place of those before. They race with its addresses, but nobody
  // is known by them. The next remember() forgets them.
  void set_alternatives(LookupId lookup, std::vector<Endpoint> alternatives);

  // nullopt: the address is nobody's. Not const: an errno is given once.
  std::optional<Candidates> candidates_for(const Endpoint& destination,
                                           Families usable, ThreadId thread,
                                           Time now);

  // What is remembered of a look-up now; empty where it is forgotten.
  std::vector<IpAddress> addresses_of(LookupId lookup);
  std::vector<Endpoint> alternatives_of(LookupId lookup);

  // The policy rules of all look-ups that gave the address, or had it among
  // their alternatives.
  std::vector<size_t> rules_of(const IpAddress& address) const;

  // A race to `destination` for `lookups` failed wholly. Those others of its
  // attempts whose errno is known are then failed with it once each.
  void race_failed(const std::vector<LookupId>& lookups,
                   const Endpoint& destination,
                   std::span<const Failure> failures, Time now);
  // A race of `lookups` has begun, or is over.
  void race_begun(const std::vector<LookupId>& lookups);
  void race_over(const std::vector<LookupId>& lookups);
  // Whether a race of one of them is under way.
  bool is_raced(const std::vector<LookupId>& lookups);
  // A race of `lookups` tries `endpoint`, or does so no longer.
  void attempt_started(const std::vector<LookupId>& lookups,
                       const Endpoint& endpoint);
  void attempt_ended(const std::vector<LookupId>& lookups,
                     const Endpoint& endpoint);

  // In the child of a fork: the thread that forked goes on as `to`; no attempt
  // is under way any more.
  void after_fork(ThreadId from, ThreadId to);

  size_t size() const { return lookups_.size(); }

 private:
  struct RecentFailure {
    Endpoint endpoint;
    int error;
    Time at;
  };
  struct Lookup {
    LookupId id{};
    std::string name = {};
    Families families = {};
    size_t rule = 0;
    std::vector<IpAddress> addresses = {};
    std::deque<IpAddress> former = {};  // oldest first
    std::vector<Endpoint> alternatives = {};
    std::deque<IpAddress> led_to = {};  // by alternatives; oldest first
    std::vector<RecentFailure> failures = {};
    int races = 0;  // under way
    std::unordered_map<IpAddress, std::vector<uint16_t>> trying = {};  // ports
    bool gave(const IpAddress& address) const;
    bool is_trying(const Endpoint& endpoint) const;
  };
  struct Evidence {
    LookupId lookup;
    Time at;
  };
  struct Thread {
    std::deque<Evidence> latest;  // latest first
    uint64_t used = 0;
  };
  using LookupList = std::list<Lookup>;  // most recently used first

  Lookup* find(std::string_view name, Families families);
  Lookup* find(LookupId id);
  Lookup& insert(std::string_view name, Families families);
  void replace_addresses(Lookup* lookup, std::vector<IpAddress> addresses);
  void index(const Lookup& lookup, const IpAddress& address);
  void unindex(const Lookup& lookup, const IpAddress& address);
  void forget(LookupList::iterator lookup);
  void touch(LookupId id);
  void note_evidence(ThreadId thread, LookupId lookup, Time now);
  std::vector<Lookup*> in_question(const IpAddress& address, ThreadId thread,
                                   Time now);
  static void add_alternatives(const Lookup& lookup, const Endpoint& wanted,
                               Families usable, Candidates* out);
  int take_failure(Lookup* lookup, const Endpoint& endpoint, Time now);

  const Limits limits_;
  uint64_t next_id_ = 1;
  uint64_t clock_ = 0;  // of Thread::used
  LookupList lookups_;
  std::unordered_map<std::string, LookupId> by_name_;
  std::unordered_map<LookupId, LookupList::iterator> by_id_;
  std::unordered_map<IpAddress, std::vector<LookupId>> by_address_;
  std::unordered_map<ThreadId, Thread> threads_;
};

}  // namespace happy::state
