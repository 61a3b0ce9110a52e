// Where HTTPS records lead an unchanged program that connects to port 443, as
// the wire saw it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr const char *kGood = "198.51.100.1", *kCdn = "198.51.100.2",
                     *kDead = "198.51.100.3", *kRefuses = "198.51.100.4";
constexpr const char* kGood6 = "2001:db8:5::1";
constexpr std::chrono::milliseconds kRtt{10};

lab::NamespaceWish world() {
  return {
      .hosts = {{.address = kGood, .path = {.rtt = kRtt}, .ports = {443}},
                {.address = kCdn, .path = {.rtt = kRtt}, .ports = {443, 8443}},
                {.address = kDead, .path = {.black_hole = true}},
                {.address = kRefuses, .path = {.rtt = kRtt}, .ports = {8443}},
                {.address = kGood6, .path = {.rtt = kRtt}, .ports = {443}}},
      .names = {{"hint.lab.test", {kDead}},
                {"hint6.lab.test", {kDead}},
                {"port.lab.test", {kRefuses}},
                {"target.lab.test", {kDead}},
                {"alias.lab.test", {kDead}},
                {"cdn.lab.test", {kCdn}}},
      .records = {
          "hint.lab.test. 300 IN HTTPS 1 . alpn=h2,h3 ipv4hint=198.51.100.1 "
          "ech=AAAEAAEAAA==",
          "hint6.lab.test. 300 IN HTTPS 1 . ipv6hint=2001:db8:5::1",
          "port.lab.test. 300 IN HTTPS 1 . port=8443",
          "target.lab.test. 300 IN HTTPS 1 cdn.lab.test. port=8443",
          "target.lab.test. 300 IN HTTPS 2 . ipv4hint=198.51.100.1",
          "alias.lab.test. 300 IN HTTPS 0 cdn.lab.test."}};
}

class HttpsRecordsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { SKIP_WITHOUT_NAMESPACES(); }

  // The rule's keys besides hosts, resolvers and https_records.
  NamespaceLab& lab(const json& settings = json::object(),
                    const lab::NamespaceWish& wish = world()) {
    lab_ = std::make_unique<NamespaceLab>(wish);
    json policy = lab_->policy();
    policy["rules"][0]["https_records"] = true;
    policy["rules"][0].update(settings);
    lab_->use_policy(policy.dump());
    return *lab_;
  }
  // A resolver whose answer about HTTPS comes late.
  NamespaceLab& late_lab(const char* address, int delay_ms,
                         const json& settings = json::object()) {
    lab::NamespaceWish wish = world();
    json name = {{"delay_ms", {{"HTTPS", delay_ms}}}};
    name["A"] = json::array({address});
    // 1 . ipv4hint=kGood
    name["HTTPS"] = json::array({"00010000040004c6336401"});
    wish.dot_script.emplace()["zone"]["names"]["late.lab.test"] = name;
    return lab(settings, wish);
  }
  lab::Outcome connect(const std::string& name, const std::string& port = "443",
                       const std::string& limit = "5") {
    static constexpr const char* kConnect = R"(
import socket, sys
s = socket.socket()
s.settimeout(float(sys.argv[3]) or None)
try: s.connect((sys.argv[1], int(sys.argv[2])))
except OSError as error: sys.exit(str(error))
print(*s.getpeername()[:2])
print(socket.getnameinfo(s.getpeername(), 0)[0])
)";
    return lab_->run({"/usr/bin/python3", "-c", kConnect, name, port, limit});
  }
  lab::Outcome connect_in_mode(const std::string& name) {
    return connect(name, "443", GetParam());
  }
  // Who got a SYN, in order.
  std::vector<std::string> tried() {
    std::vector<std::string> out;
    for (const auto& attempt : lab_->packets().attempts())
      out.push_back(attempt.destination.to_string());
    return out;
  }
  // The winner, by address and then by name, which nobody may be asked for.
  static std::string told(const std::string& address, int port = 443) {
    return address + " " + std::to_string(port) + "\n" + address + "\n";
  }
  void expect_no_leak() {
    EXPECT_EQ(lab_->packets().count_port(53), 0u) << lab_->packets().describe();
  }

  std::unique_ptr<NamespaceLab> lab_;
};

const std::string kDead443 = std::string(kDead) + ":443";
const std::string kGood443 = std::string(kGood) + ":443";

TEST_P(HttpsRecordsTest, AHintStepsInForADeadAddress) {
  lab();
  const auto outcome = connect_in_mode("hint.lab.test");
  EXPECT_EQ(outcome.out, told(kGood)) << outcome.describe();
  const auto attempts = lab_->packets().attempts();
  EXPECT_THAT(tried(), ElementsAre(kDead443, kGood443));
  ASSERT_THAT(attempts, SizeIs(2));
  const auto between = attempts[1].sent - attempts[0].sent;
  EXPECT_GE(between, std::chrono::milliseconds(245));
  EXPECT_LE(between, std::chrono::milliseconds(450));
  expect_no_leak();
}

TEST_P(HttpsRecordsTest, APortTakesThePlaceOf443) {
  lab();
  const auto outcome = connect_in_mode("port.lab.test");
  EXPECT_EQ(outcome.out, told(kRefuses, 8443)) << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(std::string(kRefuses) + ":443",
                                   std::string(kRefuses) + ":8443"));
}

TEST_P(HttpsRecordsTest, AnAliasIsFollowed) {
  lab();
  const auto outcome = connect_in_mode("alias.lab.test");
  EXPECT_EQ(outcome.out, told(kCdn)) << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(kDead443, std::string(kCdn) + ":443"));
  expect_no_leak();
}

// Its addresses come after the hint of the lower priority, and go before it.
TEST_P(HttpsRecordsTest, AnotherTargetIsReachedAtItsPort) {
  lab();
  const auto outcome = connect_in_mode("target.lab.test");
  EXPECT_EQ(outcome.out, told(kCdn, 8443)) << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(kDead443, std::string(kCdn) + ":8443"));
  expect_no_leak();
}

// After the attempt delay, with nothing else to try: at once when it is there.
TEST_P(HttpsRecordsTest, AnAnswerThatComesDuringTheRaceJoins) {
  late_lab(kDead, 600);
  const auto outcome = connect_in_mode("late.lab.test");
  EXPECT_EQ(outcome.out, told(kGood)) << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(kDead443, kGood443));
  const auto attempts = lab_->packets().attempts();
  ASSERT_THAT(attempts, SizeIs(2));
  EXPECT_GE(attempts[1].sent - attempts[0].sent,
            std::chrono::milliseconds(400));
}

// Where all has failed the race waits for it, as long as for a late family.
TEST_P(HttpsRecordsTest, AnAnswerThatComesAfterAllHasFailedIsWaitedFor) {
  late_lab(kRefuses, 300, {{"race", {{"resolution_delay_ms", 1000}}}});
  const auto outcome = connect_in_mode("late.lab.test");
  EXPECT_EQ(outcome.out, told(kGood)) << outcome.describe();
}

TEST_P(HttpsRecordsTest, AnAnswerThatDoesNotComeHoldsNoFailureUp) {
  late_lab(kRefuses, 9000);
  const auto outcome = connect_in_mode("late.lab.test");
  EXPECT_THAT(outcome.err, HasSubstr("Connection refused"))
      << outcome.describe();
  EXPECT_LT(outcome.elapsed, std::chrono::seconds(3));
}

// Python's time-outs make a socket non-blocking.
INSTANTIATE_TEST_SUITE_P(Modes, HttpsRecordsTest, testing::Values("0", "5"),
                         [](const auto& tested) {
                           return std::string(tested.param) == "0"
                                      ? "Blocking"
                                      : "NonBlocking";
                         });

class HttpsRecordsOnceTest : public HttpsRecordsTest {};
INSTANTIATE_TEST_SUITE_P(Once, HttpsRecordsOnceTest, testing::Values("5"));

TEST_P(HttpsRecordsOnceTest, AreForPort443Alone) {
  lab();
  const auto outcome = connect("hint.lab.test", "80", "1");
  EXPECT_THAT(outcome.err, HasSubstr("timed out")) << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(std::string(kDead) + ":80"));
}

TEST_P(HttpsRecordsOnceTest, AreNotUsedWithoutTheKey) {
  lab({{"https_records", false}});
  const auto outcome = connect("hint.lab.test", "443", "1");
  EXPECT_THAT(outcome.err, HasSubstr("timed out")) << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(kDead443));
}

// curl has a socket of IPv4 for an address of IPv4.
TEST_P(HttpsRecordsOnceTest, AHintOfIpv6ServesIpv4WhereFamiliesCross) {
  lab({{"race", {{"cross_family", true}}}});
  const auto outcome = lab_->run({"curl", "-sS", "http://hint6.lab.test:443/"});
  EXPECT_THAT(outcome.out, HasSubstr(kGood6)) << outcome.describe();
  EXPECT_THAT(tried(),
              ElementsAre(kDead443, "[" + std::string(kGood6) + "]:443"));
  expect_no_leak();
}

TEST_P(HttpsRecordsOnceTest, TheTraceShowsThem) {
  lab();
  connect("hint.lab.test");
  std::vector<json> found;
  for (const json& event : lab_->trace())
    if (event["event"] == "answer" && event["type"] == "HTTPS")
      found.push_back(event);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0]["name"], "hint.lab.test");
  EXPECT_EQ(found[0]["source"], "dot");
  EXPECT_EQ(found[0]["malformed"], false);
  EXPECT_EQ(found[0]["records"], json::parse(R"([{"priority": 1, "target": ".",
      "alpn": ["h2", "h3"], "no_default_alpn": false, "port": null,
      "hints": ["198.51.100.1"], "ech": true, "usable": true}])"));
}

}  // namespace
}  // namespace happy::e2e
