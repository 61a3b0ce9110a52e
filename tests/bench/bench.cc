// make bench: measures and prints; judges nothing.
#include <cstdio>
#include <exception>

#include "tests/bench/figures.h"
#include "tests/lab/namespace_lab.h"

int main() {
  try {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    happy::bench::exec_cost();
    happy::bench::loopback_connects();
    happy::bench::sleepers();
    happy::bench::crowd();
    happy::bench::instructions();
    if (const auto why = happy::lab::why_no_namespaces(); why) {
      std::printf("No races and look-ups with round-trip times: %s\n",
                  why->c_str());
      return 0;
    }
    happy::bench::look_ups();
    happy::bench::races();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "happy_bench: %s\n", error.what());
    return 2;
  }
}
