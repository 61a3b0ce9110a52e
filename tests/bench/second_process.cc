// What a second process of the same user gains from the first one: answers,
// tickets, and which addresses are dead. Each pair begins with nothing known.
#include <filesystem>

#include "tests/bench/figures.h"
#include "tests/bench/wire_times.h"
#include "tests/e2e/clients.h"
#include "tests/lab/namespace_lab.h"

namespace happy::bench {
namespace {

using lab::NamespaceLab;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr int kRuns = 9;
constexpr const char* kGood = "198.51.100.1";
constexpr const char* kDead6 = "2001:db8:5::2";

std::string dead(int n) { return "198.51.100." + std::to_string(60 + n); }

class Pairs {
 public:
  // The environment of two processes that share what they learn.
  lab::Environment begin() {
    std::filesystem::remove_all(state_);
    return {{"HAPPY_STATE", state_}};
  }

 private:
  lab::TempFolder folder_;
  const std::string state_ = folder_.file("state");
};

std::vector<std::string> look_up(const std::string& name) {
  return {HAPPY_BUILD_FOLDER "/bench_lookup", name};
}

double first_of(const lab::Outcome& outcome) {
  const auto all = numbers(outcome.out);
  return all.empty() ? -1 : all[0] / 1000;
}

void answers(Table* table, Pairs* pairs) {
  lab::NamespaceWish wish{
      .hosts = {{kGood, {}}},
      .names = {{"one.lab.test", {kGood}}, {"two.lab.test", {kGood}}}};
  wish.resolver_rtt = milliseconds(20);
  wish.dot_script = json{
      {"tls",
       {{"tickets", "at_once"}, {"early_data", 1024}, {"answers_early", true}}},
      {"stream", {{"tcp_fast_open", true}}}};
  NamespaceLab lab(wish);
  const json policy = lab.policy();
  const auto row = [&](const char* what, const json& wishes,
                       const std::string& second, const char* limit) {
    json wanted = policy;
    wanted["resolvers"]["lab"].merge_patch(wishes);
    lab.use_policy(wanted.dump());
    std::vector<double> first, then, plain;
    size_t packets = 0;
    for (int run = 0; run < kRuns; ++run) {
      const auto environment = pairs->begin();
      first.push_back(first_of(lab.run(look_up("one.lab.test"), environment)));
      then.push_back(first_of(lab.run(look_up(second), environment)));
      for (const auto& syn : lab.packets().syns())
        packets += syn.destination.port == 853;
    }
    table->row(what, {text(median(first)), text(median(then)), limit,
                      std::to_string(packets / kRuns)});
  };
  const json none = json::object();
  row("the same name", none, "one.lab.test", "1");
  row("another name, ticket", none, "two.lab.test", "");
  row("another name, ticket and early data", {{"early_data", true}},
      "two.lab.test", "46");
  row("another name, the same with Fast Open",
      {{"early_data", true}, {"tcp_fast_open", true}}, "two.lab.test", "");
}

void dead_worlds(Table* table, Pairs* pairs) {
  constexpr int kH = 10;
  lab::NamespaceWish wish{
      .hosts = {{kGood, {.rtt = milliseconds(kH)}},
                {kDead6, {.black_hole = true}}},
      .names = {{"dead6.lab.test", {kDead6, kGood}}, {"nine.lab.test", {}}}};
  for (int n = 1; n < 10; ++n) {
    wish.hosts.push_back({dead(n), {.black_hole = true}});
    wish.names[1].addresses.push_back(dead(n));
  }
  wish.names[1].addresses.emplace_back(kGood);
  NamespaceLab lab(wish);
  const auto row = [&](const std::string& name, const char* what,
                       const std::string& limits) {
    const auto wget = e2e::client("wget").command(name, 80);
    std::vector<double> first, second;
    for (int run = 0; run < kRuns; ++run) {
      const auto environment = pairs->begin();
      lab.run(wget, environment);
      if (const auto time = to_connection(lab, kGood, true))
        first.push_back(*time);
      lab.run(wget, environment);
      if (const auto time = to_connection(lab, kGood, false))
        second.push_back(*time);
    }
    table->row(what, {text(median(first)), text(median(second)), limits, "0"});
  };
  row("dead6.lab.test", "wget, IPv6 a black hole, h = 10 (first: 275)", "15");
  row("nine.lab.test", "wget, nine of ten dead, h = 10", "15");
}

}  // namespace

void second_process() {
  Pairs pairs;
  Table table("Two processes, one after the other, ms, median of " +
                  std::to_string(kRuns) + ", RTT 20 ms to the resolver",
              {"first", "second", "limit", "connections to the resolver"});
  answers(&table, &pairs);
  dead_worlds(&table, &pairs);
  table.note(
      "look-ups: getaddrinfo(); wget: from the answer, or the first SYN where "
      "none was asked for, to the connection");
}

}  // namespace happy::bench
