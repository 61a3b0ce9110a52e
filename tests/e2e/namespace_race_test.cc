// Races with real round-trip times: when each attempt leaves and when the
// program has its connection, as packets on the client's wire tell, and that
// none of them goes to or from port 53.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/e2e/clients.h"
#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr const char* kGood = "198.51.100.1";
constexpr const char* kDead = "198.51.100.2";
constexpr const char* kRefusing = "198.51.100.3";
constexpr const char* kDead6 = "2001:db8:5::2";
constexpr milliseconds kRtt{10};

milliseconds noise() { return milliseconds(lab::sanitized() ? 400 : 60); }

class RaceTest : public testing::TestWithParam<Client> {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_NAMESPACES();
    if (lab::sanitized() && std::string(GetParam().name) == "node")
      GTEST_SKIP() << "RTLD_DEEPBIND is refused by a sanitizer runtime";
    const lab::Path path{.rtt = kRtt};
    lab_ = std::make_unique<NamespaceLab>(lab::NamespaceWish{
        .hosts = {{kGood, path},
                  {kRefusing, path, true},
                  {kDead, {.black_hole = true}},
                  {kDead6, {.black_hole = true}}},
        .names = {{"dead6.lab.test", {kDead6, kGood}},
                  {"dead4.lab.test", {kDead, kGood}},
                  {"refused.lab.test", {kRefusing, kGood}}}});
  }

  void TearDown() override {
    if (lab_) {
      EXPECT_EQ(lab_->packets().count_port(53), 0U);
    }
  }

  // Runs the client; checks that `first` is tried first and the good address
  // won within `limit` of the answer.
  void expect_race(const std::string& name, const char* first,
                   milliseconds limit) {
    const auto outcome = lab_->run(GetParam().command(name + ".lab.test", 80));
    ASSERT_TRUE(outcome.good()) << outcome.describe();
    EXPECT_THAT(outcome.out, HasSubstr(kGood));
    const auto attempts = lab_->packets().attempts();
    ASSERT_GE(attempts.size(), 2U);
    EXPECT_EQ(attempts[0].destination.address.to_string(), first);
    const auto answer = lab_->packets().last_dot_data(attempts[0].sent);
    ASSERT_TRUE(answer.has_value());
    const auto connected =
        lab_->packets().connected(IpAddress::parse(kGood).value());
    ASSERT_TRUE(connected.has_value());
    const auto took = duration_cast<milliseconds>(*connected - *answer);
    RecordProperty("connection_ms", static_cast<int>(took.count()));
    std::printf("%s, %s: connection %d ms after the answer\n", GetParam().name,
                name.c_str(), static_cast<int>(took.count()));
    EXPECT_LE(took, limit + noise());
  }

  std::unique_ptr<NamespaceLab> lab_;
};

TEST_P(RaceTest, ADeadAaaaCostsOneAttemptDelay) {
  expect_race("dead6", kDead6, milliseconds(250) + 2 * kRtt);
}

TEST_P(RaceTest, ADeadAInFrontCostsOneAttemptDelay) {
  expect_race("dead4", kDead, milliseconds(250) + 2 * kRtt);
}

TEST_P(RaceTest, ARefusalInFrontCostsOneRoundTrip) {
  expect_race("refused", kRefusing, 3 * kRtt);
}

INSTANTIATE_TEST_SUITE_P(Clients, RaceTest,
                         testing::Values(client("wget"), client("curl"),
                                         client("python_asyncio"),
                                         client("python_blocking"),
                                         client("epoll_edge"), client("node")),
                         [](const auto& tested) {
                           return std::string(tested.param.name);
                         });

}  // namespace
}  // namespace happy::e2e
