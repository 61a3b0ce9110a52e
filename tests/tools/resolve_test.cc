// happyctl resolve, as its users meet it, against the scripted DoT server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/dot_server.h"
#include "tests/tools/command.h"

namespace happy::test {
namespace {

using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;

class Resolve : public testing::Test {
 protected:
  Resolve() {
    std::string name =
        std::filesystem::temp_directory_path() / "resolve.XXXXXX";
    folder_ = mkdtemp(name.data());
    DotScript script;
    script.chain = {Identity::make({})};
    script.zone.names["www.corp.test"].a("192.0.2.1").aaaa("2001:db8::1");
    script.zone.names["www.corp.test"].txt("a \"quoted\" \x01");
    script.zone.names["alias.corp.test"].cname = "www.corp.test";
    Entry& broken = script.zone.names["broken.corp.test"];
    broken.rcode = 2;
    broken.ede = 22;
    broken.ede_text = "at \x1b[31mdelegation";
    script.zone.names["drop.corp.test"].fault = ReplyFault::kDrop;
    server_ = std::make_unique<DotServer>(script);
    write_policy();
  }
  ~Resolve() override { std::filesystem::remove_all(folder_); }

  void write_policy() {
    const json home = {{"addresses", {server_->address()}},
                       {"port", server_->port()},
                       {"pins", {server_->script().chain[0].key_pin()}}};
    json wrong = home;
    wrong["pins"] = {Identity::make({}).key_pin()};
    const json policy = {
        {"version", 1},
        {"resolvers", {{"home", home}, {"wrong", wrong}}},
        {"rules",
         {{{"hosts", {"*.corp.test"}},
           {"resolvers", {"home"}},
           {"timeouts", {{"resolve_ms", 1000}}}},
          {{"hosts", {"backup.test"}}, {"resolvers", {"wrong", "home"}}}}}};
    std::ofstream(folder_ / "policy.json") << policy.dump();
  }

  Ended resolve(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {HAPPY_HAPPYCTL, "resolve"});
    arguments.insert(arguments.end(),
                     {"--policy", (folder_ / "policy.json").string()});
    return run(arguments, {{"LOCALDOMAIN", "corp.test"}});
  }

  std::filesystem::path folder_;
  std::unique_ptr<DotServer> server_;
};

TEST_F(Resolve, ShowsRuleResolverAuthenticationAndAddresses) {
  const Ended ended = resolve({"www.corp.test"});
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("www.corp.test: rules[0] by \"*.corp.test\","
                                   " resolver \"home\"\n"));
  EXPECT_THAT(ended.out, HasSubstr("  A          60 s  192.0.2.1\n"));
  EXPECT_THAT(ended.out, HasSubstr("  AAAA       60 s  2001:db8::1\n"));
  EXPECT_THAT(ended.out, HasSubstr("authenticated by pin\n"));
  EXPECT_THAT(ended.out, HasSubstr("answer for AAAA "));
  EXPECT_THAT(ended.out, ContainsRegex(" ms, [0-9]+ octets, (not )?padded"));
  EXPECT_THAT(ended.err, IsEmpty());
  EXPECT_EQ(1, server_->statistics().connections);
}

TEST_F(Resolve, AShortNameIsExpandedFirst) {
  const Ended ended = resolve({"www", "A"});
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("www.corp.test: rules[0]"));
}

// As the library: what has no rule with an encrypted resolver is no business
// of one, and what has a strict expansion no business of libc's.
TEST_F(Resolve, OnlyTheStrictExpansionsOfANameAreAsked) {
  Zone zone = server_->zone();
  zone.names["host.other"].a("192.0.2.8");
  zone.names["host.other.corp.test"].a("192.0.2.9");
  server_->set_zone(zone);
  const Ended ended = resolve({"host.other", "A"});
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("host.other.corp.test: rules[0]"));
  EXPECT_THAT(ended.out, HasSubstr("192.0.2.9"));
  EXPECT_EQ(1, server_->statistics().queries);
}

TEST_F(Resolve, ShowsChainsAndTextsSafely) {
  EXPECT_THAT(resolve({"alias.corp.test", "A"}).out,
              HasSubstr("  CNAME      60 s  www.corp.test\n"));
  EXPECT_THAT(resolve({"www.corp.test", "txt"}).out,
              HasSubstr("\"a \\\"quoted\\\" \\001\"\n"));
}

TEST_F(Resolve, ANegativeAnswerIsAFailure) {
  const Ended ended = resolve({"nope.corp.test", "A"});
  EXPECT_EQ(1, ended.status);
  EXPECT_THAT(ended.out, HasSubstr("NXDOMAIN"));
  EXPECT_EQ(1, resolve({"www.corp.test", "MX"}).status);
}

// RFC 8914 texts come from the network: no escape sequence may get through.
TEST_F(Resolve, ShowsExtendedErrorsWithoutTheirControlCharacters) {
  const Ended ended = resolve({"broken.corp.test", "A"});
  EXPECT_EQ(1, ended.status);
  EXPECT_THAT(ended.out, HasSubstr("SERVFAIL"));
  EXPECT_THAT(ended.out, HasSubstr("extended error 22 (No Reachable Authority):"
                                   " at ?[31mdelegation"));
}

TEST_F(Resolve, ATimeOutAndAWrongPinAreToldInWords) {
  const Ended dropped = resolve({"drop.corp.test"});
  EXPECT_EQ(1, dropped.status);
  EXPECT_THAT(dropped.err, HasSubstr("no answer to the query within "));
  const Ended wrong = resolve({"www.corp.test", "--resolver", "wrong"});
  EXPECT_EQ(1, wrong.status);
  EXPECT_THAT(wrong.err,
              HasSubstr("no pin matches the server's key " +
                        server_->script().chain[0].key_pin() + "\n"));
}

TEST_F(Resolve, TheNextResolverIsAskedWhereTheFirstFails) {
  Zone zone = server_->zone();
  zone.names["backup.test"].a("192.0.2.9");
  server_->set_zone(zone);
  const Ended ended = resolve({"backup.test.", "A"});
  EXPECT_EQ(0, ended.status) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("resolver \"home\""));
  EXPECT_THAT(ended.err, HasSubstr("resolver \"wrong\""));
}

TEST_F(Resolve, WhatTheRulesLeaveToLibcIsSaidSo) {
  const Ended ended = resolve({"localhost.", "A"});
  EXPECT_THAT(ended.out, HasSubstr("resolver system: libc is asked"));
  EXPECT_EQ(0, server_->statistics().queries);
}

TEST_F(Resolve, SpecialNamesAreNeverSent) {
  const Ended ended = resolve({"x.onion.", "--resolver", "home"});
  EXPECT_EQ(1, ended.status);
  EXPECT_THAT(ended.out, HasSubstr(".onion names are never sent"));
  EXPECT_EQ(0, server_->statistics().queries);
}

TEST_F(Resolve, PrintsJson) {
  const Ended ended = resolve({"www.corp.test", "A", "--json"});
  const json out = json::parse(ended.out);
  EXPECT_EQ("dot", out["source"]);
  EXPECT_EQ("home", out["resolver"]);
  EXPECT_EQ("pin", out["connection"]["authenticated_by"]);
  EXPECT_EQ("192.0.2.1", out["results"][0]["records"][0]["data"]);
  EXPECT_GT(out["results"][0]["answer_ms"].get<double>(), 0);
  EXPECT_GT(out["results"][0]["octets"].get<int>(), 12);
  EXPECT_TRUE(out["results"][0]["padded"].is_boolean());
}

TEST_F(Resolve, BadArgumentsAreUsageErrors) {
  EXPECT_EQ(2, resolve({"www.corp.test", "FOO"}).status);
  EXPECT_EQ(2, resolve({"a..b"}).status);
  EXPECT_EQ(2, resolve({"www.corp.test", "--resolver", "nobody"}).status);
  EXPECT_EQ(2, resolve({}).status);
}

}  // namespace
}  // namespace happy::test
