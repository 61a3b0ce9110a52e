// What a second process needs no round trip for: TLS early data with the ticket
// of the first one, and TCP Fast Open. Seen on the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using lab::Packet;
using nlohmann::json;

constexpr std::chrono::milliseconds kRtt{20};

class FirstFlight : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_NAMESPACES();
    lab_ = std::make_unique<NamespaceLab>(lab::NamespaceWish{
        .hosts = {{"198.51.100.1", {.rtt = kRtt}}},
        .names = {{"one.lab.test", {"198.51.100.1"}},
                  {"two.lab.test", {"198.51.100.1"}},
                  {"three.lab.test", {"198.51.100.1"}}},
        .dot_script =
            json{{"tls", {{"tickets", "at_once"}, {"early_data", 1024}}},
                 {"stream", {{"tcp_fast_open", true}}}}});
  }

  // The packets of the resolver's connection, of a process of its own.
  std::vector<Packet> ask(const std::string& name,
                          const json& wishes = json::object()) {
    json policy = lab_->policy();
    policy["resolvers"]["lab"].merge_patch(wishes);
    lab_->use_policy(policy.dump());
    const auto outcome = lab_->run({"python3", "-c",
                                    "import socket, sys\n"
                                    "print(socket.gethostbyname(sys.argv[1]))",
                                    name},
                                   {{"HAPPY_STATE", state_}});
    EXPECT_EQ(outcome.out, "198.51.100.1\n") << outcome.describe();
    std::vector<Packet> out;
    for (const Packet& packet : lab_->packets().all())
      if (packet.dns()) out.push_back(packet);
    return out;
  }
  // Octets of the client before the server has said anything.
  static size_t first_flight(const std::vector<Packet>& packets) {
    size_t out = 0;
    for (const Packet& packet : packets) {
      if (!packet.from_client && packet.payload > 0) break;
      if (packet.from_client) out += packet.payload;
    }
    return out;
  }
  static size_t in_the_syn(const std::vector<Packet>& packets) {
    for (const Packet& packet : packets)
      if (packet.syn && packet.from_client) return packet.payload;
    return 0;
  }

  std::unique_ptr<NamespaceLab> lab_;
  const lab::TempFolder folder_;
  const std::string state_ = folder_.file("state");
};

// A question is padded to 128 octets.
TEST_F(FirstFlight, TheQuestionGoesWithTheHandshakeOfASecondProcess) {
  ask("one.lab.test");
  const size_t without = first_flight(ask("two.lab.test"));
  const auto packets = ask("three.lab.test", {{"early_data", true}});
  EXPECT_GE(first_flight(packets), without + 130) << lab_->packets().describe();
}

TEST_F(FirstFlight, WithFastOpenItGoesWithTheSyn) {
  const json wishes{{"tcp_fast_open", true}, {"early_data", true}};
  EXPECT_EQ(in_the_syn(ask("one.lab.test", wishes)), 0U) << "no cookie yet";
  const auto packets = ask("two.lab.test", wishes);
  EXPECT_GT(in_the_syn(packets), 500U) << lab_->packets().describe();
  EXPECT_EQ(in_the_syn(packets), first_flight(packets));
}

TEST_F(FirstFlight, WithoutTheKeysItDoesNot) {
  ask("one.lab.test");
  EXPECT_EQ(in_the_syn(ask("two.lab.test")), 0U);
}

}  // namespace
}  // namespace happy::e2e
