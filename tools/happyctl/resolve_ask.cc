#include "tools/happyctl/resolve_ask.h"

#include <dlfcn.h>
#include <netdb.h>
#include <uv.h>

#include <algorithm>
#include <map>

#include "core/dns/answer.h"
#include "core/dns/search.h"
#include "core/dns/special.h"
#include "core/name_files.h"
#include "core/net/clock.h"
#include "core/net/load_tls.h"
#include "core/strict_names.h"
#include "tools/happyctl/installation.h"

namespace happyctl {
namespace {

using happy::IpAddress;
using happy::config::Policy;
using happy::config::Resolver;
using happy::dns::Name;
using happy::dns::Rcode;
using happy::dns::SearchList;
using happy::dns::Type;

constexpr std::chrono::milliseconds kDefaultPatience{5000};

// Whether the inquiry is for addresses, which hosts files and libc know.
bool wants(const Inquiry& inquiry, Type type) {
  const auto number = static_cast<uint16_t>(type);
  return std::find(inquiry.types.begin(), inquiry.types.end(), number) !=
         inquiry.types.end();
}

bool wanted(const Inquiry& inquiry, const IpAddress& address) {
  return wants(inquiry,
               address.family == happy::Family::kIpv4 ? Type::kA : Type::kAaaa);
}

std::optional<Findings> from_hosts(const Inquiry& inquiry,
                                   const happy::dns::HostsFile& hosts) {
  const auto entry = hosts.find(inquiry.name);
  if (!entry) return std::nullopt;
  Findings out{.source = Findings::Source::kHosts, .asked = inquiry.name};
  for (const IpAddress& address : entry->addresses)
    if (wanted(inquiry, address)) out.addresses.push_back(address);
  if (out.addresses.empty()) return std::nullopt;
  return out;
}

Findings from_system(const Inquiry& inquiry) {
  Findings out{.source = Findings::Source::kSystem, .asked = inquiry.name};
  const bool v4 = wants(inquiry, Type::kA), v6 = wants(inquiry, Type::kAaaa);
  if (!v4 && !v6) {
    out.note = "the system's resolver is asked for A and AAAA only";
    return out;
  }
  addrinfo hints{};
  hints.ai_family = v4 && v6 ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(inquiry.name.c_str(), nullptr, &hints, &list);
  if (error) out.note = gai_strerror(error);
  for (const addrinfo* one = list; one; one = one->ai_next)
    if (const auto place =
            happy::Endpoint::from_sockaddr(one->ai_addr, one->ai_addrlen))
      out.addresses.push_back(place->address);
  if (list) freeaddrinfo(list);
  return out;
}

// A loop for one resolver; every question at once over one connection.
class Exchange {
 public:
  Exchange(const Resolver& resolver, const happy_tls* tls) {
    uv_loop_init(&loop_);
    client_ = std::make_unique<happy::net::DotClient>(&loop_, resolver,
                                                      [tls] { return tls; });
  }
  ~Exchange() {
    client_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);  // frees what is closing
    uv_loop_close(&loop_);
  }

  std::vector<TypeResult> ask(const std::string& name,
                              const std::vector<uint16_t>& types,
                              happy::Time deadline) {
    std::vector<TypeResult> out;
    for (const uint16_t type : types) out.push_back({.type = type});
    size_t pending = types.size();
    for (TypeResult& one : out)
      client_->query(name, one.type, deadline,
                     [&one, &pending](happy::net::DotResult result) {
                       take(std::move(result), &one);
                       --pending;
                     });
    while (pending > 0) uv_run(&loop_, UV_RUN_ONCE);
    return out;
  }

 private:
  static void take(happy::net::DotResult result, TypeResult* out) {
    if (!result) {
      out->error = result.error();
      return;
    }
    out->timings = result->timings;
    out->octets = result->message.size();
    auto message = happy::dns::decode(result->message);
    if (message)
      out->message = *std::move(message);
    else
      out->error = {happy::net::DotFailure::kProtocol,
                    "the reply cannot be read: " +
                        std::string(to_string(message.error()))};
  }

  uv_loop_t loop_;
  std::unique_ptr<happy::net::DotClient> client_;
};

bool all_nonexistent(const std::vector<TypeResult>& results) {
  return std::all_of(results.begin(), results.end(), [](const auto& one) {
    return !one.error && one.message.rcode == Rcode::kNameError;
  });
}

bool all_failed(const std::vector<TypeResult>& results) {
  return std::all_of(results.begin(), results.end(),
                     [](const auto& one) { return one.error.has_value(); });
}

// What is asked: each name with the resolvers that its rule allows.
struct Round {
  Name name;
  std::vector<const Resolver*> resolvers;
};

// The rounds until a name exists; in a round, the resolvers until one answers.
class Rounds {
 public:
  Rounds(const Inquiry& inquiry, happy::Time deadline, Findings* out)
      : inquiry_(inquiry), deadline_(deadline), out_(*out) {}

  void play(const std::vector<Round>& rounds) {
    for (const Round& round : rounds) {
      out_.asked = round.name.to_string();
      out_.results.clear();
      if (take_special(round.name)) {
        if (out_.found()) return;
        continue;
      }
      out_.source = Findings::Source::kResolver;
      out_.note.clear();
      for (const Resolver* resolver : round.resolvers) {
        for (const TypeResult& failed : out_.results)
          out_.failed_before.push_back(failed.error->text);
        out_.resolver = resolver->name;
        out_.results = ask(*resolver);
        if (!all_failed(out_.results)) break;
      }
      if (!all_nonexistent(out_.results)) return;
    }
  }

 private:
  // Names that are answered without asking anybody.
  bool take_special(const Name& name) {
    const auto use = happy::dns::special_use(name);
    if (use == happy::dns::SpecialUse::kNone) return false;
    out_.source = Findings::Source::kSpecial;
    out_.note = happy::dns::reason(use);
    for (const uint16_t type : inquiry_.types)
      if (const auto answer =
              happy::dns::special_answer(name, static_cast<Type>(type)))
        out_.addresses.insert(out_.addresses.end(), answer->addresses.begin(),
                              answer->addresses.end());
    return true;
  }

  std::vector<TypeResult> ask(const Resolver& resolver) {
    if (!tls_)
      return {{.type = inquiry_.types.front(),
               .error = happy::net::DotError{happy::net::DotFailure::kLocal,
                                             tls_.error()}}};
    auto& exchange = exchanges_[&resolver];
    if (!exchange) exchange = std::make_unique<Exchange>(resolver, *tls_);
    return exchange->ask(out_.asked, inquiry_.types, deadline_);
  }

  const Inquiry& inquiry_;
  const happy::Time deadline_;
  Findings& out_;
  const tl::expected<const happy_tls*, std::string> tls_ =
      happy::net::load_tls(library_folder(), RTLD_NOW);
  std::map<const Resolver*, std::unique_ptr<Exchange>> exchanges_;
};

// As the policy says.
std::vector<Round> rounds_of(const Policy& policy,
                             const happy::StrictNames& strict) {
  std::vector<Round> out;
  for (size_t i = 0; i < strict.rules.size(); ++i) {
    Round round{strict.list.names[i], {}};
    for (const size_t index : policy.rules[strict.rules[i]].resolvers)
      round.resolvers.push_back(&policy.resolvers[index]);
    out.push_back(std::move(round));
  }
  return out;
}

// As --resolver says, for every expansion of the name.
std::vector<Round> rounds_of(const Resolver& resolver,
                             const SearchList& names) {
  std::vector<Round> out;
  for (const Name& name : names.names) out.push_back({name, {&resolver}});
  return out;
}

tl::unexpected<std::string> no_name(const Inquiry& inquiry) {
  return tl::unexpected("\"" + inquiry.name + "\" is not a domain name");
}

}  // namespace

bool Findings::found() const {
  if (!addresses.empty()) return true;
  return std::any_of(results.begin(), results.end(), [](const auto& one) {
    return !one.error && one.message.rcode == Rcode::kNoError &&
           !one.message.answers.empty();
  });
}

tl::expected<Findings, std::string> inquire(const Policy& policy,
                                            const Inquiry& inquiry) {
  happy::NameFiles files;
  const SearchList names =
      happy::dns::expand(inquiry.name, files.resolv_conf());
  if (names.names.empty()) return no_name(inquiry);
  std::vector<Round> rounds;  // none: the system's resolver
  std::optional<size_t> rule;
  if (!inquiry.resolver) {
    const auto strict =
        happy::strict_names(policy, inquiry.name, files.resolv_conf());
    if (strict && strict->rules.empty()) return no_name(inquiry);
    if (strict) rounds = rounds_of(policy, *strict);
    rule = strict ? strict->rules.front() : policy.match_index(inquiry.name);
  } else if (*inquiry.resolver != "system") {
    const auto found = std::find_if(
        policy.resolvers.begin(), policy.resolvers.end(),
        [&](const Resolver& one) { return one.name == *inquiry.resolver; });
    if (found == policy.resolvers.end())
      return tl::unexpected("the policy has no resolver \"" +
                            *inquiry.resolver + "\"");
    rounds = rounds_of(*found, names);
  }

  Findings out{.asked = inquiry.name};
  if (rounds.empty()) {
    out = from_system(inquiry);
  } else if (auto hosts = from_hosts(inquiry, files.hosts())) {
    out = *std::move(hosts);
  } else {
    const auto patience =
        rule ? policy.rules[*rule].timeouts.resolve : kDefaultPatience;
    Rounds(inquiry, happy::net::monotonic_now() + patience, &out).play(rounds);
  }
  out.rule = rule;
  return out;
}

}  // namespace happyctl
