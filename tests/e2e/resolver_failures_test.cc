// A strict name whose resolver cannot be trusted or reached has no address: the
// program sees an ordinary failure in time, and the log says which it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/clients.h"
#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using std::chrono::hours;
using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kResolveLimit{1000};
constexpr int kCurlCouldNotResolve = 6;

constexpr const char* kPin = "no pin matches";
constexpr const char* kName = "not for other.lab.test";
constexpr const char* kExpired = "expired on";
constexpr const char* kClosed = "nobody listens";
constexpr const char* kNoHandshake =
    "did not go through with the TLS handshake";
constexpr const char* kSilent = "silent";

class ResolverFailure : public testing::Test {
 protected:
  // The policy with the resolver's entry replaced or extended by `change`.
  static nlohmann::json changed(const LoopbackLab& lab,
                                const nlohmann::json& change) {
    nlohmann::json policy = lab.policy();
    policy["resolvers"]["lab"].merge_patch(change);
    policy["rules"][0]["timeouts"]["resolve_ms"] = kResolveLimit.count();
    return policy;
  }

  // Authentication by name and CA instead of by pin.
  static nlohmann::json by_name(const LoopbackLab& lab,
                                const std::string& name) {
    return {{"pins", nullptr},
            {"auth_name", name},
            {"ca_file",
             lab.folder().write("ca.pem", lab.certificate().authority_pem)}};
  }

  static void expect_failure(LoopbackLab& lab, const nlohmann::json& change,
                             const char* cause) {
    lab.use_policy(changed(lab, change).dump());
    const auto outcome = lab.run({"curl", "-sS", lab.url("healthy")});
    EXPECT_EQ(outcome.exit_status, kCurlCouldNotResolve) << outcome.describe();
    EXPECT_LE(outcome.elapsed,
              kResolveLimit + milliseconds(lab::sanitized() ? 3000 : 500));
    EXPECT_THAT(outcome.err, HasSubstr(cause));
    EXPECT_EQ(lab.accepted(), 0);
  }
};

TEST_F(ResolverFailure, AWrongPin) {
  LoopbackLab lab;
  expect_failure(lab, {{"pins", {lab::make_certificate().pin}}}, kPin);
}

TEST_F(ResolverFailure, AWrongName) {
  LoopbackLab lab;
  expect_failure(lab, by_name(lab, "other.lab.test"), kName);
}

TEST_F(ResolverFailure, AnExpiredCertificate) {
  LoopbackLab lab({.valid_from = hours(-48), .valid_until = hours(-24)});
  expect_failure(lab, by_name(lab, "resolver.lab.test"), kExpired);
}

TEST_F(ResolverFailure, AClosedPort) {
  LoopbackLab lab;
  expect_failure(lab, {{"port", lab::likely_free_port()}}, kClosed);
}

TEST_F(ResolverFailure, ASilentPort) {
  LoopbackLab lab;
  const uint16_t port = lab::likely_free_port();
  const auto silent = lab::listen_on({IpAddress::v4(127, 0, 0, 1), port},
                                     lab::Listening::kBlackHole);
  expect_failure(lab, {{"port", port}}, kSilent);
}

// One that takes the connection and then says nothing is silent too.
TEST_F(ResolverFailure, AServerThatNeverSpeaks) {
  LoopbackLab lab;
  const uint16_t port = lab::likely_free_port();
  const auto mute = lab::listen_on({IpAddress::v4(127, 0, 0, 1), port});
  expect_failure(lab, {{"port", port}}, kNoHandshake);
}

// The controls: name and CA that are right, and a pin beside them.
TEST_F(ResolverFailure, NoneWithTheRightNameAndAuthority) {
  LoopbackLab lab;
  nlohmann::json change = by_name(lab, "resolver.lab.test");
  lab.use_policy(changed(lab, change).dump());
  EXPECT_TRUE(lab.run({"curl", "-sS", lab.url("healthy")}).good());
  change["pins"] = {lab.certificate().pin};
  lab.use_policy(changed(lab, change).dump());
  EXPECT_TRUE(lab.run({"curl", "-sS", lab.url("healthy")}).good());
}

// Pins alone do not look at dates.
TEST_F(ResolverFailure, NoneWithAPinOfAnExpiredCertificate) {
  LoopbackLab lab({.valid_from = hours(-48), .valid_until = hours(-24)});
  EXPECT_TRUE(lab.run({"curl", "-sS", lab.url("healthy")}).good());
}

}  // namespace
}  // namespace happy::e2e
