#include "core/dns/cache.h"

#include <algorithm>

namespace happy::dns {
namespace {

// The key of "no such name", which is about every type (RFC 2308 section 5).
// TYPE0 is reserved and never asked for (RFC 6895 section 3.1).
constexpr Type kEveryType = static_cast<Type>(0);

std::chrono::seconds rounded_up(Duration left) {
  return std::chrono::ceil<std::chrono::seconds>(left);
}

}  // namespace

size_t Cache::KeyHash::operator()(const Key& key) const {
  const size_t seed = std::hash<std::string>()(key.resolver);
  return (seed ^ key.name.hash()) * 0x9e3779b97f4a7c15u +
         static_cast<size_t>(key.type);
}

Cache::Entry* Cache::lookup(const Key& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front();
}

// The entry of `key`, made where there is none; the capacity is kept.
Cache::Entry& Cache::touch(const Key& key) {
  if (Entry* const entry = lookup(key)) return *entry;
  entries_.push_front({.key = key,
                       .answer = {},
                       .failure = {},
                       .held_until = {},
                       .failure_for = {}});
  index_[key] = entries_.begin();
  if (entries_.size() > capacity_ && entries_.size() > 1) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  return entries_.front();
}

void Cache::put(std::string_view resolver, const Name& name, Type type,
                const Answer& answer, Time now) {
  const Key key{std::string(resolver), name, type};
  switch (answer.status) {
    case AnswerStatus::kAddresses:
    case AnswerStatus::kServices:
    case AnswerStatus::kNoData:
    case AnswerStatus::kDeadAlias:
      withdraw_denials(resolver, name);
      return put_answer(key, answer, now);
    case AnswerStatus::kNoName:
      put_denial(key, answer, now);
      return put_answer(key, answer, now);
    case AnswerStatus::kServerFailure:
    case AnswerStatus::kRefused:
    case AnswerStatus::kMalformed:
      return put_failure(key, answer, now);
  }
}

void Cache::put_answer(const Key& key, const Answer& answer, Time now) {
  if (!answer.ttl) return;
  const Duration most = answer.is_positive() ? kMaxPositive : kMaxNegative;
  Entry& entry = touch(key);
  entry.failure.reset();
  entry.failure_for = {};
  entry.held_until = {};
  entry.answer = Kept{answer, now + std::min<Duration>(*answer.ttl, most)};
}

void Cache::put_failure(const Key& key, const Answer& answer, Time now) {
  Entry& entry = touch(key);
  entry.failure_for =
      std::clamp(entry.failure_for * 2, kFirstFailure, kLastFailure);
  entry.failure = Kept{answer, now + entry.failure_for};
}

// RFC 8020 section 2: the denied name is the end of the CNAME chain, and
// nothing exists below it.
void Cache::put_denial(const Key& key, const Answer& answer, Time now) {
  if (answer.canonical.is_root()) return;  // the root exists
  if (answer.canonical == key.name && contradicted(key, now)) return;
  put_answer({key.resolver, answer.canonical, kEveryType}, answer, now);
}

// Some load balancers say NXDOMAIN to AAAA for names that have A (RFC 4074
// section 4.2). What denies a name that is known to exist is kept for the
// asked type only.
bool Cache::contradicted(const Key& key, Time now) {
  const auto contradicts = [&](Type other) {
    const Entry* entry = lookup({key.resolver, key.name, other});
    return other != key.type && entry != nullptr && entry->answer &&
           entry->answer->answer.status != AnswerStatus::kNoName &&
           now < entry->answer->until;
  };
  return contradicts(Type::kA) || contradicts(Type::kAaaa);
}

// A name that exists proves that neither it nor any name above is missing.
void Cache::withdraw_denials(std::string_view resolver, Name name) {
  for (; !name.is_root(); name = name.parent()) {
    const auto found = index_.find({std::string(resolver), name, kEveryType});
    if (found == index_.end()) continue;
    entries_.erase(found->second);
    index_.erase(found);
  }
}

std::optional<CacheHit> Cache::find(std::string_view resolver, const Name& name,
                                    Type type, Time now) {
  const Entry* entry = lookup({std::string(resolver), name, type});
  if (entry != nullptr && entry->answer && now < entry->answer->until) {
    CacheHit hit{.answer = entry->answer->answer, .expired = false};
    hit.answer.ttl = rounded_up(entry->answer->until - now);
    return hit;
  }
  if (auto denial = find_denial(resolver, name, now)) return denial;
  if (entry != nullptr && entry->answer && now < entry->held_until) {
    CacheHit hit{.answer = entry->answer->answer, .expired = true};
    hit.answer.ttl = rounded_up(entry->held_until - now);
    return hit;
  }
  if (entry != nullptr && entry->failure && now < entry->failure->until) {
    return CacheHit{.answer = entry->failure->answer, .expired = false};
  }
  return std::nullopt;
}

std::optional<CacheHit> Cache::find_denial(std::string_view resolver,
                                           const Name& name, Time now) {
  for (Name at = name; !at.is_root(); at = at.parent()) {
    const Entry* entry = lookup({std::string(resolver), at, kEveryType});
    if (entry != nullptr && entry->answer && now < entry->answer->until) {
      CacheHit hit{.answer = entry->answer->answer, .expired = false};
      hit.answer.canonical = name;
      hit.answer.ttl = rounded_up(entry->answer->until - now);
      return hit;
    }
  }
  return std::nullopt;
}

std::optional<CacheHit> Cache::find_stale(std::string_view resolver,
                                          const Name& name, Type type,
                                          Time now) {
  const Entry* entry = lookup({std::string(resolver), name, type});
  if (entry == nullptr || !entry->answer) return std::nullopt;
  const Kept& kept = *entry->answer;
  if (!kept.answer.is_positive() || now >= kept.until + kStaleFor) {
    return std::nullopt;
  }
  CacheHit hit{.answer = kept.answer, .expired = now >= kept.until};
  hit.answer.ttl =
      std::max(std::chrono::seconds(0), rounded_up(kept.until - now));
  return hit;
}

void Cache::hold_stale(std::string_view resolver, const Name& name, Type type,
                       Time now) {
  const auto stale = find_stale(resolver, name, type, now);
  if (!stale || !stale->expired) return;
  lookup({std::string(resolver), name, type})->held_until = now + kStaleTtl;
}

void Cache::clear() {
  index_.clear();
  entries_.clear();
}

}  // namespace happy::dns
