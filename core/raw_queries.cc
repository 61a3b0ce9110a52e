#include "core/raw_queries.h"

#include <linux/futex.h>
#include <netdb.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "core/address_abi.h"
#include "core/dns/reverse_name.h"
#include "core/dns/special.h"
#include "core/engine_impl.h"

namespace happy {
namespace {

constexpr size_t kHeader = 12;  // octets

// As res_nquery(3) judges a message.
int host_error_of(const std::vector<uint8_t>& message) {
  if (message.size() < kHeader) return NO_RECOVERY;
  const bool has_answers = message[6] != 0 || message[7] != 0;
  switch (static_cast<dns::Rcode>(message[3] & 0x0f)) {
    case dns::Rcode::kNoError:
      return has_answers ? NETDB_SUCCESS : NO_DATA;
    case dns::Rcode::kNameError:
      return HOST_NOT_FOUND;
    case dns::Rcode::kServerFailure:
      return TRY_AGAIN;
    default:
      return NO_RECOVERY;
  }
}

void finish(RawQuery* query, int host_error) {
  query->host_error = host_error;
  query->message = query->storage.data();
  query->size = query->storage.size();
  __atomic_store_n(&query->done, 1u, __ATOMIC_RELEASE);
  syscall(SYS_futex, &query->done, FUTEX_WAKE_PRIVATE, INT_MAX);
}

// What the first PTR record of `name` says, behind its CNAMEs (RFC 2317), as
// gethostbyaddr(3) takes it: no name that no host may have, and no aliases.
std::vector<std::string> names_in(const std::vector<uint8_t>& message,
                                  dns::Name name) {
  const auto decoded = dns::decode(message);
  if (!decoded) return {};
  for (const dns::Record& record : decoded->answers) {
    const auto* const target = std::get_if<dns::Name>(&record.data);
    if (target == nullptr || record.owner != name) continue;
    if (record.type == dns::Type::kCname)
      name = *target;
    else if (dns::is_host_name(target->to_string()))
      return {target->to_string()};
  }
  return {};
}

void keep(const std::vector<std::string>& names, RawQuery* query) {
  const std::string text = to_abi(names);
  query->storage.assign(text.begin(), text.end());
}

}  // namespace

// The names to ask for, with their rules. The reverse map of an address that a
// strict look-up gave belongs to that look-up's rule.
std::optional<StrictNames> Engine::names_to_query(const char* name,
                                                  bool search) {
  const auto parsed = dns::Name::parse(name);
  const auto address = parsed ? dns::reverse_mapped(*parsed) : std::nullopt;
  if (address && is_strict_address(*address)) {
    const std::lock_guard lock(mutex_);
    const auto rules = names_.rules_of(*address);
    const auto strict = std::find_if(
        rules.begin(), rules.end(),
        [this](size_t index) { return rule(index).forbids_clear_text(); });
    if (strict != rules.end()) return StrictNames{{{*parsed}, 0}, {*strict}};
  }
  std::string whole = name;
  if (!search && !whole.ends_with('.')) whole += '.';
  return strict_names(whole);
}

happy_query* Engine::query_start(const char* name, int type, bool search) {
  auto query = std::make_shared<RawQuery>();
  query->type = static_cast<dns::Type>(type);
  return start_raw(query, name, search);
}

// The hosts file has the first word, as with names.
happy_query* Engine::names_start(const IpAddress& address) {
  auto query = std::make_shared<RawQuery>();
  query->type = dns::Type::kPtr;
  query->wants_names = true;
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    names = files_.hosts().names_of(address);
  }
  if (!names.empty()) {
    query->self = query;
    keep(names, query.get());
    finish(query.get(), NETDB_SUCCESS);
    return query.get();
  }
  const std::string name = dns::reverse_name(address.unmapped());
  return start_raw(query, name.c_str(), false);
}

happy_query* Engine::start_raw(const std::shared_ptr<RawQuery>& query,
                               const char* name, bool search) {
  std::optional<StrictNames> names;
  if (policy_) {
    names = names_to_query(name, search);
    if (!names) return nullptr;
  }
  query->self = query;  // the caller's reference
  if (!names || names->rules.empty()) {
    finish(query.get(), names ? HOST_NOT_FOUND : NO_RECOVERY);
    return query.get();
  }
  query->list = std::move(names->list);
  query->rules = std::move(names->rules);
  const auto posted = helper_->loop.post([this, query] { ask_raw(query); });
  if (!posted) finish(query.get(), TRY_AGAIN);
  return query.get();
}

happy_query* Engine::query_start(std::span<const uint8_t> message) {
  const auto decoded = dns::decode(message);
  if (!decoded || decoded->questions.size() != 1 ||
      decoded->questions[0].record_class != dns::kClassIn)
    return nullptr;
  const dns::Question& question = decoded->questions[0];
  return query_start((question.name.to_string() + ".").c_str(),
                     static_cast<int>(question.type), false);
}

// Loop thread.
void Engine::ask_raw(const std::shared_ptr<RawQuery>& query) {
  const dns::Name& name = query->list.names[query->current];
  if (dns::special_use(name) != dns::SpecialUse::kNone)
    return replied_raw(query, HOST_NOT_FOUND);
  const config::Rule& asked_by = rule(query->rules[query->current]);
  helper_->resolvers->ask(
      {asked_by.resolvers, asked_by.profile == config::Profile::kOpportunistic},
      name, query->type, net::monotonic_now() + asked_by.timeouts.resolve,
      [this, query, name](ReplyResult result) {
        query->storage.clear();
        if (result) query->storage = std::move(result->message);
        int error = result ? host_error_of(query->storage) : TRY_AGAIN;
        if (query->wants_names && error == NETDB_SUCCESS) {
          keep(names_in(query->storage, name), query.get());
          // As gethostbyaddr(3) calls a reply that does not answer.
          if (query->storage.empty()) error = NO_RECOVERY;
        }
        replied_raw(query, error);
      });
}

// Goes on through the search list as res_nsearch(3) does.
void Engine::replied_raw(const std::shared_ptr<RawQuery>& query, int error) {
  const bool silent = error == TRY_AGAIN && query->storage.empty();
  if (error == NETDB_SUCCESS || silent) return finish(query.get(), error);
  query->met_no_data |= error == NO_DATA;
  query->met_server_failure |= error == TRY_AGAIN;
  if (++query->current < query->list.names.size()) return ask_raw(query);
  if (query->met_no_data)
    error = NO_DATA;
  else if (query->met_server_failure)
    error = TRY_AGAIN;
  finish(query.get(), error);
}

}  // namespace happy
