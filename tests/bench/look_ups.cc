// What an answer over DNS-over-TLS takes, with a round trip of 20 ms to the
// resolver. Plain asks the same unbound by UDP.
#include <cstdio>

#include "tests/bench/figures.h"
#include "tests/lab/namespace_lab.h"

namespace happy::bench {
namespace {

constexpr int kRuns = 9;

}  // namespace

void look_ups() {
  lab::NamespaceLab lab({.hosts = {{"198.51.100.1", {}}},
                         .names = {{"a.lab.test", {"198.51.100.1"}},
                                   {"b.lab.test", {"198.51.100.1"}}},
                         .resolver_rtt = std::chrono::milliseconds(20)});
  const std::vector<std::string> arguments{HAPPY_BUILD_FOLDER "/bench_lookup",
                                           "a.lab.test", "b.lab.test",
                                           "a.lab.test"};
  const std::vector<std::string> kdig{
      "kdig", "+tls", std::string("@") + lab::NamespaceLab::kResolver,
      "a.lab.test"};
  const char* const steps[] = {"first of a process", "another name",
                               "the same name again"};
  std::vector<double> plain_us[3], with_us[3], kdig_ms;
  for (int run = 0; run < kRuns; ++run) {
    const auto plain = numbers(lab.run_plain(arguments).out);
    const auto with = numbers(lab.run(arguments).out);
    for (size_t i = 0; i < 3 && i < plain.size() && i < with.size(); ++i) {
      plain_us[i].push_back(plain[i] / 1000);
      with_us[i].push_back(with[i] / 1000);
    }
    try {
      const auto outcome = lab.run_plain(kdig);
      if (outcome.good()) kdig_ms.push_back(double(outcome.elapsed.count()));
    } catch (const std::exception&) {  // not installed: the cell stays empty
    }
  }
  std::printf(
      "getaddrinfo(), RTT 20 ms, ms, median of %d\n"
      "  %-44s %8s %8s\n",
      kRuns, "", "UDP", "DoT");
  for (int i = 0; i < 3; ++i)
    std::printf("  %-44s %8s %8s\n", steps[i],
                text(median(plain_us[i])).c_str(),
                text(median(with_us[i])).c_str());
  std::printf("  %-44s %8s %8s\n\n", "kdig +tls, the whole process", "",
              text(median(kdig_ms)).c_str());
}

}  // namespace happy::bench
