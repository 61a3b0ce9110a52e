// happyctl pin, as its users meet it, against the scripted DoT server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/dot_server.h"
#include "tests/tools/command.h"

namespace happy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr time_t kDay = 86400;

class Pin : public testing::Test {
 protected:
  Pin() {
    std::string name = std::filesystem::temp_directory_path() / "pin.XXXXXX";
    folder_ = mkdtemp(name.data());
    ca_ = Identity::make({.common_name = "Lab CA", .is_ca = true});
    leaf_ = Identity::make({.common_name = "leaf",
                            .dns_names = {"*.corp.test", "dns.corp.test"},
                            .valid_until = time(nullptr) + 30 * kDay + 60},
                           &ca_);
    std::ofstream(folder_ / "ca.pem") << ca_.certificate_pem();
    script_.chain = {leaf_, ca_};
  }
  ~Pin() override { std::filesystem::remove_all(folder_); }

  std::string place() const {
    return "127.0.0.1:" + std::to_string(server_->port());
  }
  std::string ca_file() const { return folder_ / "ca.pem"; }

  Ended pin(std::vector<std::string> options) {
    if (!server_) server_ = std::make_unique<DotServer>(script_);
    options.insert(options.begin(), {HAPPY_HAPPYCTL, "pin", place()});
    return run(options, {});
  }

  // The policy made of what was shown from "resolvers" to the end.
  std::string policy_of(const std::string& out) {
    const std::string path = folder_ / "policy.json";
    std::ofstream(path) << "{ \"version\": 1,\n"
                        << out.substr(out.find("\"resolvers\"")) << "}";
    return path;
  }

  std::filesystem::path folder_;
  Identity ca_ = Identity::make({}), leaf_ = Identity::make({});
  DotScript script_;
  std::unique_ptr<DotServer> server_;
};

TEST_F(Pin, ShowsWhatTheServerCanBeKnownBy) {
  const Ended ended = pin({"--ca-file", ca_file()});
  ASSERT_EQ(ended.status, 0) << ended.err;
  for (const std::string& part :
       {place() + ": TLS1.3 ", std::string("names       *.corp.test, dns."),
        std::string("issuer      Lab CA"), std::string(", 30 days left"),
        std::string("vouch for it as dns.corp.test\n"),
        leaf_.key_pin() + "\n    the server's own key",
        "cert-fp:SHA256:" + base64(leaf_.certificate_sha256()) +
            "\n    this very certificate",
        ca_.key_pin() + "\n    the key of \"Lab CA\", which issued it"})
    EXPECT_THAT(ended.out, HasSubstr(part));
  EXPECT_THAT(ended.err, HasSubstr("trust on first use"));
}

// What is shown to be pasted is a policy, and lets the server in.
TEST_F(Pin, WhatItShowsIsAPolicyThatTheServerFits) {
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{}, {"--ca-file", ca_file()}}) {
    const Ended shown = pin(options);
    const std::string policy = policy_of(shown.out);
    EXPECT_EQ(run({HAPPY_HAPPYCTL, "check", policy}, {}).status, 0)
        << shown.out;
    const std::string name = options.empty() ? "pinned" : "dns.corp.test";
    const Ended asked = run({HAPPY_HAPPYCTL, "resolve", "nothing.test", "A",
                             "--policy", policy, "--resolver", name},
                            {});
    EXPECT_THAT(asked.out, HasSubstr("NXDOMAIN")) << asked.err;
    EXPECT_THAT(asked.out,
                HasSubstr(options.empty() ? "authenticated by pin\n"
                                          : "by name, CA and pin\n"));
  }
}

TEST_F(Pin, PrintsJson) {
  const Ended ended = pin({"--json", "--ca-file", ca_file()});
  const json out = json::parse(ended.out);
  EXPECT_EQ(out["certificates"][0]["key_fp"], leaf_.key_pin());
  EXPECT_EQ(out["certificates"][0]["days_left"], 30);
  EXPECT_EQ(out["certificates"][1]["key_pin_holds"], true);
  EXPECT_EQ(out["authorities"]["vouch"], true);
  EXPECT_EQ(out["resolvers"]["dns.corp.test"],
            json({{"addresses", {"127.0.0.1"}},
                  {"port", server_->port()},
                  {"auth_name", "dns.corp.test"},
                  {"ca_file", ca_file()},
                  {"pins", {leaf_.key_pin()}}}));
}

// No CA and no name: then a policy can only have the pin.
TEST_F(Pin, ASelfSignedServerIsKnownByItsKeyAlone) {
  script_.chain = {Identity::make({.common_name = "own \x1b[31m"})};
  const Ended ended = pin({"--json"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  const json out = json::parse(ended.out);
  EXPECT_EQ(out["authorities"]["vouch"], false);
  EXPECT_EQ(out["certificates"][0]["subject"], "own ?[31m");
  EXPECT_EQ(out["resolvers"]["pinned"].count("auth_name"), 0u);
  EXPECT_THAT(pin({}).out, HasSubstr("no name that a policy could give"));
}

// RFC 6066: the name that is asked for is the one that is looked for.
TEST_F(Pin, TheNameIsSentAndLookedFor) {
  EXPECT_THAT(pin({"--ca-file", ca_file(), "--name", "A.Corp.Test."}).out,
              HasSubstr("vouch for it as a.corp.test\n"));
  // The server may still be at the end of its handshake.
  for (int i = 0; i < 500 && server_->statistics().server_name.empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(server_->statistics().server_name, "a.corp.test");
  EXPECT_THAT(pin({"--ca-file", ca_file(), "--name", "other.test"}).out,
              HasSubstr("do not vouch for it as other.test: the certificate is "
                        "for *.corp.test, dns.corp.test, not for other.test"));
}

TEST_F(Pin, AnExpiredCertificateIsShownAsSuch) {
  script_.chain[0] = Identity::make({.dns_names = {"dns.corp.test"},
                                     .valid_from = time(nullptr) - 9 * kDay,
                                     .valid_until = time(nullptr) - kDay - 60},
                                    &ca_);
  const Ended ended = pin({"--ca-file", ca_file()});
  EXPECT_THAT(ended.out, HasSubstr(", expired 2 days ago\n"));
  EXPECT_THAT(ended.out, HasSubstr("do not vouch"));
  EXPECT_THAT(ended.out, Not(HasSubstr("\"auth_name\"")));
}

// Anybody can send a famous CA's certificate along.
TEST_F(Pin, ACertificateThatIssuedNothingIsNoBackup) {
  script_.chain[1] = Identity::make({.common_name = "Famous", .is_ca = true});
  EXPECT_THAT(pin({}).out,
              HasSubstr("the key of \"Famous\", sent along: it did "
                        "not issue the server's"));
}

struct Fault {
  const char* name;
  DotScript script;
  std::string line;
};

TEST_F(Pin, EachFailureHasALineOfItsOwn) {
  DotScript plain = script_, silent = script_, reset = script_;
  plain.plain = true;
  silent.halt = Halt{Stage::kClientHello, Ending::kSilence};
  reset.halt = Halt{Stage::kClientHello, Ending::kReset};
  for (const auto& [name, script, line] :
       {Fault{"plain", plain, "the port does not speak TLS"},
        Fault{"silent", silent, "silent: no TLS handshake within 300 ms"},
        Fault{"reset", reset,
              "the connection broke during the TLS handshake: "
              "Connection reset by peer"}}) {
    server_ = std::make_unique<DotServer>(script);
    const Ended ended = pin({"--timeout-ms", "300"});
    EXPECT_EQ(ended.status, 1) << name;
    EXPECT_EQ(ended.err, "happyctl pin: " + place() + ": " + line + "\n");
    EXPECT_EQ(ended.out, "");
  }
  const std::string gone = place();
  server_.reset();
  EXPECT_EQ(run({HAPPY_HAPPYCTL, "pin", gone}, {}).err,
            "happyctl pin: " + gone +
                ": the connection was refused: nobody "
                "listens on that port\n");
}

TEST_F(Pin, OnlyAddressesArePlaces) {
  for (const char* place :
       {"dns.test", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:", "[::1",
        "[::1]853", "[192.0.2.1]:853", "::1:853:x", ""}) {
    const Ended ended = run({HAPPY_HAPPYCTL, "pin", place}, {});
    EXPECT_EQ(ended.status, 2) << place;
    EXPECT_THAT(ended.err, HasSubstr(" is not an address, as ")) << place;
  }
  EXPECT_THAT(run({HAPPY_HAPPYCTL, "pin", "[::1]:1"}, {}).err,
              HasSubstr("pin: [::1]:1: "));
}

}  // namespace
}  // namespace happy::test
