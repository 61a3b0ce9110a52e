// make lab: a shell, or one command, inside a namespace lab.
//   happy_lab_shell [--ipv4-only | --ipv6-only] [--log] [COMMAND [ARGUMENT]...]
// Says on stderr which names there are and how to use the library. The status
// is the command's; leaving it removes everything. --log prints every packet.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "tests/lab/fail.h"
#include "tests/lab/namespace_lab.h"

namespace {

using happy::lab::ClientNetwork;
using happy::lab::Environment;
using happy::lab::Host;
using happy::lab::NamespaceLab;
using happy::lab::NamespaceWish;
using happy::lab::Refusal;
using std::chrono::milliseconds;

struct Site {
  const char* name;
  std::vector<std::string> addresses;
  const char* what;
};

constexpr milliseconds kRtt{10};
constexpr const char *kGood4 = "198.51.100.1", *kGood6 = "2001:db8:5::1";

const std::vector<Host>& hosts() {
  static const std::vector<Host> kHosts{
      {kGood4, {.rtt = kRtt}},
      {kGood6, {.rtt = kRtt}},
      {"2001:db8:5::2", {.rtt = milliseconds(400)}},
      {"2001:db8:5::3", {.black_hole = true}},
      {"198.51.100.3", {.black_hole = true}},
      {"198.51.100.4", {.rtt = kRtt, .refusal = Refusal::kReset}},
      {"2001:db8:5::5", {.rtt = kRtt, .refusal = Refusal::kHostUnreachable}},
      {"198.51.100.6", {.rtt = kRtt, .loss = 0.2}},
      {"198.51.100.7", {.rtt = kRtt, .jitter = milliseconds(20)}},
      {"198.51.100.8", {.rtt = kRtt, .octets_per_second = 2000}},
      {"198.51.100.9", {.rtt = kRtt, .reset_after = 20}}};
  return kHosts;
}

const std::vector<Site>& sites() {
  static const std::vector<Site> kSites{
      {"healthy", {kGood6, kGood4}, "both families, 10 ms"},
      {"slow6", {"2001:db8:5::2", kGood4}, "IPv6 has an RTT of 400 ms"},
      {"dead6", {"2001:db8:5::3", kGood4}, "IPv6 is a black hole"},
      {"dead4", {"198.51.100.3", kGood4}, "the first A is a black hole"},
      {"dead", {"198.51.100.3"}, "nothing but a black hole"},
      {"refused", {"198.51.100.4", kGood4}, "the first A resets"},
      {"unreachable", {"2001:db8:5::5", kGood4}, "IPv6: no route to host"},
      {"lossy", {"198.51.100.6"}, "a fifth of packets is lost"},
      {"jittery", {"198.51.100.7"}, "up to 20 ms more each way"},
      {"thin", {"198.51.100.8"}, "2,000 octets a second"},
      {"cut", {"198.51.100.9"}, "reset after 20 octets"},
      {"nat64", {"64:ff9b::198.51.100.1"}, "IPv4 through NAT64"}};
  return kSites;
}

struct Options {
  ClientNetwork client = ClientNetwork::kDual;
  bool log = false;
  std::vector<std::string> command;
};

Options parse(int argc, char** argv) {
  Options out;
  int i = 1;
  for (; i < argc && std::strncmp(argv[i], "--", 2) == 0; ++i) {
    const std::string flag = argv[i];
    if (flag == "--ipv4-only")
      out.client = ClientNetwork::kIpv4Only;
    else if (flag == "--ipv6-only")
      out.client = ClientNetwork::kIpv6Only;
    else if (flag == "--log")
      out.log = true;
    else
      happy::lab::fail("unknown option " + flag);
  }
  out.command.assign(argv + i, argv + argc);
  return out;
}

NamespaceWish world(const Options& options) {
  NamespaceWish wish{.hosts = hosts(), .names = {}};
  wish.client = options.client;
  wish.nat64 = true;
  for (const auto& site : sites())
    wish.names.push_back(
        {std::string(site.name) + ".lab.test", site.addresses});
  return wish;
}

std::string listing(const NamespaceLab& lab) {
  std::string text = "Names, each with a web server on port 80:\n";
  for (const auto& site : sites()) {
    std::string addresses;
    for (const auto& address : site.addresses) addresses += " " + address;
    char line[128];
    std::snprintf(line, sizeof line, "  %-21s %-29s%s\n",
                  (std::string(site.name) + ".lab.test").c_str(), site.what,
                  addresses.c_str());
    text += line;
  }
  return text + "Resolver: " + lab.resolver() +
         ", DoT on 853, plainly on 53. HAPPY_POLICY is set for it.\n"
         "Plain:        curl http://dead4.lab.test/\n"
         "With libhappy: LD_PRELOAD=$LIBHAPPY curl http://dead4.lab.test/\n"
         "Trace: $HAPPY_TRACE. This text again: lab\n";
}

// Bash without the user's own start files, which might change what is shown.
std::vector<std::string> shell() {
  if (access("/bin/bash", X_OK) == 0) return {"/bin/bash", "--norc"};
  return {"/bin/sh"};
}

// LD_PRELOAD is the user's to set: all else of the library is prepared.
void set_environment(const NamespaceLab& lab, const std::string& programs) {
  for (const auto& [name, value] : lab.environment())
    setenv(name == "LD_PRELOAD" ? "LIBHAPPY" : name.c_str(), value.c_str(), 1);
  unsetenv("LD_PRELOAD");
  const char* path = getenv("PATH");
  setenv("PATH",
         (programs + ":" HAPPY_BUILD_FOLDER ":" +
          (path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin"))
             .c_str(),
         1);
  setenv("PS1", "lab$ ", 1);
  // Marks all that a lab started, for the check that nothing is left behind.
  setenv("HAPPY_LAB", HAPPY_BUILD_FOLDER, 1);
}

// In the terminal's foreground group, unlike the children of tests.
int wait_for(const NamespaceLab& lab, std::vector<std::string> command) {
  std::vector<char*> arguments;
  for (auto& text : command) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  const auto enter = lab.entrance();
  // The terminal's keys end the command; this one lives on to clean up.
  struct sigaction ignore {
  }, interrupt{}, quit{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &interrupt);
  sigaction(SIGQUIT, &ignore, &quit);
  const pid_t child = happy::lab::check(fork(), "fork");
  if (child == 0) {
    for (const int one : {SIGINT, SIGQUIT, SIGPIPE}) signal(one, SIG_DFL);
    if (!enter()) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(arguments[0], arguments.data());
    std::fprintf(stderr, "%s: %s\n", arguments[0], std::strerror(errno));
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  sigaction(SIGINT, &interrupt, nullptr);
  sigaction(SIGQUIT, &quit, nullptr);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int stand_in_it(const Options& options) {
  NamespaceLab lab(world(options));
  const happy::lab::TempFolder programs;
  const std::string text = listing(lab);
  programs.write("lab.txt", text);
  const std::string program = programs.write(
      "lab", "#!/bin/sh\nexec cat " + programs.file("lab.txt") + "\n");
  happy::lab::check(chmod(program.c_str(), 0700), program);
  set_environment(lab, programs.path());
  std::fputs(text.c_str(), stderr);
  const int status =
      wait_for(lab, options.command.empty() ? shell() : options.command);
  if (options.log) std::fputs(lab.packets().describe().c_str(), stderr);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return stand_in_it(parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "happy_lab_shell: %s\n", error.what());
    return 125;
  }
}
