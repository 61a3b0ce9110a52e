// Runs the behaviour tests under the library: without it this program starts a
// resolver and itself again, with LD_PRELOAD and a policy.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "tests/abi/behaviour_worlds.h"
#include "tests/lab/certificate.h"
#include "tests/lab/child.h"
#include "tests/lab/library.h"
#include "tests/lab/sockets.h"
#include "tests/lab/temp_folder.h"

namespace {

using namespace happy;

constexpr const char* kMark = "BEHAVIOUR_UNDER_LIBRARY";

class Worlds : public testing::Environment {
 public:
  void SetUp() override { behaviour::open_worlds(); }
};

int run_under_library(const std::vector<std::string>& arguments) {
  const lab::TempFolder folder;
  const lab::Certificate certificate = lab::make_certificate();
  lab::UnboundWish wish;
  wish.tls_port = lab::likely_free_port();
  wish.names = behaviour::all_names();
  const lab::Unbound resolver(wish, certificate, folder);
  lab::LibraryUse use;
  use.policy = folder.write(
      "policy.json",
      behaviour::policy_for(wish.tls_port, certificate.pin).dump(2));
  use.trace = folder.file("trace.jsonl");
  lab::Environment environment = lab::library_environment(use);
  environment[kMark] = "1";
  const auto outcome = lab::run({.arguments = arguments,
                                 .environment = environment,
                                 .limit = std::chrono::minutes(5),
                                 .enter = {},
                                 .input = {}});
  std::cout << outcome.out;
  std::cerr << outcome.err;
  if (outcome.timed_out || outcome.signal != 0)
    std::cerr << "ended by signal " << outcome.signal << "\n";
  return outcome.good() ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> all(arguments, arguments + count);
  all[0] = "/proc/self/exe";
  testing::InitGoogleTest(&count, arguments);
  const bool listing = GTEST_FLAG_GET(list_tests);
  if (!listing && std::getenv(kMark) == nullptr) return run_under_library(all);
  testing::AddGlobalTestEnvironment(new Worlds);
  return RUN_ALL_TESTS();
}
