#include "tests/lab/namespace_lab.h"

#include <filesystem>

#include "tests/lab/fail.h"
#include "tests/lab/sockets.h"

namespace happy::lab {
namespace {

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

std::map<IpAddress, Path> paths_of(const NamespaceWish& wish) {
  std::map<IpAddress, Path> paths;
  for (const auto& host : wish.hosts)
    paths[IpAddress::parse(host.address).value()] = host.path;
  paths[IpAddress::parse(NamespaceLab::kResolver).value()] = {
      .rtt = wish.resolver_rtt};
  return paths;
}

// Loopback and the wire up, no link-local chatter, everything by the wire.
const char* const kCommon =
    "link set lo up\n"
    "link set tun0 addrgenmode none\n"
    "link set tun0 up\n"
    "route add default dev tun0\n"
    "route add ::/0 dev tun0\n";

}  // namespace

NamespaceLab::NamespaceLab(const NamespaceWish& wish)
    : certificate_(make_certificate()), server_(&client_) {
  Descriptor client_tun = open_tun(client_, "tun0");
  Descriptor server_tun = open_tun(server_, "tun0");
  configure_server(wish);
  configure_client();
  relay_ = std::make_unique<Relay>(std::move(client_tun), std::move(server_tun),
                                   paths_of(wish));
  serve(wish);
  use_.trace = folder_.file("trace.jsonl");
  use_policy(policy().dump(2));
}

void NamespaceLab::configure_client() {
  client_.must_run({"ip", "-batch", "-"},
                   "address add " + std::string(kClient) +
                       "/32 dev tun0\n"
                       "address add 2001:db8:c::2/128 dev tun0 nodad\n" +
                       kCommon);
  // libc here resolves by port 53 over the wire, whatever the machine does, so
  // that the log shows each query that went around the library.
  const std::string resolv = folder_.write(
      "resolv.conf", std::string("nameserver ") + kResolver + "\n");
  const std::string switches =
      folder_.write("nsswitch.conf", "hosts: files dns\npasswd: files\n");
  client_.must_run({"mount", "--bind", resolv, "/etc/resolv.conf"});
  client_.must_run({"mount", "--bind", switches, "/etc/nsswitch.conf"});
  if (std::filesystem::exists("/run/nscd"))
    client_.must_run({"mount", "-t", "tmpfs", "none", "/run/nscd"});
}

void NamespaceLab::configure_server(const NamespaceWish& wish) {
  std::string batch = "address add " + std::string(kResolver) + "/32 dev lo\n";
  for (const auto& host : wish.hosts)
    batch += is_ipv6(host.address)
                 ? "address add " + host.address + "/128 dev lo nodad\n"
                 : "address add " + host.address + "/32 dev lo\n";
  server_.must_run({"ip", "-batch", "-"}, batch + kCommon);
}

void NamespaceLab::serve(const NamespaceWish& wish) {
  web_ = std::make_unique<WebServer>(server_.open_inside([&wish] {
    std::vector<Descriptor> listeners;
    for (const auto& host : wish.hosts)
      if (!host.refuses)
        listeners.push_back(
            listen_on({IpAddress::parse(host.address).value(), 80}));
    return listeners;
  }));
  UnboundWish resolver;
  resolver.address = kResolver;
  resolver.plain_port = 53;
  resolver.names = wish.names;
  resolver.enter = server_.entrance();
  unbound_ = std::make_unique<Unbound>(resolver, certificate_, folder_);
}

nlohmann::json NamespaceLab::policy() const {
  return strict_policy(kResolver, 853, certificate_.pin);
}

void NamespaceLab::use_policy(const std::string& text) {
  use_.policy = folder_.write("policy.json", text);
}

Outcome NamespaceLab::run(const std::vector<std::string>& arguments,
                          const Environment& environment,
                          std::chrono::milliseconds limit) {
  std::filesystem::remove(use_.trace);
  Environment all = library_environment(use_);
  for (const auto& [name, value] : environment) all[name] = value;
  return run_plain(arguments, all, limit);
}

Outcome NamespaceLab::run_plain(const std::vector<std::string>& arguments,
                                const Environment& environment,
                                std::chrono::milliseconds limit) {
  relay_->log().clear();
  return lab::run({.arguments = arguments,
                   .environment = environment,
                   .limit = limit,
                   .enter = client_.entrance(),
                   .input = {}});
}

}  // namespace happy::lab
