// What a program sees of a policy that is broken, missing or switched off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using testing::HasSubstr;

// Asks twice, as programs do, and goes on.
constexpr const char* kAskTwice = R"(
import socket
for i in range(2):
    try:
        socket.getaddrinfo("healthy.lab.test", 80)
        print("answer")
    except socket.gaierror as error:
        print("EAI_FAIL" if error.errno == socket.EAI_FAIL else error)
print("goes on")
)";

void expect_fails_closed(LoopbackLab& lab, const lab::Environment& environment,
                         const std::string& log) {
  const auto outcome =
      lab.run({"/usr/bin/python3", "-c", kAskTwice}, environment);
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_EQ(outcome.out, "EAI_FAIL\nEAI_FAIL\ngoes on\n");
  EXPECT_THAT(outcome.err, HasSubstr(log));
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
}

TEST(BrokenPolicy, MakesLookUpsFailWithOneLineAndTheProgramGoOn) {
  LoopbackLab lab;
  lab.use_policy("{ \"version\": 1,\n  \"rules\": [ }");
  expect_fails_closed(lab, {}, "policy.json:2:");
}

TEST(MissingPolicy, IsAnErrorAndNeverTheNextFile) {
  LoopbackLab lab;
  expect_fails_closed(lab, {{"HAPPY_POLICY", "/nonexistent/policy.json"}},
                      "/nonexistent/policy.json");
}

TEST(BrokenPolicy, LeavesNumericAddressesAlone) {
  LoopbackLab lab;
  lab.use_policy("nonsense");
  const auto outcome =
      lab.run({"curl", "-sS",
               "http://127.0.1.1:" + std::to_string(lab.web_port()) + "/"});
  EXPECT_EQ(outcome.out, "127.0.1.1\n") << outcome.describe();
}

TEST(Disable, MakesEveryHookPassThrough) {
  LoopbackLab lab;
  lab.also_preload("libnss_wrapper.so");  // libc's answer, without a resolver
  lab::Environment environment = lab.hosts_environment();
  environment.erase("LD_PRELOAD");
  environment["HAPPY_DISABLE"] = "1";
  // A sanitizer's runtime allows no such thing.
  environment["NSS_WRAPPER_DISABLE_DEEPBIND"] = "1";
  const auto outcome =
      lab.run({"curl", "-sS", lab.url("healthy")}, environment);
  EXPECT_EQ(outcome.out, "127.0.1.1\n") << outcome.describe();
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(lab.trace().empty());
}

class Prefetch : public testing::Test {
 protected:
  Prefetch() {
    auto policy = lab_.policy();
    policy["prefetch"] = {"healthy.lab.test", "localhost"};
    lab_.use_policy(policy.dump());
  }
  LoopbackLab lab_;
};

// It finds the answer in the cache: nobody asks twice.
TEST_F(Prefetch, HasTheAnswerBeforeTheProgramAsks) {
  const auto outcome = lab_.run({"/usr/bin/python3", "-c", R"(
import socket, time
time.sleep(1)
print(socket.getaddrinfo("healthy.lab.test", 80)[0][4][0])
)"});
  EXPECT_EQ(outcome.out, "127.0.1.1\n") << outcome.describe();
  std::vector<std::string> sources;
  for (const auto& event : lab::events_of(lab_.trace(), "answer"))
    sources.push_back(event["source"]);
  std::ranges::sort(sources);
  EXPECT_THAT(sources, testing::ElementsAre("cache", "cache", "dot", "dot"));
}

TEST_F(Prefetch, KeepsNobodyWaiting) {
  const auto outcome = lab_.run({"/bin/true"});
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_EQ(outcome.err, "");
}

// Names that no rule covers are libc's own.
TEST(Rules, LeaveOtherNamesToLibc) {
  LoopbackLab lab;
  const auto outcome =
      lab.run({"curl", "-sS", "-4",
               "http://localhost:" + std::to_string(lab.dot_port()) + "/"});
  // The resolver's port is open: connected, and no web server.
  EXPECT_NE(outcome.exit_status, 6) << outcome.describe();
  EXPECT_NE(outcome.exit_status, 7) << outcome.describe();
}

}  // namespace
}  // namespace happy::e2e
