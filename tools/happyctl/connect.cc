// happyctl connect: a connection as the library makes it, by happy_connect(3);
// shows the race while it runs, or joins the socket to standard input and
// output.
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "connect/process.h"
#include "include/happy.h"
#include "tools/happyctl/connect_display.h"
#include "tools/happyctl/installation.h"
#include "tools/happyctl/output.h"
#include "tools/happyctl/policy_faults.h"
#include "tools/happyctl/relay.h"
#include "tools/happyctl/units.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

using std::chrono::steady_clock;

struct Options {
  std::string host;
  std::string ports;  // "443", "https", "465,587"
  std::optional<std::string> policy;
  bool ipv4 = false, ipv6 = false;
  bool stdio = false;
  bool ascii = false;
  bool json = false;
  unsigned timeout_ms = 0;  // 0: none
  unsigned attempt_ms = 0;  // 0: the policy's
  int count = 1;
};

Outcome fail(const std::string& text, Outcome outcome = Outcome::kFailed) {
  complain("happyctl connect: " + text + "\n");
  return outcome;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) out.push_back(word);
  return out;
}

struct Result {
  int descriptor = -1;
  std::string why;     // there is none
  bool wrong = false;  // the arguments are
  double took_ms = 0;
};

// What the caller of happy_connect() gives and gets.
class Call {
 public:
  explicit Call(const Options& options) {
    const auto ports = split(options.ports);
    for (const std::string& port : ports)
      ports_.push_back(parse_port(port).value_or(0));
    wish_.family = options.ipv4 ? AF_INET : options.ipv6 ? AF_INET6 : AF_UNSPEC;
    wish_.timeout_ms = options.timeout_ms;
    wish_.attempt_ms = options.attempt_ms;
    wish_.message = why_;
    wish_.message_size = sizeof why_;
    // One port may be the name of a service.
    if (ports.size() == 1) return;
    wish_.ports = ports_.data();
    wish_.port_count = ports_.size();
  }

  Result connect(const Options& options) {
    const auto begun = steady_clock::now();
    errno = 0;
    const int fd =
        happy_connect(options.host.c_str(), options.ports.c_str(), &wish_);
    const std::chrono::duration<double, std::milli> took =
        steady_clock::now() - begun;
    return {.descriptor = fd,
            .why = why_,
            .wrong = fd < 0 && errno == EINVAL,
            .took_ms = took.count()};
  }

 private:
  std::vector<uint16_t> ports_;
  happy_options wish_ = happy_default_options();
  char why_[300] = "";
};

std::optional<std::string> fault_of(const Options& options) {
  if (options.ports.find(',') != std::string::npos)
    for (const std::string& port : split(options.ports))
      if (!parse_port(port)) return "\"" + port + "\" is not a port number";
  if (options.stdio && options.count != 1)
    return "--stdio makes one connection, --count many";
  return std::nullopt;
}

// One connection, shown.
Outcome connect_once(const Options& options, Call* call) {
  ConnectDisplay display(
      {.ascii = options.ascii, .json = options.json, .shown = !options.stdio});
  const Result result = call->connect(options);
  display.finish();
  if (result.wrong) return fail(result.why, Outcome::kUsage);
  if (result.descriptor < 0) return fail(result.why);
  Outcome out = Outcome::kGood;
  if (options.stdio) {
    const int error = relay(STDIN_FILENO, STDOUT_FILENO, result.descriptor);
    if (error != 0) out = fail(options.host + ": " + strerror(error));
  }
  close(result.descriptor);
  return out;
}

double percentile(const std::vector<double>& sorted, int percent) {
  const size_t at = (sorted.size() * static_cast<size_t>(percent) + 99) / 100;
  return sorted[std::max<size_t>(at, 1) - 1];
}

// `took` is sorted, in milliseconds. The first connection is told apart, since
// it looks the name up and learns which addresses answer.
std::string figures_text(const std::vector<double>& took, double first,
                         int count) {
  std::string out = fmt::format("{} of {} connected\n", took.size(), count);
  if (first >= 0) out += fmt::format("first   {:9.2f} ms\n", first);
  if (took.empty()) return out;
  return out + fmt::format(
                   "median  {:9.2f} ms\n90 %    {:9.2f} ms\n"
                   "99 %    {:9.2f} ms\nlongest {:9.2f} ms\n",
                   percentile(took, 50), percentile(took, 90),
                   percentile(took, 99), took.back());
}

nlohmann::ordered_json figures_json(const std::vector<double>& took,
                                    int count) {
  const auto connected = static_cast<int>(took.size());
  nlohmann::ordered_json out = {{"connections", connected},
                                {"failed", count - connected}};
  if (took.empty()) return out;
  for (const int percent : {50, 90, 99, 100})
    out[fmt::format("p{}_ms", percent)] = percentile(took, percent);
  return out;
}

// Many, one after the other, and how long they took.
Outcome connect_often(const Options& options, Call* call) {
  std::vector<double> took;
  double first = -1;
  std::string why;
  for (int i = 0; i < options.count; ++i) {
    const Result result = call->connect(options);
    if (result.wrong) return fail(result.why, Outcome::kUsage);
    if (result.descriptor < 0) {
      why = result.why;
      continue;
    }
    close(result.descriptor);
    if (i == 0) first = result.took_ms;
    took.push_back(result.took_ms);
  }
  std::sort(took.begin(), took.end());
  if (options.json)
    show_json(figures_json(took, options.count));
  else
    show(figures_text(took, first, options.count));
  return why.empty() ? Outcome::kGood : fail(why);
}

Outcome connect(const Options& options) {
  if (const auto fault = fault_of(options))
    return fail(*fault, Outcome::kUsage);
  if (options.policy) setenv("HAPPY_POLICY", options.policy->c_str(), 1);
  const auto loaded = load_policy(std::nullopt);
  if (!loaded) {
    complain(faults_text(loaded.error(), stderr));
    return Outcome::kUsage;
  }
  happy::direct::set_library_folder(library_folder());
  Call call(options);
  return options.count == 1 ? connect_once(options, &call)
                            : connect_often(options, &call);
}

}  // namespace

void add_connect(CLI::App& app, Outcome* outcome) {
  CLI::App* const verb = app.add_subcommand(
      "connect", "Connects as the library would and shows the race");
  const auto options = std::make_shared<Options>();
  verb->add_option("HOST", options->host, "host name or address")->required();
  verb->add_option("PORT", options->ports,
                   "port, or the name of a service; several ports are raced")
      ->required()
      ->type_name("PORT[,PORT...]");
  verb->add_option("--policy", options->policy,
                   "policy file; without it, the one the library would take")
      ->type_name("F");
  verb->add_flag("--stdio", options->stdio,
                 "join the connection to standard input and output");
  auto* const ipv4 = verb->add_flag("-4", options->ipv4, "IPv4 alone");
  verb->add_flag("-6", options->ipv6, "IPv6 alone")->excludes(ipv4);
  constexpr unsigned kLongestMs = 86'400'000;  // a day
  verb->add_option("--timeout-ms", options->timeout_ms,
                   "end after so long, look-up included")
      ->check(CLI::Range(1U, kLongestMs))
      ->type_name("N");
  verb->add_option("--attempt-ms", options->attempt_ms,
                   "end the attempt at one address after so long")
      ->check(CLI::Range(1U, kLongestMs))
      ->type_name("N");
  verb->add_option("--count", options->count,
                   "connect so many times; print percentiles")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  verb->add_flag("--ascii", options->ascii, "draw with ASCII alone");
  verb->add_flag("--json", options->json, "print JSON");
  verb->footer(
      "Examples:\n  happyctl connect www.example.com 443\n"
      "  happyctl connect mail.example.com 465,587\n"
      "  ssh -o ProxyCommand='happyctl connect --stdio %h %p' host.example");
  verb->callback([options, outcome] { *outcome = connect(*options); });
}

}  // namespace happyctl
