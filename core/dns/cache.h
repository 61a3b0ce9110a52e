// Answers kept in this process, by resolver, name and type, for as long as
// their TTL allows. Bounded: the least recently used goes first. It reads no
// clock, takes no lock (its owner does) and never asks again by itself.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/base/time.h"
#include "core/dns/answer.h"

namespace happy::dns {

struct CacheHit {
  Answer answer;  // its ttl is what is left, rounded up; none for failures
  // Past its time: only from find_stale(), or after hold_stale().
  bool expired = false;

  bool operator==(const CacheHit&) const = default;
};

class Cache {
 public:
  // RFC 8767 section 4: answers are worth keeping 1 to 3 days past their TTL.
  static constexpr Duration kStaleFor = std::chrono::hours(24);
  // ... and section 5: a stale answer is given with this TTL, and the resolver
  // is not asked again sooner.
  static constexpr std::chrono::seconds kStaleTtl{30};
  // RFC 9520 section 3.2: at least 1 s; doubled at each failure in a row, and
  // no more than 5 s.
  static constexpr Duration kFirstFailure = std::chrono::seconds(1);
  static constexpr Duration kLastFailure = std::chrono::seconds(5);
  // RFC 8767 section 4 and RFC 2308 section 5: sensible upper bounds.
  static constexpr Duration kMaxPositive = std::chrono::hours(24 * 7);
  static constexpr Duration kMaxNegative = std::chrono::hours(3);

  explicit Cache(size_t capacity = 4096) : capacity_(capacity) {}

  // What `resolver` (any text that stands for it and its authentication)
  // answered. Answers without ttl are not kept, failures are, briefly: they
  // leave an expired answer in place.
  void put(std::string_view resolver, const Name& name, Type type,
           const Answer& answer, Time now);

  // A fresh answer, one that hold_stale() holds, or a recent failure. NXDOMAIN
  // answers every type of the name and everything below it (RFC 8020).
  std::optional<CacheHit> find(std::string_view resolver, const Name& name,
                               Type type, Time now);

  // The positive answer to (name, type), fresh or expired less than kStaleFor
  // ago, whatever failed since (RFC 8767).
  std::optional<CacheHit> find_stale(std::string_view resolver,
                                     const Name& name, Type type, Time now);

  // The resolver failed and the expired answer served: find() gives it for the
  // next kStaleTtl, as expired, so that not everybody waits for the resolver.
  void hold_stale(std::string_view resolver, const Name& name, Type type,
                  Time now);

  void clear();
  size_t size() const { return entries_.size(); }

 private:
  struct Key {
    std::string resolver;
    Name name;
    Type type;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Kept {
    Answer answer;
    Time until;
  };
  struct Entry {
    Key key;
    std::optional<Kept> answer;
    std::optional<Kept> failure;
    Time held_until{};       // hold_stale()
    Duration failure_for{};  // of the last one
  };
  using Entries = std::list<Entry>;  // the most recently used first

  Entry* lookup(const Key& key);
  Entry& touch(const Key& key);
  void put_answer(const Key& key, const Answer& answer, Time now);
  void put_failure(const Key& key, const Answer& answer, Time now);
  void put_denial(const Key& key, const Answer& answer, Time now);
  bool contradicted(const Key& key, Time now);
  void withdraw_denials(std::string_view resolver, Name name);
  std::optional<CacheHit> find_denial(std::string_view resolver,
                                      const Name& name, Time now);

  size_t capacity_;
  Entries entries_;
  std::unordered_map<Key, Entries::iterator, KeyHash> index_;
};

}  // namespace happy::dns
