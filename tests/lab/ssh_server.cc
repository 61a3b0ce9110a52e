#include "tests/lab/ssh_server.h"

#include <chrono>
#include <thread>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

std::string new_key(const std::string& file) {
  const Outcome outcome = run(
      {.arguments = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file},
       .environment = {},
       .enter = {},
       .input = {}});
  if (!outcome.good()) fail(outcome.describe());
  return file;
}

std::string configuration(const std::vector<std::string>& addresses,
                          const std::string& host_key,
                          const std::string& client_key) {
  std::string text = "HostKey " + host_key + "\nAuthorizedKeysFile " +
                     client_key +
                     ".pub\n"
                     "StrictModes no\nUsePAM no\nUseDNS no\nPidFile none\n"
                     "PermitRootLogin yes\nPasswordAuthentication no\n";
  for (const auto& address : addresses)
    text += "ListenAddress " + address + "\n";
  return text;
}

}  // namespace

SshServer::SshServer(const std::vector<std::string>& addresses,
                     const Namespace& inside, const TempFolder& folder)
    : key_(new_key(folder.file("ssh_client"))) {
  const std::string file = folder.write(
      "sshd.conf",
      configuration(addresses, new_key(folder.file("ssh_host")), key_));
  // Its folder for privilege separation, and an account that is not locked.
  inside.must_run({"mount", "-t", "tmpfs", "none", "/run"});
  inside.must_run({"mkdir", "-m", "755", "/run/sshd"});
  inside.must_run({"mount", "--bind",
                   folder.write("shadow",
                                "root:*:19000:0:99999:7:::\n"
                                "sshd:!:19000::::::\n"),
                   "/etc/shadow"});
  const std::string log = folder.file("sshd.log");
  server_ = std::make_unique<Server>(
      Command{.arguments = {"/usr/sbin/sshd", "-D", "-e", "-f", file},
              .environment = {},
              .enter = inside.entrance(),
              .input = {}},
      log);
  for (int i = 0; i < 2000 && server_->running(); ++i) {
    if (read_file(log).find("Server listening") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  fail("sshd does not start:\n" + read_file(log));
}

}  // namespace happy::lab
