// What the library costs a process that does not connect, spawn to exit.
#include "tests/bench/figures.h"
#include "tests/lab/loopback_lab.h"

namespace happy::bench {
namespace {

constexpr int kPairs = 200;

void compare(Table* table, const char* what, const char* limit,
             const std::vector<std::string>& arguments,
             const lab::Environment& with) {
  std::vector<double> plain_ms, with_ms;
  for (int i = 0; i < kPairs; ++i) {
    plain_ms.push_back(time_process(arguments, {}));
    with_ms.push_back(time_process(arguments, with));
  }
  table->pair(what, median(plain_ms), median(with_ms), 3, limit);
}

}  // namespace

void exec_cost() {
  Table table("A process from spawn to exit, ms, median of " +
                  std::to_string(kPairs) + " alternating pairs",
              {"plain", "with", "more", "limit"});
  lab::LoopbackLab lab;
  const std::string policy = lab.folder().write("p.json", lab.policy().dump());
  const auto strict = lab::library_environment({.policy = policy});
  const std::vector<std::string> look_up{HAPPY_BUILD_FOLDER "/bench_lookup",
                                         "localhost"};
  compare(&table, "/bin/true", "+0.150", {"/bin/true"}, strict);
  // No policy is named, and none is found without a home.
  compare(&table, "resolves localhost by system, no policy", "+1.000", look_up,
          lab::library_environment({}));
  const auto maps = lab.run({"/bin/true"}, {{"LD_DEBUG", "files"}}).err;
  std::string mapped = "/bin/true maps:";
  for (const char* object : {"libhappy.so", "libhappy-core", "libhappy-tls",
                             "libuv", "libgnutls", "libstdc++"})
    if (maps.find(object) != std::string::npos)
      mapped += std::string(" ") + object;
  table.note(mapped);
}

}  // namespace happy::bench
