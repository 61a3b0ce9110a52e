#include "tests/lab/namespace_lab.h"

#include <filesystem>

#include "tests/lab/conversations.h"
#include "tests/lab/fail.h"
#include "tests/lab/sockets.h"

namespace happy::lab {
namespace {

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

WireWish wire_of(const NamespaceWish& wish) {
  WireWish wire{.seed = wish.seed, .nat64 = wish.nat64};
  for (const auto& host : wish.hosts)
    wire.paths[IpAddress::parse(host.address).value()] = host.path;
  for (const char* resolver :
       {NamespaceLab::kResolver, NamespaceLab::kResolver6})
    wire.paths[IpAddress::parse(resolver).value()] = {.rtt = wish.resolver_rtt};
  return wire;
}

std::string add(const std::string& address, const std::string& device) {
  return "address add " + address +
         (is_ipv6(address) ? "/128 nodad dev " : "/32 dev ") + device + "\n";
}

// No link-local chatter, everything by the wire.
constexpr const char* kUp =
    "link set lo up\n"
    "link set wire0 up\n";
constexpr const char* kRoute4 = "route add default dev wire0\n";
constexpr const char* kRoute6 = "route add ::/0 dev wire0\n";

Time now() {
  return std::chrono::time_point_cast<Duration>(
      std::chrono::steady_clock::now());
}

}  // namespace

NamespaceLab::NamespaceLab(const NamespaceWish& wish)
    : network_(wish.client),
      certificate_(make_certificate()),
      server_(&client_) {
  Link client_link(client_), server_link(server_);
  configure_server(wish);
  configure_client();
  relay_ = std::make_unique<Relay>(std::move(client_link),
                                   std::move(server_link), wire_of(wish));
  serve(wish);
  use_.trace = folder_.file("trace.jsonl");
  use_policy(policy().dump(2));
}

const char* NamespaceLab::resolver() const {
  return network_ == ClientNetwork::kIpv6Only ? kResolver6 : kResolver;
}

void NamespaceLab::configure_client() {
  std::string batch = kUp;
  if (network_ != ClientNetwork::kIpv6Only)
    batch += add(kClient, Link::kDevice) + kRoute4;
  if (network_ != ClientNetwork::kIpv4Only)
    batch += add(kClient6, Link::kDevice) + kRoute6;
  client_.must_run({"ip", "-batch", "-"}, batch);
  // libc here resolves by port 53 over the wire, whatever the machine does, so
  // that the log shows each query that went around the library.
  const std::string resolv = folder_.write(
      "resolv.conf", std::string("nameserver ") + resolver() + "\n");
  const std::string switches =
      folder_.write("nsswitch.conf", "hosts: files dns\npasswd: files\n");
  client_.must_run({"mount", "--bind", resolv, "/etc/resolv.conf"});
  client_.must_run({"mount", "--bind", switches, "/etc/nsswitch.conf"});
  if (std::filesystem::exists("/run/nscd"))
    client_.must_run({"mount", "-t", "tmpfs", "none", "/run/nscd"});
}

void NamespaceLab::configure_server(const NamespaceWish& wish) {
  std::string batch = kUp;
  for (const char* resolver : {kResolver, kResolver6})
    batch += add(resolver, "lo");
  for (const auto& host : wish.hosts) batch += add(host.address, "lo");
  server_.must_run({"ip", "-batch", "-"}, batch + kRoute4 + kRoute6);
}

void NamespaceLab::serve(const NamespaceWish& wish) {
  web_ = std::make_unique<WebServer>(server_.open_inside([&wish] {
    std::vector<Descriptor> listeners;
    for (const auto& host : wish.hosts) {
      if (host.refuses) continue;
      std::vector<uint16_t> ports{kWebPort, kRedisPort, kPostgresPort};
      ports.insert(ports.end(), host.ports.begin(), host.ports.end());
      for (const uint16_t port : ports)
        listeners.push_back(
            listen_on({IpAddress::parse(host.address).value(), port}));
    }
    return listeners;
  }));
  if (wish.ssh) serve_ssh(wish);
  if (wish.dot_script) return serve_script(wish);
  UnboundWish resolver;
  resolver.addresses = {kResolver, kResolver6};
  resolver.plain_port = 53;
  resolver.names = wish.names;
  resolver.records = wish.records;
  resolver.chain = wish.chain;
  resolver.enter = server_.entrance();
  unbound_ = std::make_unique<Unbound>(resolver, certificate_, folder_);
}

void NamespaceLab::serve_ssh(const NamespaceWish& wish) {
  std::vector<std::string> addresses;
  for (const auto& host : wish.hosts)
    if (!host.refuses) addresses.push_back(host.address);
  ssh_ = std::make_unique<SshServer>(addresses, server_, folder_);
}

void NamespaceLab::serve_script(const NamespaceWish& wish) {
  nlohmann::json script = *wish.dot_script;
  script["address"] = resolver();
  script["port"] = 853;
  if (!script.contains("zone")) script["zone"] = zone_of(wish.names);
  if (script.value("/stream/tcp_fast_open"_json_pointer, false))
    server_.must_run({"sh", "-c", "echo 3 > /proc/sys/net/ipv4/tcp_fastopen"});
  scripted_ =
      std::make_unique<ScriptedDot>(script, server_.entrance(), folder_);
}

pid_t NamespaceLab::resolver_pid() const {
  return scripted_ ? scripted_->pid() : unbound_->pid();
}

nlohmann::json NamespaceLab::policy() const {
  return strict_policy(resolver(), 853,
                       scripted_ ? scripted_->pin() : certificate_.pin);
}

void NamespaceLab::use_policy(const std::string& text) {
  use_.policy = folder_.write("policy.json", text);
}

Outcome NamespaceLab::run(const std::vector<std::string>& arguments,
                          const Environment& environment,
                          std::chrono::milliseconds limit) {
  return run_plain(arguments, begin_use(use_, environment), limit);
}

Outcome NamespaceLab::run_plain(const std::vector<std::string>& arguments,
                                const Environment& environment,
                                std::chrono::milliseconds limit) {
  relay_->log().clear();
  const Time start = now();
  for (const auto& [after, address, path] : std::exchange(planned_, {}))
    relay_->change(address, path, start + after);
  Environment all = environment;
  if (ssh_) all["LAB_SSH_KEY"] = ssh_->key();
  return lab::run({.arguments = arguments,
                   .environment = all,
                   .limit = limit,
                   .enter = client_.entrance(),
                   .input = {}});
}

void NamespaceLab::change(const std::string& address, const Path& path) {
  relay_->change(IpAddress::parse(address).value(), path, now());
}

void NamespaceLab::change_after(Duration after, const std::string& address,
                                const Path& path) {
  planned_.push_back({after, IpAddress::parse(address).value(), path});
}

}  // namespace happy::lab
