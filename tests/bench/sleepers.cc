// How soon a thread that sleeps on a racing socket is awake.
#include <map>
#include <sstream>

#include "tests/bench/figures.h"
#include "tests/lab/loopback_lab.h"

namespace happy::bench {
namespace {

constexpr int kRounds = 5, kBatches = 2;

// By the call and the number of threads.
using Delays = std::map<std::pair<std::string, int>, std::vector<double>>;

void add(Delays* all, const lab::Outcome& outcome) {
  std::istringstream in(outcome.out);
  std::string call;
  int threads = 0;
  double us = 0;
  while (in >> call >> threads >> us) (*all)[{call, threads}].push_back(us);
}

}  // namespace

void sleepers() {
  lab::LoopbackLab lab;
  const std::vector<std::string> arguments{
      HAPPY_BUILD_FOLDER "/bench_sleepers", "late.lab.test",
      std::to_string(lab.web_port()), std::to_string(kBatches)};
  Delays plain, with;
  for (int round = 0; round < kRounds; ++round) {
    add(&plain, lab.run_plain(arguments, lab.hosts_environment(),
                              std::chrono::seconds(60)));
    add(&with, lab.run(arguments, {}, std::chrono::seconds(60)));
  }
  Table table("A sleeper awake after its connection is there, us, median of " +
                  std::to_string(kRounds * kBatches) + " each",
              {"plain", "with", "more", "limit"});
  for (const auto& [what, delays] : with)
    table.pair(what.first + ", threads at once: " + std::to_string(what.second),
               median(plain[what]), median(delays), 1, "+1000");
}

}  // namespace happy::bench
