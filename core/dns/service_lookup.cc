#include "core/dns/service_lookup.h"

#include <algorithm>
#include <array>

#include "core/dns/special.h"

namespace happy::dns {
namespace {

// The ports of other protocols, which a record must not turn TLS against: the
// "bad ports" of the Fetch standard (RFC 9460 sections 9 and 12). In order.
constexpr std::array<uint16_t, 83> kBadPorts{
    0,    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,
    23,   25,   37,   42,   43,   53,   69,   77,   79,   87,   95,   101,
    102,  103,  104,  109,  110,  111,  113,  115,  117,  119,  123,  135,
    137,  139,  143,  161,  179,  389,  427,  465,  512,  513,  514,  515,
    526,  530,  531,  532,  540,  548,  554,  556,  563,  587,  601,  636,
    989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};
static_assert(std::is_sorted(kBadPorts.begin(), kBadPorts.end()));

bool is_bad(uint16_t port) {
  return std::binary_search(kBadPorts.begin(), kBadPorts.end(), port);
}

// HTTP/3 in all its drafts is QUIC; any other protocol of HTTP is TCP.
bool is_over_tcp(const std::string& alpn) {
  return alpn != "h3" && !alpn.starts_with("h3-");
}

// Section 7.1: http/1.1 is on offer unless the record says otherwise.
bool can_be_reached(const ServiceRecord& service) {
  if (!service.usable || (service.port && is_bad(*service.port))) return false;
  return !service.no_default_alpn ||
         std::any_of(service.alpn.begin(), service.alpn.end(), is_over_tcp);
}

constexpr Type type_of(Family family) {
  return family == Family::kIpv4 ? Type::kA : Type::kAaaa;
}

bool contains(const auto& range, const auto& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

}  // namespace

ServiceLookup::ServiceLookup(Name name, const std::vector<Family>& wanted)
    : asked_(std::move(name)), at_(asked_), owner_(asked_) {
  for (const Family family : wanted) types_.push_back(type_of(family));
}

std::vector<ServiceQuestion> ServiceLookup::begin() {
  ask(at_, Type::kHttps);
  return std::exchange(out_, {});
}

std::vector<ServiceQuestion> ServiceLookup::step(
    const ServiceQuestion& question, const Answer* answer) {
  if (!close(question) || answer == nullptr || answer->is_failure()) return {};
  if (question.type != Type::kHttps) {
    addresses_[{question.name, question.type}] = answer->addresses;
  } else if (!answer->services.empty()) {
    take(answer->services, answer->canonical);
  }
  return std::exchange(out_, {});
}

bool ServiceLookup::close(const ServiceQuestion& question) {
  return std::erase(open_, question) > 0;
}

void ServiceLookup::take(const std::vector<ServiceRecord>& services,
                         const Name& owner) {
  owner_ = owner;
  if (services.front().is_alias()) return follow(services.front().target);
  std::vector<Name> targets;
  for (const ServiceRecord& service : services) {
    if (!can_be_reached(service)) continue;
    const Name& target = target_of(service);
    if (special_use(target) != SpecialUse::kNone) continue;
    if (target != at_ && !contains(targets, target)) {
      if (targets.size() == kMaxTargets) continue;
      targets.push_back(target);
    }
    services_.push_back(service);
  }
  for (const Name& target : targets) ask_addresses(target);
}

// Section 2.4.2. "." says that there is no service, which may be ignored
// (section 2.5.1); a chain that does not end must be (section 3.1).
void ServiceLookup::follow(const Name& target) {
  if (target.is_root()) return;
  passed_.push_back(at_);
  given_up_ = target == owner_ || contains(passed_, target) ||
              passed_.size() > kMaxAliases ||
              special_use(target) != SpecialUse::kNone;
  if (given_up_) return;
  at_ = owner_ = target;
  ask(at_, Type::kHttps);
  ask_addresses(at_);
}

void ServiceLookup::ask(const Name& name, Type type) {
  ServiceQuestion question{name, type};
  if (contains(open_, question) || addresses_.contains({name, type})) return;
  open_.push_back(question);
  out_.push_back(std::move(question));
}

void ServiceLookup::ask_addresses(const Name& name) {
  if (name == asked_) return;  // they are what the program asked for
  for (const Type type : types_) ask(name, type);
}

// Section 2.5.2: "." is the record's owner. The end of a chain of CNAMEs has
// the addresses of its beginning.
const Name& ServiceLookup::target_of(const ServiceRecord& service) const {
  return service.target.is_root() || service.target == owner_ ? at_
                                                              : service.target;
}

bool ServiceLookup::is_own(const ServiceRecord& service) const {
  return target_of(service) == asked_;
}

std::vector<Alternative> ServiceLookup::found() const {
  if (given_up_) return {};
  std::vector<Alternative> out;
  for (const ServiceRecord& service : services_) {
    out.push_back({service.port, addresses_of(service), is_own(service)});
  }
  // Section 3: whatever the records say, the end of the aliases is an endpoint.
  if (at_ != asked_) out.push_back({std::nullopt, addresses_of(at_)});
  return out;
}

std::vector<IpAddress> ServiceLookup::addresses_of(const Name& name) const {
  std::vector<IpAddress> out;
  for (const Type type : types_) {
    const auto known = addresses_.find({name, type});
    if (known == addresses_.end()) continue;
    out.insert(out.end(), known->second.begin(), known->second.end());
  }
  return out;
}

// Section 7.3: the target's addresses, where they are known, else the hints.
// Those of the name itself race already; its hints come to their help.
std::vector<IpAddress> ServiceLookup::addresses_of(
    const ServiceRecord& service) const {
  const Name& target = target_of(service);
  std::vector<IpAddress> out = addresses_of(target);
  for (const IpAddress& hint : service.hints) {
    const Type type = type_of(hint.family);
    if (!contains(types_, type)) continue;
    if (!addresses_.contains({target, type})) out.push_back(hint);
  }
  return out;
}

}  // namespace happy::dns
