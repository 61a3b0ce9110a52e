// What the library costs a process that does not connect, spawn to exit.
#include <cstdio>

#include "tests/bench/figures.h"
#include "tests/lab/loopback_lab.h"

namespace happy::bench {
namespace {

constexpr int kPairs = 200;

void compare(const char* what, const std::vector<std::string>& arguments,
             const lab::Environment& with) {
  std::vector<double> plain_ms, with_ms;
  for (int i = 0; i < kPairs; ++i) {
    plain_ms.push_back(time_process(arguments, {}));
    with_ms.push_back(time_process(arguments, with));
  }
  const double plain = *median(plain_ms), under = *median(with_ms);
  std::printf("  %-44s %8.3f %8.3f %+8.3f\n", what, plain, under,
              under - plain);
}

}  // namespace

void exec_cost() {
  std::printf(
      "A process from spawn to exit, ms, median of %d alternating pairs\n"
      "  %-44s %8s %8s %8s\n",
      kPairs, "", "plain", "with", "more");
  lab::LoopbackLab lab;
  const std::string policy = lab.folder().write("p.json", lab.policy().dump());
  const auto strict = lab::library_environment({.policy = policy});
  const std::vector<std::string> look_up{HAPPY_BUILD_FOLDER "/bench_lookup",
                                         "localhost"};
  compare("/bin/true (limit +0.300)", {"/bin/true"}, strict);
  // No policy is named, and none is found without a home.
  compare("resolves localhost by system, no policy", look_up,
          lab::library_environment({}));
  const auto maps = lab.run({"/bin/true"}, {{"LD_DEBUG", "files"}}).err;
  std::printf("  /bin/true maps:");
  for (const char* object : {"libhappy.so", "libhappy-core", "libhappy-tls",
                             "libuv", "libgnutls", "libstdc++"})
    std::printf(" %s %s%s", object,
                maps.find(object) == std::string::npos ? "no" : "yes",
                object[3] == 's' ? "\n\n" : ",");
}

}  // namespace happy::bench
