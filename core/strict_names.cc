// Which names are strict, and what libc's answers to the others are good for.
#include <algorithm>

#include "core/engine_impl.h"
#include "core/idna.h"

namespace happy {

// The expansions of a name that have a rule with an encrypted resolver, or
// nullopt if none has. The others of such a list are left out: they hold the
// strict name as a part, and would carry it to the system's resolver.
std::optional<Engine::NameRules> Engine::strict_rules(std::string_view asked) {
  if (!policy_->uses_encrypted_resolver()) return std::nullopt;
  std::string name(asked);
  if (!is_ascii(name)) {
    // libc may send it under AI_IDN in the very form that a rule names. Where
    // that form is not known, nobody is asked: no name, no rules.
    auto labels = to_a_labels(name);
    if (!labels) return NameRules{};
    name = std::move(*labels);
  }
  dns::SearchList all;
  {
    const std::lock_guard lock(mutex_);
    all = dns::expand(name, files_.resolv_conf());
  }
  NameRules out;
  for (size_t i = 0; i < all.names.size(); ++i) {
    const auto index = policy_->match_index(all.names[i].to_string());
    if (!index || rule(*index).profile != config::Profile::kStrict) continue;
    if (all.as_is == i) out.list.as_is = out.list.names.size();
    out.list.names.push_back(all.names[i]);
    out.rules.push_back(*index);
  }
  if (out.rules.empty()) return std::nullopt;
  return out;
}

bool Engine::is_strict(const char* name) {
  return !policy_ || strict_rules(name).has_value();
}

bool Engine::is_strict_query(std::span<const uint8_t> message) {
  if (!policy_) return true;
  if (!policy_->uses_encrypted_resolver()) return false;
  const auto decoded = dns::decode(message);
  if (!decoded) return true;  // nobody can say what it would tell
  return std::any_of(decoded->questions.begin(), decoded->questions.end(),
                     [this](const dns::Question& question) {
                       const auto name = question.name.to_string() + ".";
                       return strict_rules(name).has_value();
                     });
}

void Engine::remember(const char* name, int family,
                      const happy_address* addresses, size_t count) {
  if (!policy_ || count == 0) return;
  const auto index = policy_->match_index(name);
  if (!index) return;
  std::vector<IpAddress> list;
  for (size_t i = 0; i < count; ++i) {
    IpAddress address;
    address.family =
        addresses[i].family == AF_INET ? Family::kIpv4 : Family::kIpv6;
    address.scope_id = addresses[i].scope_id;
    std::copy_n(addresses[i].bytes, address.family == Family::kIpv4 ? 4 : 16,
                address.bytes.begin());
    list.push_back(address.unmapped());
  }
  trace_.answer(name, "", list, -1, "system", "system");
  const std::lock_guard lock(mutex_);
  names_.remember(name, *index, allowed_by(family), list, gettid(),
                  net::monotonic_now());
}

}  // namespace happy
