// Thousands of connections in flight at once in one process.
#include <sys/resource.h>

#include <cstdio>

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

void print(const char* what, const Runs& plain, const Runs& with,
           Column column) {
  const auto before = median(plain[column]), after = median(with[column]);
  std::printf("  %-44s %8s %8s %8s%s\n", what, text(before, 0).c_str(),
              text(after, 0).c_str(),
              before && after ? text(*after - *before, 0).c_str() : "-",
              column == kCpu ? "      150" : "");
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
  std::printf(
      "%d non-blocking connections in flight at once, median of %d,\n"
      "RLIMIT_NOFILE %llu\n"
      "  %-44s %8s %8s %8s %8s\n",
      kConnects, kRounds, static_cast<unsigned long long>(limit.rlim_max), "",
      "plain", "with", "more", "limit");
  print("connected", plain, with, kGood);
  print("raced", plain, with, kRaced);
  print("CPU a connection, us", plain, with, kCpu);
  print("descriptors before", plain, with, kDescriptorsBefore);
  print("descriptors after", plain, with, kDescriptorsAfter);
  print("resident before, KiB", plain, with, kMemoryBefore);
  print("resident with all in flight, KiB", plain, with, kMemoryMost);
  print("resident after, KiB", plain, with, kMemoryAfter);
  std::printf("\n");
}

}  // namespace happy::bench
