#include "tools/happyctl/resolve_ask.h"

#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/dns/answer.h"
#include "core/dns/hosts_file.h"
#include "core/dns/search.h"
#include "core/dns/special.h"
#include "core/net/dot_connection.h"
#include "core/net/load_tls.h"
#include "tools/happyctl/installation.h"

namespace happyctl {
namespace {

using happy::IpAddress;
using happy::config::Policy;
using happy::config::Resolver;
using happy::config::Rule;
using happy::dns::Name;
using happy::dns::Rcode;
using happy::dns::SearchList;
using happy::dns::Type;

constexpr std::chrono::milliseconds kDefaultPatience{5000};

std::string contents(const char* path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

SearchList expanded(const std::string& name) {
  const std::string file = contents("/etc/resolv.conf");
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  happy::dns::ResolvConfSources sources;
  sources.text = file;
  sources.host_name = host;
  if (const char* domain = getenv("LOCALDOMAIN")) sources.local_domain = domain;
  if (const char* options = getenv("RES_OPTIONS"))
    sources.res_options = options;
  return happy::dns::expand(name, happy::dns::parse_resolv_conf(sources));
}

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

std::optional<Findings> from_hosts(const Inquiry& inquiry) {
  const happy::dns::HostsFile hosts(contents("/etc/hosts"));
  const auto entry = hosts.find(inquiry.name);
  if (!entry) return std::nullopt;
  Findings out{.source = Findings::Source::kHosts, .asked = inquiry.name};
  for (const IpAddress& address : entry->addresses)
    if (wanted(inquiry, address)) out.addresses.push_back(address);
  if (out.addresses.empty()) return std::nullopt;
  return out;
}

std::optional<Findings> from_special(const Inquiry& inquiry, const Name& name) {
  const auto use = happy::dns::special_use(name);
  if (use == happy::dns::SpecialUse::kNone) return std::nullopt;
  Findings out{.source = Findings::Source::kSpecial, .asked = inquiry.name};
  out.note = happy::dns::reason(use);
  for (const uint16_t type : inquiry.types)
    if (const auto answer =
            happy::dns::special_answer(name, static_cast<Type>(type)))
      out.addresses.insert(out.addresses.end(), answer->addresses.begin(),
                           answer->addresses.end());
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
    client_ = std::make_unique<happy::net::DotClient>(&loop_, resolver, tls);
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

// The search list by one resolver: the first name that exists.
void by_resolver(const Resolver& resolver, const Inquiry& inquiry,
                 const SearchList& names, happy::Time deadline, Findings* out) {
  const auto tls = happy::net::load_tls(library_folder(), RTLD_NOW);
  out->resolver = resolver.name;
  if (!tls) {
    out->results = {{.type = inquiry.types.front(),
                     .error = happy::net::DotError{
                         happy::net::DotFailure::kLocal, tls.error()}}};
    return;
  }
  Exchange exchange(resolver, *tls);
  for (const Name& name : names.names) {
    out->asked = name.to_string();
    out->results = exchange.ask(out->asked, inquiry.types, deadline);
    if (!all_nonexistent(out->results)) return;
  }
}

// The rule that decides: of the first expansion that has an encrypted resolver,
// else of the name itself (docs/policy.md).
std::optional<size_t> deciding_rule(const Policy& policy,
                                    const Inquiry& inquiry,
                                    const SearchList& names) {
  for (const Name& name : names.names)
    if (const auto rule = policy.match_index(name.to_string()))
      if (!policy.rules[*rule].resolvers.empty()) return rule;
  return policy.match_index(inquiry.name);
}

tl::expected<std::vector<const Resolver*>, std::string> resolvers_for(
    const Policy& policy, const Inquiry& inquiry,
    const std::optional<size_t>& rule) {
  std::vector<const Resolver*> out;
  if (!inquiry.resolver) {
    if (rule)
      for (const size_t index : policy.rules[*rule].resolvers)
        out.push_back(&policy.resolvers[index]);
    return out;
  }
  if (*inquiry.resolver == "system") return out;
  for (const Resolver& resolver : policy.resolvers)
    if (resolver.name == *inquiry.resolver) out.push_back(&resolver);
  if (out.empty())
    return tl::unexpected("the policy has no resolver \"" + *inquiry.resolver +
                          "\"");
  return out;
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
  const SearchList names = expanded(inquiry.name);
  if (names.names.empty())
    return tl::unexpected("\"" + inquiry.name + "\" is not a domain name");
  const auto rule =
      inquiry.resolver ? std::nullopt : deciding_rule(policy, inquiry, names);
  const auto resolvers = resolvers_for(policy, inquiry, rule);
  if (!resolvers) return tl::unexpected(resolvers.error());

  Findings out{.asked = inquiry.name};
  if (resolvers->empty()) {
    out = from_system(inquiry);
  } else if (auto hosts = from_hosts(inquiry)) {
    out = *std::move(hosts);
  } else if (auto special = from_special(inquiry, *Name::parse(inquiry.name))) {
    out = *std::move(special);
  } else {
    out.source = Findings::Source::kResolver;
    const auto patience =
        rule ? policy.rules[*rule].timeouts.resolve : kDefaultPatience;
    const happy::Time deadline = happy::net::steady_now() + patience;
    for (const Resolver* resolver : *resolvers) {
      for (const TypeResult& failed : out.results)
        out.failed_before.push_back(failed.error->text);
      by_resolver(*resolver, inquiry, names, deadline, &out);
      if (!all_failed(out.results)) break;
    }
  }
  out.rule = rule;
  return out;
}

}  // namespace happyctl
