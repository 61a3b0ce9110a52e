#include "core/strict_names.h"

#include <algorithm>

#include "core/address_abi.h"
#include "core/dns/reverse_name.h"
#include "core/engine_impl.h"
#include "core/idna.h"

namespace happy {

std::optional<StrictNames> strict_names(const config::Policy& policy,
                                        std::string_view asked,
                                        const dns::ResolvConf& conf) {
  if (!policy.uses_encrypted_resolver()) return std::nullopt;
  const std::string name(asked);
  const dns::SearchList all = dns::expand(name, conf);
  dns::SearchList ruled = all;  // as rules name them
  if (!is_ascii(name)) {
    // Where the form that rules have is not known, nobody is asked: no name, no
    // rules.
    const auto labels = to_a_labels(name);
    if (!labels) return StrictNames{};
    ruled = dns::expand(*labels, conf);
    if (ruled.names.size() != all.names.size()) return StrictNames{};
  }
  StrictNames out;
  for (size_t i = 0; i < all.names.size(); ++i) {
    const auto index = policy.match_index(ruled.names[i].to_string());
    if (!index) continue;
    if (policy.rules[*index].profile == config::Profile::kSystem) continue;
    if (all.as_is == i) out.list.as_is = out.list.names.size();
    out.list.names.push_back(all.names[i]);
    out.rules.push_back(*index);
  }
  if (out.rules.empty()) return std::nullopt;
  return out;
}

std::optional<StrictNames> Engine::strict_names(std::string_view asked) {
  // Before any file is looked at.
  if (!policy_->uses_encrypted_resolver()) return std::nullopt;
  const auto name = dns::Name::parse(asked);
  const auto address = name ? dns::reverse_mapped(*name) : std::nullopt;
  if (address && is_strict_address(*address)) return StrictNames{};
  dns::ResolvConf conf;
  {
    const std::lock_guard lock(mutex_);
    conf = files_.resolv_conf();
  }
  return happy::strict_names(*policy_, asked, conf);
}

// AI_IDN may make another name of it by the locale.
bool Engine::is_strict(const char* name) {
  if (!policy_ || strict_names(name)) return true;
  if (is_ascii(name)) return false;
  const auto labels = to_a_labels_by_locale(name);
  return labels && strict_names(*labels);
}

bool Engine::forbids_clear_text(const char* name) {
  if (!policy_) return true;
  const auto names = strict_names(name);
  return names && forbids_clear_text(names->rules);
}

// An empty list: no name that anybody may be asked for.
bool Engine::forbids_clear_text(const std::vector<size_t>& rules) const {
  return rules.empty() ||
         std::any_of(rules.begin(), rules.end(), [this](size_t index) {
           return rule(index).forbids_clear_text();
         });
}

bool Engine::is_strict_address(const IpAddress& address) {
  if (!policy_ || !policy_->uses_encrypted_resolver()) return false;
  const std::lock_guard lock(mutex_);
  const auto rules = names_.rules_of(address);
  return !rules.empty() && forbids_clear_text(rules);
}

bool Engine::is_strict_query(std::span<const uint8_t> message) {
  if (!policy_) return true;
  if (!policy_->uses_encrypted_resolver()) return false;
  const auto decoded = dns::decode(message);
  if (!decoded) return true;  // nobody can say what it would tell
  return std::any_of(decoded->questions.begin(), decoded->questions.end(),
                     [this](const dns::Question& question) {
                       const auto name = question.name.to_string() + ".";
                       return forbids_clear_text(name.c_str());
                     });
}

void Engine::remember(const char* name, int family,
                      const happy_address* addresses, size_t count) {
  if (!policy_ || count == 0) return;
  const auto index = policy_->match_index(name);
  if (!index) return;
  std::vector<IpAddress> list;
  for (size_t i = 0; i < count; ++i) {
    list.push_back(from_abi(addresses[i]).unmapped());
  }
  trace_.answer(name, "", list, -1, "system", "system");
  add_translated(nat64_prefixes(rule(*index)), &list);
  const std::lock_guard lock(mutex_);
  names_.remember(name, *index,
                  raced_families(rule(*index), allowed_by(family)), list,
                  gettid(), net::monotonic_now());
}

}  // namespace happy
