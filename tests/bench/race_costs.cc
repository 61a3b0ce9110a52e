// What races cost and gain: CPU time of the helper thread in one race; dead
// addresses on a network that is unknown or known; the nearest of two.
#include <algorithm>

#include "tests/bench/figures.h"
#include "tests/e2e/clients.h"
#include "tests/lab/namespace_lab.h"

namespace happy::bench {
namespace {

using lab::NamespaceLab;
using lab::Path;
using std::chrono::milliseconds;

constexpr int kNames = 21;
constexpr milliseconds kRtt{10};

std::string v4(int n) { return "198.51.100." + std::to_string(n); }
std::string v6(int n) { return "2001:db8:5::" + std::to_string(n); }

// Nobody listens at the bad ones.
lab::Host host(const std::string& address, const Path& path, bool good) {
  return {address, good ? Path{kRtt} : path, !good};
}

// `names` of `count` addresses each, families in turn; the last one is good,
// the first one too on demand.
lab::NamespaceWish crowd(int names, int count, const Path& path,
                         bool first_good = false) {
  lab::NamespaceWish wish{.hosts = {}, .names = {}};
  // The resolver has the 53.
  int ipv6 = 1000, ipv4 = 60;
  for (int i = 0; i < names; ++i) {
    wish.names.push_back({"s" + std::to_string(i) + ".lab.test", {}});
    for (int n = 1; n <= count; ++n) {
      const std::string address = n % 2 == 1 ? v6(++ipv6) : v4(++ipv4);
      const bool good = n == count || (n == 1 && first_good);
      wish.hosts.push_back(host(address, path, good));
      wish.names.back().addresses.push_back(address);
    }
  }
  return wish;
}

// Nothing is cold, and no wire is crossed: all on the loopback, the last one
// listens.
void helper_in_a_loop(Table* table, int candidates) {
  constexpr int kRuns = 9;
  lab::NamespaceWish wish{.hosts = {}, .names = {{"loop.lab.test", {}}}};
  for (int n = 1; n <= candidates; ++n)
    wish.names[0].addresses.push_back("127.0.9." + std::to_string(n));
  NamespaceLab lab(wish);
  std::vector<double> cost, bare;
  for (int run = 0; run < kRuns; ++run) {
    const auto outcome = lab.run(
        {HAPPY_BUILD_FOLDER "/bench_race_cost", "-l", "8080", "loop.lab.test"},
        {{"HAPPY_TRACE", ""}}, std::chrono::seconds(60));
    const auto both = numbers(outcome.out);
    if (both.size() != 2) continue;
    cost.push_back(both[0]);
    bare.push_back(both[1]);
  }
  const std::string what =
      std::to_string(candidates) + " candidates, all but one refuse, in a loop";
  table->row(what, {text(median(cost)), text(median(bare)),
                    candidates == 2 ? "60" : "250"});
}

// Each name once: what has failed lately would not be tried again.
void helper_cost() {
  struct Row {
    const char* what;
    int candidates;
    Path path;
    bool first_good = false;
  };
  const Path reset{.rtt = kRtt, .refusal = lab::Refusal::kReset};
  const Path silent{.black_hole = true};
  const Row rows[] = {{"2 candidates, the first is good", 2, reset, true},
                      {"2 candidates, the first refuses", 2, reset},
                      {"2 candidates, the first is silent", 2, silent},
                      {"10 candidates, nine refuse", 10, reset},
                      {"10 candidates, nine are silent", 10, silent}};
  Table table("CPU of the helper thread in a race, us, median of " +
                  std::to_string(kNames),
              {"helper", "bare", "limit"});
  for (const Row& row : rows) {
    const auto wish = crowd(kNames, row.candidates, row.path, row.first_good);
    NamespaceLab lab(wish);
    auto policy = lab.policy();
    policy["rules"][0]["race"] = {{"attempt_delay_ms", 20}};
    lab.use_policy(policy.dump());
    std::vector<std::string> words{HAPPY_BUILD_FOLDER "/bench_race_cost", "80"};
    for (const auto& name : wish.names) words.push_back(name.name);
    const auto outcome =
        lab.run(words, {{"HAPPY_TRACE", ""}}, std::chrono::seconds(60));
    std::vector<double> cost, bare;
    for (const double one : numbers(outcome.out))
      (cost.size() == bare.size() ? cost : bare).push_back(one);
    table.row(row.what, {text(median(cost)),
                         row.first_good ? "-" : text(median(bare)), ""});
  }
  for (const int candidates : {2, 10}) helper_in_a_loop(&table, candidates);
  table.note(
      "bare: socket(), connect(), poll() and close() for all addresses but the "
      "first");
}

// Milliseconds of each connect, in one process.
std::vector<double> connects(NamespaceLab& lab,
                             const std::vector<std::string>& names) {
  const auto outcome =
      lab.run(e2e::connects(names), {}, std::chrono::seconds(60));
  std::vector<double> out;
  for (const auto& one : e2e::connects_of(outcome.out)) out.push_back(one.took);
  out.resize(names.size(), -1);
  return out;
}

void nine_dead() {
  constexpr int kTimes = 5;
  auto wish = crowd(1, 10, {.black_hole = true});
  wish.names.push_back({"warm.lab.test", {v4(1), v4(2)}});
  for (const auto& address : wish.names.back().addresses)
    wish.hosts.push_back(host(address, {}, true));
  NamespaceLab lab(wish);
  std::vector<double> cold, again, known, plain;
  for (int run = 0; run < kTimes; ++run) {
    const auto first = connects(lab, {"s0.lab.test", "s0.lab.test"});
    cold.push_back(first[0]);
    again.push_back(first[1]);
    known.push_back(connects(lab, {"warm.lab.test", "s0.lab.test"})[1]);
  }
  const auto outcome =
      lab.run_plain(e2e::client("wget").command("s0.lab.test", 80), {},
                    std::chrono::seconds(10));
  Table table(
      "Nine dead of ten, RTT 10 ms, ms, median of " + std::to_string(kTimes),
      {"with", "limit"});
  table.row("on an unknown network",
            {text(median(cold)), std::to_string(9 * 250 + 10)});
  table.row("on a known one",
            {text(median(known)), std::to_string(9 * 100 + 10)});
  table.row("the second time", {text(median(again)), std::to_string(10 + 5)});
  table.row(
      "plain wget, at most 10 s",
      {outcome.good() ? text(double(outcome.elapsed.count())) : "none", ""});
}

// The addresses that connects try first. What explores, as the second, may win
// as well.
std::vector<std::string> tried_first(const NamespaceLab& lab) {
  std::vector<std::string> out;
  for (const auto& event : lab::events_of(lab.trace(), "attempt_start"))
    if (event["attempt"] == 1) out.push_back(event["address"]);
  return out;
}

std::vector<std::string> called(const std::vector<lab::Packet>& syns) {
  std::vector<std::string> out;
  for (const auto& syn : syns)
    out.push_back(syn.destination.address.to_string());
  return out;
}

// The connect from which it is first in two of three: now and then history is
// set aside.
std::string leads_from(const std::vector<std::string>& first,
                       const std::string& address) {
  for (auto from = first.begin(); from != first.end(); ++from) {
    const auto led = std::count(from, first.end(), address);
    if (*from == address && led * 3 >= (first.end() - from) * 2)
      return std::to_string(from - first.begin() + 1);
  }
  return "never";
}

void nearest() {
  constexpr size_t kConnects = 30;
  NamespaceLab lab(
      {.hosts = {{v4(1), {milliseconds(36)}}, {v4(2), {milliseconds(8)}}},
       .names = {{"two.lab.test", {v4(1), v4(2)}}}});
  const std::vector<std::string> names(kConnects, "two.lab.test");
  const auto command = e2e::connects(names);
  const auto limit = std::chrono::seconds(30);
  lab.run_plain(command, {}, limit);
  const auto plain = leads_from(called(lab.packets().attempts()), v4(2));
  lab.run(command, {}, limit);
  const auto with = leads_from(tried_first(lab), v4(2));
  Table table(
      "The nearer of two, 36 and 8 ms: the connect that it leads from, "
      "of " +
          std::to_string(kConnects),
      {"plain", "with", "limit"});
  table.row("", {plain, with, "20"});
}

}  // namespace

void race_costs() {
  helper_cost();
  nine_dead();
  nearest();
}

}  // namespace happy::bench
