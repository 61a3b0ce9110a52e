// make bench: measures and prints; judges nothing. make bench-race: what is
// about races alone, by the argument `race`; make bench-dot: about look-ups,
// `dot`. happy_bench chart FILE.json OUT.svg draws kept figures once more.
#include <cstdio>
#include <exception>
#include <string_view>

#include "tests/bench/figures.h"
#include "tests/lab/namespace_lab.h"

int main(int argc, char** argv) {
  try {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const std::string_view part = argc > 1 ? argv[1] : "all";
    if (part == "chart" && argc == 4) {
      happy::bench::read_json(argv[2]);
      happy::bench::write_chart(argv[3]);
      return 0;
    }
    if (part == "all") {
      happy::bench::exec_cost();
      happy::bench::loopback_connects();
      happy::bench::sleepers();
      happy::bench::crowd();
      happy::bench::instructions();
    }
    if (const auto why = happy::lab::why_no_namespaces(); why) {
      std::printf("No races and look-ups with round-trip times: %s\n",
                  why->c_str());
      return 0;
    }
    if (part == "all") {
      happy::bench::memory();
      happy::bench::healthy_connects();
    }
    if (part != "race") {
      happy::bench::look_ups();
      happy::bench::second_process();
    }
    if (part != "dot") {
      happy::bench::races();
      happy::bench::race_costs();
      happy::bench::lazy_eye();
    }
    if (part != "all") return 0;
    happy::bench::write_json(HAPPY_BUILD_FOLDER "/bench.json");
    happy::bench::write_chart(HAPPY_BUILD_FOLDER "/bench.svg");
    std::printf("The same in " HAPPY_BUILD_FOLDER
                "/bench.json, and as a chart in bench.svg\n");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "happy_bench: %s\n", error.what());
    return 2;
  }
}
