// A rule's port_alternatives, as a program and the trace see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using nlohmann::json;

constexpr const char* kConnect = R"(
import socket, sys
s = socket.create_connection((sys.argv[1], 9), timeout=float(sys.argv[2]) or None)
print(s.getpeername()[1])
)";

// Nobody is on ports 9 and 10 of the lab's addresses.
json with_ports(const LoopbackLab& lab, const json& ports) {
  json policy = lab.policy();
  for (json& rule : policy["rules"]) rule["port_alternatives"] = {{"9", ports}};
  return policy;
}

class PortAlternatives : public testing::TestWithParam<const char*> {};

TEST_P(PortAlternatives, TheFirstThatAnswersIsTheOneAndTheTraceTellsIt) {
  LoopbackLab lab;
  lab.use_policy(with_ports(lab, {10, lab.web_port()}).dump());
  const auto outcome = lab.run(
      {"/usr/bin/python3", "-c", kConnect, "healthy.lab.test", GetParam()});
  EXPECT_EQ(outcome.out, std::to_string(lab.web_port()) + "\n")
      << outcome.describe();
  int ends = 0;
  for (const json& event : lab.trace()) {
    if (event["event"] == "attempt_start" && event["attempt"] == 1) {
      EXPECT_EQ(event["port"], 10);
    }
    if (event["event"] != "race_end") continue;
    EXPECT_EQ(event["port"], lab.web_port());
    ++ends;
  }
  EXPECT_EQ(ends, 1);
}

// The rule's only port takes the place of the one that was named.
TEST_P(PortAlternatives, OneAloneReplacesThePort) {
  LoopbackLab lab;
  lab.use_policy(with_ports(lab, {lab.web_port()}).dump());
  const auto outcome = lab.run(
      {"/usr/bin/python3", "-c", kConnect, "healthy.lab.test", GetParam()});
  EXPECT_EQ(outcome.out, std::to_string(lab.web_port()) + "\n")
      << outcome.describe();
}

// Python's time-outs make a socket non-blocking.
INSTANTIATE_TEST_SUITE_P(Modes, PortAlternatives, testing::Values("0", "5"),
                         [](const auto& tested) {
                           return std::string(tested.param) == "0"
                                      ? "Blocking"
                                      : "NonBlocking";
                         });

}  // namespace
}  // namespace happy::e2e
