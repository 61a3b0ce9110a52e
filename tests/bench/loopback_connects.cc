// What the race costs a connect() that succeeds at once.
#include <cstdio>

#include "tests/bench/figures.h"
#include "tests/lab/loopback_lab.h"

namespace happy::bench {
namespace {

constexpr int kRounds = 10, kConnects = 100;

void compare(lab::LoopbackLab& lab, const std::string& how) {
  const std::vector<std::string> arguments{
      HAPPY_BUILD_FOLDER "/bench_connect", how, "healthy.lab.test",
      std::to_string(lab.web_port()), std::to_string(kConnects)};
  std::vector<double> plain_us, with_us;
  const auto add = [](std::vector<double>& all, const lab::Outcome& outcome) {
    for (const double value : numbers(outcome.out)) all.push_back(value);
  };
  for (int round = 0; round < kRounds; ++round) {
    add(plain_us, lab.run_plain(arguments, lab.hosts_environment()));
    add(with_us, lab.run(arguments));
  }
  const auto plain = median(plain_us), with = median(with_us);
  std::printf("  %-44s %8s %8s %8s\n", how.c_str(), text(plain).c_str(),
              text(with).c_str(),
              plain && with ? text(*with - *plain).c_str() : "-");
}

}  // namespace

void loopback_connects() {
  std::printf(
      "A healthy connect() on loopback, us, median of %d, in turns of %d\n"
      "  %-44s %8s %8s %8s\n",
      kRounds * kConnects, kConnects, "", "plain", "with", "more");
  lab::LoopbackLab lab;
  compare(lab, "blocking");
  compare(lab, "epoll");
  std::printf("\n");
}

}  // namespace happy::bench
