#include "tests/lab/unbound.h"

#include <sstream>
#include <thread>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

void write_zone(const UnboundWish& wish, std::ostream& out) {
  // The root as a static zone: what is not below is NXDOMAIN, with a SOA, and
  // nothing is ever asked of anybody.
  out << "  local-zone: \".\" static\n"
      << "  local-data: \". 300 IN SOA ns.lab.test. nobody.lab.test. 1 3600 "
         "1200 604800 300\"\n";
  for (const auto& record : wish.records)
    out << "  local-data: '" << record << "'\n";
  for (const auto& name : wish.names)
    for (const auto& address : name.addresses) {
      const bool ipv6 = address.find(':') != std::string::npos;
      out << "  local-data: \"" << name.name << ". 300 IN "
          << (ipv6 ? "AAAA " : "A ") << address << "\"\n";
    }
}

// Local data is answered as it stands; a zone's aliases come with their
// targets.
void write_chain(const UnboundWish& wish, const TempFolder& folder,
                 std::ostream& out) {
  if (wish.chain.empty()) return;
  std::string zone =
      "chain.lab.test. 300 IN SOA ns.lab.test. nobody.lab.test. 1 3600 1200 "
      "604800 300\nchain.lab.test. 300 IN NS ns.lab.test.\n";
  for (const auto& record : wish.chain) zone += record + "\n";
  out << "auth-zone:\n  name: \"chain.lab.test.\"\n  zonefile: \""
      << folder.write("chain.zone", zone) << "\"\n";
}

std::string configuration(const UnboundWish& wish, const std::string& key,
                          const std::string& chain, const TempFolder& folder) {
  std::ostringstream out;
  out << "server:\n"
      << "  verbosity: 1\n  use-syslog: no\n  logfile: \"\"\n"
      << "  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n"
      << "  pidfile: \"\"\n  directory: \"" << folder.path() << "\"\n"
      << "  module-config: \"iterator\"\n  num-threads: 1\n"
      << "  msg-cache-size: 1m\n  rrset-cache-size: 1m\n"
      << "  rrset-roundrobin: no\n  minimal-responses: yes\n"
      << "  access-control: 0.0.0.0/0 allow\n"
      << "  access-control: ::/0 allow\n"
      << "  tls-port: " << wish.tls_port << "\n"
      << "  tls-service-key: \"" << key << "\"\n"
      << "  tls-service-pem: \"" << chain << "\"\n"
      << "  incoming-num-tcp: 200\n";
  for (const auto& address : wish.addresses) {
    out << "  interface: " << address << "@" << wish.tls_port << "\n";
    if (wish.plain_port)
      out << "  interface: " << address << "@" << *wish.plain_port << "\n";
  }
  if (!wish.chain.empty())
    out << "  local-zone: \"chain.lab.test.\" transparent\n";
  write_zone(wish, out);
  write_chain(wish, folder, out);
  out << "remote-control:\n  control-enable: no\n";
  return out.str();
}

}  // namespace

Unbound::Unbound(const UnboundWish& wish, const Certificate& certificate,
                 const TempFolder& folder) {
  const std::string key = folder.write("resolver.key", certificate.key_pem);
  const std::string chain = folder.write("resolver.pem", certificate.chain_pem);
  const std::string file =
      folder.write("unbound.conf", configuration(wish, key, chain, folder));
  const std::string log = folder.file("unbound.log");
  Command command{.arguments = {"unbound", "-d", "-p", "-c", file},
                  .environment = {},
                  .enter = wish.enter,
                  .input = {}};
  // Not in an ordinary user's PATH on Debian.
  command.environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin";
  command.arguments[0] = "/usr/sbin/unbound";
  server_ = std::make_unique<Server>(command, log);
  for (int i = 0; i < 2000 && server_->running(); ++i) {
    if (read_file(log).find("start of service") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  fail("unbound does not start:\n" + read_file(log));
}

}  // namespace happy::lab
