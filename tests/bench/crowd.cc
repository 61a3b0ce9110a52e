// Thousands of connections in flight at once in one process.
#include <sys/resource.h>

#include "tests/bench/figures.h"
#include "tests/lab/loopback_lab.h"

namespace happy::bench {
namespace {

constexpr int kRounds = 3, kConnects = 10'000;

// As bench_crowd prints them.
enum Column : uint8_t {
  kGood,
  kCpu,
  kDescriptorsBefore,
  kDescriptorsAfter,
  kMemoryBefore,
  kMemoryMost,
  kMemoryAfter,
  kRaced,
  kColumns
};

using Runs = std::vector<double>[kColumns];

void add(Runs* all, const lab::Outcome& outcome) {
  const auto values = numbers(outcome.out);
  if (values.size() != kColumns) return;
  for (size_t i = 0; i < kColumns; ++i) (*all)[i].push_back(values[i]);
}

}  // namespace

void crowd() {
  lab::LoopbackLab lab;
  const std::vector<std::string> arguments{
      HAPPY_BUILD_FOLDER "/bench_crowd", "late.lab.test",
      std::to_string(lab.web_port()), std::to_string(kConnects)};
  Runs plain, with;
  for (int round = 0; round < kRounds; ++round) {
    add(&plain, lab.run_plain(arguments, lab.hosts_environment(),
                              std::chrono::seconds(120)));
    add(&with, lab.run(arguments, {}, std::chrono::seconds(120)));
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  Table table(std::to_string(kConnects) +
                  " non-blocking connections in flight at once, median of " +
                  std::to_string(kRounds) + ", RLIMIT_NOFILE " +
                  std::to_string(limit.rlim_max),
              {"plain", "with", "more", "limit"});
  const auto print = [&](const char* what, Column column,
                         const char* most = "") {
    table.pair(what, median(plain[column]), median(with[column]), 0, most);
  };
  print("connected", kGood);
  print("raced", kRaced);
  print("CPU a connection, us", kCpu, "+150");
  print("descriptors before", kDescriptorsBefore);
  print("descriptors after", kDescriptorsAfter);
  print("resident before, KiB", kMemoryBefore);
  print("resident with all in flight, KiB", kMemoryMost);
  print("resident after, KiB", kMemoryAfter);
}

}  // namespace happy::bench
