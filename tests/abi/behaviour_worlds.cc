#include "tests/abi/behaviour_worlds.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <system_error>

#include "tests/abi/behaviour.h"
#include "tests/lab/library.h"
#include "tests/lab/sockets.h"

namespace happy::behaviour {
namespace {

constexpr const char* kGoodOnes[] = {"127.0.10.1", "127.0.10.2", "127.0.20.2",
                                     "127.0.21.2", "127.0.30.2", "127.0.80.1",
                                     "127.0.90.1", kPlainGood};
constexpr const char* kDeadOnes[] = {"127.0.20.1", "127.0.21.1", "127.0.50.1",
                                     "127.0.50.2", "127.0.60.1", "127.0.60.2",
                                     "127.0.70.1", "::1",        kPlainDead};

struct Listeners {
  uint16_t port = 0;
  std::map<std::string, Descriptor> good;
  std::vector<Descriptor> dead;
};
Listeners listeners;

Listeners open_at(uint16_t port) {
  Listeners out;
  out.port = port;
  for (const char* address : kGoodOnes)
    out.good[address] =
        lab::listen_on({IpAddress::parse(address).value(), port});
  for (const char* address : kDeadOnes)
    out.dead.push_back(lab::listen_on({IpAddress::parse(address).value(), port},
                                      lab::Listening::kBlackHole));
  return out;
}

}  // namespace

std::vector<lab::Name> all_names() {
  return {{"healthy.lab.test", {"127.0.10.1", "127.0.10.2"}},
          {"second.lab.test", {"127.0.20.1", "127.0.20.2"}},
          {"later.lab.test", {"127.0.21.1", "127.0.21.2"}},
          {"refused.lab.test", {"127.0.30.1", "127.0.30.2"}},
          {"closed.lab.test", {"127.0.40.1", "127.0.40.2"}},
          {"unreachable.lab.test", {"224.0.0.1", "127.0.45.2"}},
          {"hung.lab.test", {"127.0.50.1", "127.0.50.2"}},
          {"bounded.lab.test", {"127.0.60.1", "127.0.60.2"}},
          {"attempts.lab.test", {"127.0.70.1"}},
          {"crowd.lab.test", {"127.0.47.1", "127.0.47.2"}},
          {"dead6.lab.test", {"::1", "127.0.80.1"}},
          {"one.lab.test", {"127.0.90.1"}}};
}

nlohmann::json policy_for(uint16_t resolver_port, const std::string& pin) {
  auto policy = lab::strict_policy("127.0.0.1", resolver_port, pin);
  const auto rule = [](const char* host, const char* group, const char* key,
                       int64_t value) {
    return nlohmann::json{
        {"hosts", {host}}, {"resolvers", {"lab"}}, {group, {{key, value}}}};
  };
  nlohmann::json rules{
      rule("bounded.lab.test", "timeouts", "connect_ms",
           kBoundedConnect.count()),
      rule("attempts.lab.test", "timeouts", "attempt_ms", kAttempt.count()),
      rule("second.lab.test", "race", "attempt_delay_ms", 100),
      rule("later.lab.test", "race", "attempt_delay_ms", 700)};
  for (const auto& general : policy["rules"]) rules.push_back(general);
  policy["rules"] = rules;
  return policy;
}

void open_worlds() {
  for (int i = 0;; ++i) {
    try {
      listeners = open_at(lab::likely_free_port());
      return;
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::address_in_use || i == 20) throw;
    }
  }
}

uint16_t web_port() { return listeners.port; }

void drain_servers() {
  for (const auto& [address, listener] : listeners.good) {
    while (Descriptor(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))
               .open()) {
    }
  }
}

Descriptor accepted(int fd) {
  sockaddr_storage own{}, other{};
  socklen_t length = sizeof own;
  getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length);
  const auto client =
      Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&own), length);
  const auto at = listeners.good.find(peer_of(fd));
  if (!client || at == listeners.good.end()) return {};
  for (;;) {
    length = sizeof other;
    if (polled(at->second.get(), POLLIN, kLong) == 0) return {};
    Descriptor server(accept4(at->second.get(),
                              reinterpret_cast<sockaddr*>(&other), &length,
                              SOCK_CLOEXEC));
    const auto found =
        Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&other), length);
    if (found && found->port == client->port) return server;
  }
}

}  // namespace happy::behaviour
