// Every client gets its page from every name of the loopback lab, over DoT,
// soon and whatever address comes first.
#include "tests/e2e/clients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using testing::HasSubstr;

// The control: without the library each client gets the page from a name
// whose first address is good.
class PlainClientTest : public testing::TestWithParam<Client> {};

TEST_P(PlainClientTest, GetsThePageFromAHealthyName) {
  LoopbackLab lab;
  const auto outcome =
      lab.run_plain(GetParam().command("healthy.lab.test", lab.web_port()),
                    lab.hosts_environment());
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("127.0.1.1\n")) << outcome.describe();
}

INSTANTIATE_TEST_SUITE_P(Clients, PlainClientTest,
                         testing::ValuesIn(all_clients()),
                         [](const auto& tested) {
                           return std::string(tested.param.name);
                         });

class ClientTest
    : public testing::TestWithParam<std::tuple<Client, const char*>> {};

TEST_P(ClientTest, GetsThePage) {
  const auto& [client, name] = GetParam();
  if (lab::sanitized() && std::string(client.name) == "node")
    GTEST_SKIP() << "node's own symbols need RTLD_DEEPBIND, which a sanitizer "
                    "runtime refuses";
  LoopbackLab lab;
  const std::string host = std::string(name) + ".lab.test";
  const auto outcome = lab.run(client.command(host, lab.web_port()));
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("127.0.1.")) << outcome.describe();
  EXPECT_TRUE(lab::answered_by_dot(lab.trace(), host));
  // The dead ones hang for minutes without the library; an attempt delay is a
  // quarter of a second.
  EXPECT_LT(outcome.elapsed, std::chrono::seconds(lab::sanitized() ? 8 : 3));
}

INSTANTIATE_TEST_SUITE_P(EveryName, ClientTest,
                         testing::Combine(testing::ValuesIn(all_clients()),
                                          testing::Values("healthy", "dead4",
                                                          "dead6", "refused")),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param).name) +
                                  "_" + std::get<1>(tested.param);
                         });

}  // namespace
}  // namespace happy::e2e
