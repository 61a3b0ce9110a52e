// The library in strange hosts: it works, or it steps aside and says so in one
// line, and never is a strict name asked in clear text.
#include "tests/e2e/hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using testing::HasSubstr;

class HostWorldsTest : public testing::TestWithParam<Host> {
 protected:
  std::string filled_in(std::string text) const {
    const std::string host = name() + ".lab.test";
    for (const auto& [mark, value] :
         {std::pair{"%L", std::string(HAPPY_BUILD_FOLDER "/libhappy.so")},
          std::pair{"%U", lab_.url(name())}, std::pair{"%H", host},
          std::pair{"%P", std::to_string(lab_.web_port())}})
      for (size_t at; (at = text.find(mark)) != std::string::npos;)
        text.replace(at, 2, value);
    return text;
  }
  // Without a race a dead address would hold the host up, as ever.
  std::string name() const {
    return GetParam().effect == Effect::kNames ? "healthy" : "dead4";
  }
  lab::Outcome run() {
    const Host& host = GetParam();
    std::vector<std::string> command;
    for (const auto& word : host.command) command.push_back(filled_in(word));
    if (command.empty()) command = {"curl", "-sS", lab_.url(name())};
    lab::Environment environment;
    for (const auto& [key, value] : host.environment)
      environment[key] = filled_in(value);
    return lab_.run(command, environment, std::chrono::seconds(30));
  }

  LoopbackLab lab_;
};

TEST_P(HostWorldsTest, HasTheEffectThatTheDocumentsTell) {
  const Host& host = GetParam();
  const auto outcome = run();
  if (outcome.err.find("unshare: ") != std::string::npos)
    GTEST_SKIP() << "no user namespaces: " << outcome.err;
  const bool connects =
      host.effect == Effect::kRaces || host.effect == Effect::kNames;
  const std::string all = outcome.out + outcome.err;
  EXPECT_EQ(outcome.good(), connects) << outcome.describe();
  EXPECT_THAT(all, HasSubstr(host.line));
  if (!connects) return;
  EXPECT_THAT(all, HasSubstr("127.0.1.")) << outcome.describe();
  EXPECT_TRUE(lab::answered_by_dot(lab_.trace(), name() + ".lab.test"));
  EXPECT_EQ(lab::events_of(lab_.trace(), "race_end").size(),
            host.effect == Effect::kRaces ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(Hosts, HostWorldsTest, testing::ValuesIn(hosts()),
                         [](const auto& tested) {
                           return std::string(tested.param.name);
                         });

}  // namespace
}  // namespace happy::e2e
