// Two network namespaces and a wire with real delays between them: the client's
// side, in which programs run, and the servers' side, with all addresses of the
// zone, web servers on port 80 (redis and PostgreSQL on theirs) and a real
// unbound (DoT on 853, and plainly on 53, so that a leak would be answered and
// seen). Documentation addresses only: the client is 192.0.2.2 and
// 2001:db8:c::2, servers are what the test defines in 198.51.100.0/24 and
// 2001:db8:5::/48. Needs root or user namespaces.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/lab/certificate.h"
#include "tests/lab/child.h"
#include "tests/lab/library.h"
#include "tests/lab/namespace.h"
#include "tests/lab/relay.h"
#include "tests/lab/scripted_dot.h"
#include "tests/lab/ssh_server.h"
#include "tests/lab/temp_folder.h"
#include "tests/lab/unbound.h"
#include "tests/lab/web_server.h"

namespace happy::lab {

struct Host {
  std::string address;
  Path path;
  bool refuses = false;           // nobody listens: RST after one RTT
  std::vector<uint16_t> ports{};  // with a web server besides port 80
};

// The families in which the client has an address and a route.
enum class ClientNetwork : uint8_t { kDual, kIpv4Only, kIpv6Only };

struct NamespaceWish {
  std::vector<Host> hosts;
  std::vector<Name> names;
  std::vector<std::string> records = {};  // more of the zone, as in zone files
  std::vector<std::string> chain = {};    // of chain.lab.test: see UnboundWish
  Duration resolver_rtt{10'000};
  ClientNetwork client = ClientNetwork::kDual;
  bool nat64 = false;  // 64:ff9b::/96 leads to the IPv4 hosts
  unsigned seed = 1;   // of loss and jitter
  // Puts the scripted DoT server in unbound's place: its script, but for the
  // address and port, which are the lab's. Without a zone it serves `names`.
  // Nobody is on port 53 then.
  std::optional<nlohmann::json> dot_script{};
  // A real sshd on the hosts that do not refuse; programs find the key that it
  // lets in by LAB_SSH_KEY. Only by root of the machine.
  bool ssh = false;
};

class NamespaceLab {
 public:
  static constexpr const char* kResolver = "198.51.100.53";
  static constexpr const char* kResolver6 = "2001:db8:5::53";
  static constexpr const char* kClient = "192.0.2.2";
  static constexpr const char* kClient6 = "2001:db8:c::2";

  explicit NamespaceLab(const NamespaceWish& wish);

  // The policy that fits: strict for *.lab.test, with the resolver's pin.
  nlohmann::json policy() const;
  void use_policy(const std::string& text);

  // A program on the client's side under the library; trace and packet log
  // start afresh.
  Outcome run(const std::vector<std::string>& arguments,
              const Environment& environment = {},
              std::chrono::milliseconds limit = std::chrono::seconds(10));
  // Without it: libc resolves by port 53.
  Outcome run_plain(const std::vector<std::string>& arguments,
                    const Environment& environment = {},
                    std::chrono::milliseconds limit = std::chrono::seconds(10));

  // The address behaves so from now on; what is under way arrives.
  void change(const std::string& address, const Path& path);
  // The same, so long after the next program started.
  void change_after(Duration after, const std::string& address,
                    const Path& path);

  // For a program that is not run() but stands in the client's side itself.
  std::function<bool()> entrance() const { return client_.entrance(); }
  Environment environment() const { return library_environment(use_); }

  const PacketLog& packets() { return relay_->log(); }
  std::vector<nlohmann::json> trace() const { return read_trace(use_.trace); }
  pid_t resolver_pid() const;
  // Of the scripted server's authority, as PEM.
  std::string authority_file() const { return folder_.file("dot-ca.pem"); }
  // The resolver's address in a family that the client has.
  const char* resolver() const;

 private:
  struct Planned {
    Duration after;
    IpAddress address;
    Path path;
  };

  void configure_client();
  void configure_server(const NamespaceWish& wish);
  void serve(const NamespaceWish& wish);
  void serve_script(const NamespaceWish& wish);
  void serve_ssh(const NamespaceWish& wish);

  const ClientNetwork network_;
  std::vector<Planned> planned_;
  TempFolder folder_;
  Certificate certificate_;
  LibraryUse use_;
  Namespace client_, server_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<WebServer> web_;
  std::unique_ptr<Unbound> unbound_;
  std::unique_ptr<ScriptedDot> scripted_;
  std::unique_ptr<SshServer> ssh_;
};

}  // namespace happy::lab

// Skips the test, and says why, where namespaces cannot be made.
#define SKIP_WITHOUT_NAMESPACES()                                \
  if (const auto why = ::happy::lab::why_no_namespaces(); why) { \
    GTEST_SKIP() << *why;                                        \
  }                                                              \
  static_assert(true)
