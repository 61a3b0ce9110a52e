// What an answer over DNS-over-TLS takes, with a round trip of 20 ms to the
// resolver: unbound, whose replies wait for one another (no TCP_NODELAY), and
// the scripted server, whose do not. Plain asks unbound by UDP.
#include <regex>

#include "tests/bench/figures.h"
#include "tests/lab/namespace_lab.h"

namespace happy::bench {
namespace {

using lab::NamespaceLab;
using nlohmann::json;

constexpr int kRuns = 9;
constexpr int kNames = 1000, kThreads = 50, kTogether = 10;
constexpr std::chrono::milliseconds kRtt{20};
constexpr const char* kGood = "198.51.100.1";

std::string nth(int n) { return "n" + std::to_string(n) + ".lab.test"; }

lab::NamespaceWish world() {
  lab::NamespaceWish wish{.hosts = {{kGood, {}}}, .names = {}};
  wish.resolver_rtt = kRtt;
  for (int n = 0; n <= kNames; ++n) wish.names.push_back({nth(n), {kGood}});
  return wish;
}

lab::NamespaceWish scripted_world() {
  auto wish = world();
  wish.dot_script = json{{"stream", {{"no_delay", true}}}};
  return wish;
}

struct Labs {
  NamespaceLab unbound{world()}, scripted{scripted_world()};
};

// A value of each step, in one process.
constexpr const char* kSteps[] = {
    "first of a process", "another name", "the same name again",
    "first of a process, IPv4 alone", "another name, IPv4 alone"};
constexpr const char* kUnboundLimits[] = {"90", "", "", "90", "21.5"};
constexpr const char* kScriptedLimits[] = {"66", "21.5", "", "66", "21.5"};

std::vector<double> steps(const lab::Outcome& both, const lab::Outcome& ipv4) {
  auto out = numbers(both.out);
  for (const double one : numbers(ipv4.out)) out.push_back(one);
  for (double& one : out) one /= 1000;
  return out;
}

void single(Table* table, Labs& labs) {
  const std::vector<std::string> both{HAPPY_BUILD_FOLDER "/bench_lookup",
                                      nth(1), nth(2), nth(1)};
  const std::vector<std::string> ipv4{HAPPY_BUILD_FOLDER "/bench_lookup", "-4",
                                      nth(1), nth(2)};
  constexpr size_t kCount = std::size(kSteps);
  std::vector<double> plain[kCount], unbound[kCount], scripted[kCount];
  const auto keep = [](const std::vector<double>& from,
                       std::vector<double>* to) {
    for (size_t i = 0; i < kCount && i < from.size(); ++i)
      to[i].push_back(from[i]);
  };
  for (int run = 0; run < kRuns; ++run) {
    keep(steps(labs.unbound.run_plain(both), labs.unbound.run_plain(ipv4)),
         plain);
    keep(steps(labs.unbound.run(both), labs.unbound.run(ipv4)), unbound);
    keep(steps(labs.scripted.run(both), labs.scripted.run(ipv4)), scripted);
  }
  for (size_t i = 0; i < kCount; ++i)
    table->row(kSteps[i], {text(median(plain[i])), text(median(unbound[i])),
                           kUnboundLimits[i], text(median(scripted[i])),
                           kScriptedLimits[i]});
}

// "... in 21.3 ms" of kdig's last line; nothing where it is not installed.
std::optional<double> kdigs_time(const std::string& out) {
  std::smatch found;
  std::optional<double> time;
  for (auto from = out.cbegin(); std::regex_search(
           from, out.cend(), found, std::regex(" in ([0-9.]+) ms"));
       from = found.suffix().first)
    time = std::stod(found.str(1));
  return time;
}

std::string stubbys_configuration(const NamespaceLab& lab) {
  const std::string pin = lab.policy()["resolvers"]["lab"]["pins"][0];
  return "resolution_type: GETDNS_RESOLUTION_STUB\n"
         "dns_transport_list:\n  - GETDNS_TRANSPORT_TLS\n"
         "tls_authentication: GETDNS_AUTHENTICATION_REQUIRED\n"
         "idle_timeout: 10000\n"
         "listen_addresses:\n  - 127.0.0.1@5353\n"
         "upstream_recursive_servers:\n"
         "  - address_data: " +
         std::string(NamespaceLab::kResolver) +
         "\n"
         "    tls_pubkey_pinset:\n"
         "      - digest: \"sha256\"\n"
         "        value: " +
         pin.substr(pin.rfind(':') + 1) + "\n";
}

std::string unbounds_configuration(const NamespaceLab&) {
  return "server:\n"
         "  interface: 127.0.0.1@5353\n"
         "  access-control: 127.0.0.0/8 allow\n"
         "  username: \"\"\n  chroot: \"\"\n  pidfile: \"\"\n"
         "  module-config: \"iterator\"\n"
         "  local-zone: \"test.\" transparent\n"
         "forward-zone:\n"
         "  name: \".\"\n"
         "  forward-tls-upstream: yes\n"
         "  forward-addr: " +
         std::string(NamespaceLab::kResolver) + "@853\n";
}

// A local forwarder is started, then asked for one name, another, and that once
// more.
constexpr const char* kForwarder = R"(
file=$(mktemp --suffix=.yml) && printf '%s' "$2" > "$file"
case $1 in
  stubby) stubby -C "$file" > /dev/null 2>&1 & ;;
  unbound) unbound -d -c "$file" > /dev/null 2>&1 & ;;
esac
pid=$!
sleep 0.5
for name in "$3" "$4" "$4"; do
  kdig @127.0.0.1 -p 5353 "$name"
  echo ===
done
kill $pid
wait $pid 2> /dev/null
rm -f "$file"
)";

struct Forwarder {
  const char* program;
  std::string (*configuration)(const NamespaceLab&);
};
constexpr Forwarder kForwarders[] = {{"stubby", stubbys_configuration},
                                     {"unbound", unbounds_configuration}};
constexpr const char* kQuestions[] = {"first", "another", "the same again"};
using Times = std::vector<double>[std::size(kQuestions)];

void ask_forwarder(NamespaceLab& lab, const Forwarder& forwarder, Times* out) {
  std::string said =
      lab.run_plain({"sh", "-c", kForwarder, "sh", forwarder.program,
                     forwarder.configuration(lab), nth(1), nth(2)})
          .out;
  for (std::vector<double>& times : *out) {
    const size_t end = said.find("===");
    if (end == std::string::npos) return;
    if (const auto time = kdigs_time(said.substr(0, end)))
      times.push_back(*time);
    said.erase(0, end + 3);
  }
}

void ask_kdig(NamespaceLab& lab, std::vector<double>* out) {
  const auto time = kdigs_time(
      lab.run_plain({"kdig", "+tls", std::string("@") + NamespaceLab::kResolver,
                     nth(1)})
          .out);
  if (time) out->push_back(*time);
}

void peers(Table* table, Labs& labs) {
  const auto row = [table](const std::string& what,
                           const std::vector<double>& one,
                           const std::vector<double>& other) {
    table->row(what + ", IPv4 alone",
               {"", text(median(one)), "", text(median(other)), ""});
  };
  std::vector<double> unbound, scripted;
  for (int run = 0; run < kRuns; ++run) {
    ask_kdig(labs.unbound, &unbound);
    ask_kdig(labs.scripted, &scripted);
  }
  row("kdig +tls", unbound, scripted);
  for (const Forwarder& forwarder : kForwarders) {
    Times at_unbound, at_scripted;
    for (int run = 0; run < kRuns; ++run) {
      ask_forwarder(labs.unbound, forwarder, &at_unbound);
      ask_forwarder(labs.scripted, forwarder, &at_scripted);
    }
    for (size_t i = 0; i < std::size(kQuestions); ++i)
      row(std::string(forwarder.program) + ", " + kQuestions[i], at_unbound[i],
          at_scripted[i]);
  }
}

// Failures are added to `*failed`.
std::optional<double> load(NamespaceLab& lab, int threads, int count,
                           double* failed) {
  std::vector<double> times;
  for (int run = 0; run < kRuns; ++run) {
    const auto out =
        numbers(lab.run({HAPPY_BUILD_FOLDER "/bench_lookup_load", "names",
                         std::to_string(threads), std::to_string(count)},
                        {{"HAPPY_TRACE", ""}})
                    .out);
    if (out.size() != 2) continue;
    times.push_back(out[0]);
    *failed += out[1];
  }
  return median(times);
}

void loads(Labs& labs) {
  Table table(
      "Many look-ups over one connection, RTT 20 ms, IPv4 alone, median of " +
          std::to_string(kRuns),
      {"unbound", "NODELAY", "limit"});
  double failed = 0;
  const auto row = [&](const char* what, int threads, int count,
                       const char* limit) {
    const auto one = load(labs.unbound, threads, count, &failed);
    const auto other = load(labs.scripted, threads, count, &failed);
    table.row(what, {text(one), text(other), limit});
  };
  row("1 name, ms", 1, 1, "");
  row("10 names at once, ms", kTogether, kTogether, "1 + 22");
  row("1,000 names from 50 threads, ms", kThreads, kNames, "1000");
  table.row("of them failed", {text(failed, 0), "", "0"});
  for (const int threads : {1, 2}) {
    const auto out =
        numbers(labs.scripted
                    .run({HAPPY_BUILD_FOLDER "/bench_lookup_load", "cached",
                          nth(1), std::to_string(threads)},
                         {{"HAPPY_TRACE", ""}})
                    .out);
    table.row("cached, a second and thread, of " + std::to_string(threads),
              {"", text(median(out), 0), "100000"});
  }
}

}  // namespace

void look_ups() {
  Labs labs;
  {
    Table table(
        "getaddrinfo(), RTT 20 ms, ms, median of " + std::to_string(kRuns),
        {"UDP", "unbound", "limit", "NODELAY", "limit"});
    single(&table, labs);
    try {
      peers(&table, labs);
    } catch (const std::exception& error) {  // a program is not installed
      table.note(std::string("no peers: ") + error.what());
    }
  }
  loads(labs);
}

}  // namespace happy::bench
