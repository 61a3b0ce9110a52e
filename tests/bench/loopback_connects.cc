// What the race costs a connect() that succeeds at once.
#include "tests/bench/figures.h"
#include "tests/lab/loopback_lab.h"

namespace happy::bench {
namespace {

constexpr int kRounds = 10, kConnects = 100;

void compare(Table* table, lab::LoopbackLab& lab, const std::string& how,
             const char* limit) {
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
  table->pair(how, median(plain_us), median(with_us), 1, limit);
}

}  // namespace

void loopback_connects() {
  Table table("A healthy connect() on loopback, us, median of " +
                  std::to_string(kRounds * kConnects) + ", in turns of " +
                  std::to_string(kConnects),
              {"plain", "with", "more", "limit"});
  lab::LoopbackLab lab;
  compare(&table, lab, "blocking", "+40");
  compare(&table, lab, "epoll", "+150");
}

}  // namespace happy::bench
