// What memory a process has for itself on the library's account, and when it
// comes: the shim at exec, the core at the first look-up, GnuTLS at the first
// encrypted one.
#include "tests/bench/figures.h"
#include "tests/lab/namespace_lab.h"

namespace happy::bench {
namespace {

constexpr int kRuns = 9;

}  // namespace

void memory() {
  lab::NamespaceLab lab({.hosts = {{"198.51.100.1", {}}},
                         .names = {{"www.lab.test", {"198.51.100.1"}}}});
  Table table(
      "Private memory of a process, KiB, median of " + std::to_string(kRuns),
      {"plain", "with", "more", "limit"});
  const auto row = [&](const char* what, const std::vector<std::string>& names,
                       const char* limit) {
    std::vector<std::string> command{HAPPY_BUILD_FOLDER "/bench_memory"};
    command.insert(command.end(), names.begin(), names.end());
    std::vector<double> plain, with;
    for (int run = 0; run < kRuns; ++run) {
      for (const double one : numbers(lab.run_plain(command).out))
        plain.push_back(one);
      for (const double one :
           numbers(lab.run(command, {{"HAPPY_TRACE", ""}}).out))
        with.push_back(one);
    }
    table.pair(what, median(plain), median(with), 0, limit);
  };
  row("nothing looked up: the shim", {}, "+200");
  row("a name of libc's resolver: the core", {"localhost"}, "+2048");
  row("a name by DNS-over-TLS: GnuTLS", {"www.lab.test"}, "+5120");
}

}  // namespace happy::bench
