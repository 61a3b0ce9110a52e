#include "core/state/name_memory.h"

#include <algorithm>
#include <utility>

namespace happy::state {
namespace {

// Look-ups of one name with different hints are remembered apart.
std::string key_of(std::string_view name, Families families) {
  std::string key(name);
  if (key.ends_with('.')) key.pop_back();
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  // After a character that no name holds.
  return key + '\0' + (families.ipv4 ? '4' : '-') + (families.ipv6 ? '6' : '-');
}

std::string name_of(const std::string& key) {
  return key.substr(0, key.size() - 3);
}

std::vector<IpAddress> allowed_once(std::span<const IpAddress> addresses,
                                    Families families) {
  std::vector<IpAddress> out;
  for (const IpAddress& address : addresses) {
    const IpAddress plain = address.unmapped();
    if (!families.has(plain.family)) continue;
    if (std::find(out.begin(), out.end(), plain) == out.end()) {
      out.push_back(plain);
    }
  }
  return out;
}

bool contains(const auto& range, const auto& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

Endpoint plain(const Endpoint& endpoint) {
  return {endpoint.address.unmapped(), endpoint.port};
}

}  // namespace

bool NameMemory::Lookup::gave(const IpAddress& address) const {
  return contains(addresses, address);
}

bool NameMemory::Lookup::is_trying(const Endpoint& endpoint) const {
  const auto at = trying.find(endpoint.address);
  return at != trying.end() && contains(at->second, endpoint.port);
}

NameMemory::NameMemory(const Limits& limits) : limits_(limits) {}

LookupId NameMemory::remember(std::string_view name, size_t rule,
                              Families families,
                              std::span<const IpAddress> addresses,
                              ThreadId thread, Time now) {
  Lookup* lookup = find(name, families);
  if (lookup == nullptr) lookup = &insert(name, families);
  lookup->rule = rule;
  lookup->failures.clear();  // who asks again, tries again
  lookup->alternatives.clear();
  replace_addresses(lookup, allowed_once(addresses, families));
  touch(lookup->id);
  note_evidence(thread, lookup->id, now);
  return lookup->id;
}

void NameMemory::refresh(std::string_view name, Families families,
                         std::span<const IpAddress> addresses) {
  Lookup* lookup = find(name, families);
  if (lookup == nullptr) return;
  replace_addresses(lookup, allowed_once(addresses, families));
}

void NameMemory::join(std::string_view name, Families families,
                      std::span<const IpAddress> addresses) {
  Lookup* lookup = find(name, families);
  if (lookup == nullptr) return;
  std::vector<IpAddress> all = lookup->addresses;
  all.insert(all.end(), addresses.begin(), addresses.end());
  replace_addresses(lookup, allowed_once(all, families));
}

void NameMemory::set_alternatives(LookupId id,
                                  std::vector<Endpoint> alternatives) {
  Lookup* lookup = find(id);
  if (lookup == nullptr) return;
  if (alternatives.size() > limits_.addresses_per_lookup) {
    alternatives.resize(limits_.addresses_per_lookup);
  }
  for (Endpoint& endpoint : alternatives) {
    endpoint = plain(endpoint);
    std::erase(lookup->led_to, endpoint.address);
    lookup->led_to.push_back(endpoint.address);
  }
  while (lookup->led_to.size() > limits_.addresses_per_lookup) {
    lookup->led_to.pop_front();
  }
  lookup->alternatives = std::move(alternatives);
}

// An endpoint that `out` has by its address already is left out.
void NameMemory::add_alternatives(const Lookup& lookup, const Endpoint& wanted,
                                  Families usable, Candidates* out) {
  for (const Endpoint& endpoint : lookup.alternatives) {
    if (!usable.has(endpoint.address.family) || endpoint == wanted) continue;
    if (endpoint.port == wanted.port && lookup.gave(endpoint.address)) continue;
    auto& list = lookup.is_trying(endpoint) ? out->deferred_alternatives
                                            : out->alternatives;
    if (!contains(list, endpoint)) list.push_back(endpoint);
  }
}

std::optional<Candidates> NameMemory::candidates_for(
    const Endpoint& destination, Families usable, ThreadId thread, Time now) {
  const Endpoint wanted = plain(destination);
  const std::vector<Lookup*> lookups = in_question(wanted.address, thread, now);
  if (lookups.empty()) return std::nullopt;
  const Lookup& first = *lookups.front();
  Candidates out;
  out.rule = first.rule;
  out.name = first.name;
  for (Lookup* lookup : lookups) {
    out.lookups.push_back(lookup->id);
    if (lookup->rule != first.rule) out.rule.reset();
    if (lookup->name != first.name) out.name.clear();
  }
  for (const IpAddress& address : first.addresses) {
    if (address == wanted.address || !usable.has(address.family)) continue;
    const auto gave = [&address](Lookup* l) { return l->gave(address); };
    if (!std::all_of(lookups.begin(), lookups.end(), gave)) continue;
    const Endpoint candidate{address, wanted.port};
    const auto tries = [&candidate](Lookup* l) {
      return l->is_trying(candidate);
    };
    const bool tried = std::any_of(lookups.begin(), lookups.end(), tries);
    (tried ? out.deferred : out.addresses).push_back(address);
  }
  // Without the name, whose race it was that failed is unknown as well.
  if (lookups.size() == 1) {
    add_alternatives(first, wanted, usable, &out);
    out.fail_with = take_failure(lookups.front(), wanted, now);
  }
  for (const LookupId id : out.lookups) touch(id);
  return out;
}

std::vector<IpAddress> NameMemory::addresses_of(LookupId id) {
  const Lookup* lookup = find(id);
  return lookup == nullptr ? std::vector<IpAddress>{} : lookup->addresses;
}

std::vector<Endpoint> NameMemory::alternatives_of(LookupId id) {
  const Lookup* lookup = find(id);
  return lookup == nullptr ? std::vector<Endpoint>{} : lookup->alternatives;
}

std::vector<size_t> NameMemory::rules_of(const IpAddress& address) const {
  std::vector<size_t> out;
  const IpAddress wanted = address.unmapped();
  const auto owners = by_address_.find(wanted);
  if (owners != by_address_.end()) {
    for (const LookupId id : owners->second) out.push_back(by_id_.at(id)->rule);
  }
  for (const Lookup& lookup : lookups_) {
    if (contains(lookup.led_to, wanted)) out.push_back(lookup.rule);
  }
  return out;
}

// The look-ups that a connect() to `address` may mean, never empty if anybody
// knows it. The latest look-up by this thread that gave the address decides.
std::vector<NameMemory::Lookup*> NameMemory::in_question(
    const IpAddress& address, ThreadId thread, Time now) {
  const auto owners = by_address_.find(address);
  if (owners == by_address_.end()) return {};
  if (const auto it = threads_.find(thread); it != threads_.end()) {
    it->second.used = ++clock_;
    for (const Evidence& evidence : it->second.latest) {
      if (now - evidence.at > limits_.evidence_life) break;
      if (!contains(owners->second, evidence.lookup)) continue;
      return {find(evidence.lookup)};
    }
  }
  std::vector<Lookup*> out;
  for (const LookupId id : owners->second) out.push_back(find(id));
  return out;
}

void NameMemory::race_failed(const std::vector<LookupId>& lookups,
                             const Endpoint& destination,
                             std::span<const Failure> failures, Time now) {
  for (const LookupId id : lookups) {
    Lookup* lookup = find(id);
    if (lookup == nullptr) continue;
    // The caller has had the destination's own error: a retry is a retry.
    std::erase_if(lookup->failures, [&](const RecentFailure& failure) {
      return failure.endpoint == plain(destination) ||
             now - failure.at >= limits_.failure_life;
    });
    for (const Failure& failure : failures) {
      const Endpoint endpoint = plain(failure.endpoint);
      if (failure.error == 0 || endpoint == plain(destination)) continue;
      std::erase_if(lookup->failures, [&](const RecentFailure& old) {
        return old.endpoint == endpoint;
      });
      lookup->failures.push_back({endpoint, failure.error, now});
    }
  }
}

int NameMemory::take_failure(Lookup* lookup, const Endpoint& endpoint,
                             Time now) {
  for (auto it = lookup->failures.begin(); it != lookup->failures.end(); ++it) {
    if (it->endpoint != endpoint) continue;
    const int error = now - it->at < limits_.failure_life ? it->error : 0;
    lookup->failures.erase(it);
    return error;
  }
  return 0;
}

void NameMemory::race_begun(const std::vector<LookupId>& lookups) {
  for (const LookupId id : lookups)
    if (Lookup* lookup = find(id)) ++lookup->races;
}

void NameMemory::race_over(const std::vector<LookupId>& lookups) {
  for (const LookupId id : lookups)
    if (Lookup* lookup = find(id)) --lookup->races;
}

bool NameMemory::is_raced(const std::vector<LookupId>& lookups) {
  return std::any_of(lookups.begin(), lookups.end(), [this](LookupId id) {
    const Lookup* lookup = find(id);
    return lookup != nullptr && lookup->races > 0;
  });
}

void NameMemory::attempt_started(const std::vector<LookupId>& lookups,
                                 const Endpoint& endpoint) {
  const Endpoint tried = plain(endpoint);
  for (const LookupId id : lookups) {
    Lookup* lookup = find(id);
    if (lookup) lookup->trying[tried.address].push_back(tried.port);
  }
}

void NameMemory::attempt_ended(const std::vector<LookupId>& lookups,
                               const Endpoint& endpoint) {
  const Endpoint tried = plain(endpoint);
  for (const LookupId id : lookups) {
    Lookup* lookup = find(id);
    if (lookup == nullptr) continue;
    const auto it = lookup->trying.find(tried.address);
    if (it == lookup->trying.end()) continue;
    auto& ports = it->second;
    const auto port = std::find(ports.begin(), ports.end(), tried.port);
    if (port != ports.end()) ports.erase(port);
    if (ports.empty()) lookup->trying.erase(it);
  }
}

void NameMemory::after_fork(ThreadId from, ThreadId to) {
  for (Lookup& lookup : lookups_) {
    lookup.trying.clear();
    lookup.races = 0;
  }
  auto forked = threads_.extract(from);
  threads_.clear();  // the other threads are the parent's
  if (forked.empty()) return;
  forked.key() = to;
  threads_.insert(std::move(forked));
}

NameMemory::Lookup* NameMemory::find(std::string_view name, Families families) {
  const auto it = by_name_.find(key_of(name, families));
  return it == by_name_.end() ? nullptr : find(it->second);
}

NameMemory::Lookup* NameMemory::find(LookupId id) {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &*it->second;
}

NameMemory::Lookup& NameMemory::insert(std::string_view name,
                                       Families families) {
  while (!lookups_.empty() && lookups_.size() >= limits_.lookups) {
    forget(std::prev(lookups_.end()));
  }
  std::string key = key_of(name, families);
  lookups_.push_front({.id = LookupId{next_id_++}, .name = name_of(key)});
  Lookup& lookup = lookups_.front();
  lookup.families = families;
  by_id_[lookup.id] = lookups_.begin();
  by_name_[std::move(key)] = lookup.id;
  return lookup;
}

// An address that went still leads to the name: programs keep what they
// resolved long past its TTL. It only races no more.
void NameMemory::replace_addresses(Lookup* lookup,
                                   std::vector<IpAddress> addresses) {
  if (addresses.size() > limits_.addresses_per_lookup) {
    addresses.resize(limits_.addresses_per_lookup);
  }
  for (const IpAddress& old : std::exchange(lookup->addresses, {})) {
    if (!contains(addresses, old)) lookup->former.push_back(old);
  }
  for (const IpAddress& address : addresses) {
    std::erase(lookup->former, address);
    index(*lookup, address);
  }
  lookup->addresses = std::move(addresses);
  while (lookup->addresses.size() + lookup->former.size() >
         limits_.addresses_per_lookup) {
    unindex(*lookup, lookup->former.front());
    lookup->former.pop_front();
  }
}

void NameMemory::index(const Lookup& lookup, const IpAddress& address) {
  std::vector<LookupId>& owners = by_address_[address];
  if (!contains(owners, lookup.id)) owners.push_back(lookup.id);
}

void NameMemory::unindex(const Lookup& lookup, const IpAddress& address) {
  const auto it = by_address_.find(address);
  if (it == by_address_.end()) return;
  std::erase(it->second, lookup.id);
  if (it->second.empty()) by_address_.erase(it);
}

void NameMemory::forget(LookupList::iterator lookup) {
  for (const IpAddress& address : lookup->addresses) unindex(*lookup, address);
  for (const IpAddress& address : lookup->former) unindex(*lookup, address);
  by_name_.erase(key_of(lookup->name, lookup->families));
  by_id_.erase(lookup->id);
  lookups_.erase(lookup);
}

void NameMemory::touch(LookupId id) {
  lookups_.splice(lookups_.begin(), lookups_, by_id_.at(id));
}

void NameMemory::note_evidence(ThreadId thread, LookupId lookup, Time now) {
  if (!threads_.contains(thread) && threads_.size() >= limits_.threads) {
    const auto oldest = std::min_element(threads_.begin(), threads_.end(),
                                         [](const auto& a, const auto& b) {
                                           return a.second.used < b.second.used;
                                         });
    if (oldest != threads_.end()) threads_.erase(oldest);
  }
  Thread& noted = threads_[thread];
  noted.used = ++clock_;
  std::erase_if(noted.latest, [lookup](const Evidence& evidence) {
    return evidence.lookup == lookup;
  });
  noted.latest.push_front({lookup, now});
  if (noted.latest.size() > limits_.lookups_per_thread) noted.latest.pop_back();
}

}  // namespace happy::state
