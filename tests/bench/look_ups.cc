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

// The first question and the next one, one after the other through stubby.
constexpr const char* kStubby = R"(
file=$(mktemp --suffix=.yml) && printf '%s' "$1" > "$file"
stubby -C "$file" > /dev/null 2>&1 & pid=$!
sleep 0.5
for name in "$2" "$3"; do kdig @127.0.0.1 -p 5353 "$name"; echo ===; done
kill $pid; rm -f "$file"
)";

struct Peers {
  std::vector<double> kdig, first, next;
};

void ask_peers(NamespaceLab& lab, const std::string& stubby, Peers* out) {
  const auto kdig = kdigs_time(
      lab.run_plain({"kdig", "+tls", std::string("@") + NamespaceLab::kResolver,
                     nth(1)})
          .out);
  if (kdig) out->kdig.push_back(*kdig);
  const auto asked =
      lab.run_plain({"sh", "-c", kStubby, "sh", stubby, nth(1), nth(2)}).out;
  const size_t middle = asked.find("===");
  if (middle == std::string::npos) return;
  if (const auto time = kdigs_time(asked.substr(0, middle)))
    out->first.push_back(*time);
  if (const auto time = kdigs_time(asked.substr(middle)))
    out->next.push_back(*time);
}

void peers(Table* table, Labs& labs) {
  Peers unbound, scripted;
  const std::string at_unbound = stubbys_configuration(labs.unbound);
  const std::string at_scripted = stubbys_configuration(labs.scripted);
  for (int run = 0; run < kRuns; ++run) {
    ask_peers(labs.unbound, at_unbound, &unbound);
    ask_peers(labs.scripted, at_scripted, &scripted);
  }
  const auto row = [table](const char* what, const std::vector<double>& one,
                           const std::vector<double>& other) {
    table->row(what, {"", text(median(one)), "", text(median(other)), ""});
  };
  row("kdig +tls, IPv4 alone", unbound.kdig, scripted.kdig);
  row("stubby, first, IPv4 alone", unbound.first, scripted.first);
  row("stubby, another, IPv4 alone", unbound.next, scripted.next);
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
