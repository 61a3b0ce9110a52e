// happyctl check, as its users meet it: the built program, its exit statuses
// and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/tools/command.h"

namespace happy::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kGood = R"({ "version": 1,
  "resolvers": { "own": { "addresses": ["192.0.2.1"], "auth_name": "a.b" } },
  "rules": [ { "hosts": ["plain.example"] },
    { "hosts": ["x.example", "*.example"], "resolvers": ["own"],
      "timeouts": { "attempt_ms": 700 } } ] })";

constexpr const char* kBad = R"({ "version": 1,
  "rulse": [],
  "rules": [ { "hosts": ["*"], "race": { "attempt_delay_ms": 5 } } ] })";

// A folder of its own as home, in which there is no policy at first.
class Check : public testing::Test {
 protected:
  Check() {
    std::string name = std::filesystem::temp_directory_path() / "check.XXXXXX";
    home_ = mkdtemp(name.data());
    environment_ = {{"HOME", home_}};
  }
  ~Check() override { std::filesystem::remove_all(home_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = home_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }

  Ended check(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {HAPPY_HAPPYCTL, "check"});
    return run(arguments, environment_);
  }

  std::filesystem::path home_;
  std::map<std::string, std::string> environment_;
};

TEST_F(Check, AGoodPolicyGetsOneLine) {
  const std::string file = write("p.json", kGood);
  const Ended ended = check({file});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out, file + ": good; 1 resolver, 2 rules\n");
  EXPECT_EQ(ended.err, "");
}

TEST_F(Check, EveryFaultIsShownWhereItIs) {
  const std::string file = write("p.json", kBad);
  const Ended ended = check({file});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(
      ended.err,
      file + ":2:3: rulse: unknown key \"rulse\"; did you mean \"rules\"?\n" +
          "    2 |   \"rulse\": [],\n"
          "      |   ^~~~~~~\n" +
          file +
          ":3:62: rules[0].race.attempt_delay_ms: must be between 10 and "
          "2000, not 5\n"
          "    3 | ... \"rules\": [ { \"hosts\": [\"*\"], \"race\": { "
          "\"attempt_delay_ms\": 5 } } ] }\n"
          "      |                                                        "
          "        ^\n");
}

struct Place {
  const char* text;
  const char* shown;  // below the line with the message
};

// Tabs, characters of several octets, a byte order mark and the end of the text
// do not move the mark.
TEST_F(Check, TheMarkIsUnderThePlace) {
  const Place places[] = {
      {"{ \"version\": 1,\r\n\t\"rulse\": [] }",
       "    2 |  \"rulse\": [] }\n      |  ^~~~~~~\n"},
      {"\xEF\xBB\xBF{ \"version\": 2 }",
       "    1 | { \"version\": 2 }\n      |              ^\n"},
      {"{ /* ü€ */ \"version\": -12 }",
       "    1 | { /* ü€ */ \"version\": -12 }\n"
       "      |                       ^~~\n"},
      {"{ \"version\": 1,\n", "    2 | \n      | ^\n"},
      {"", "    1 | \n      | ^\n"},
  };
  for (const Place& place : places) {
    const Ended ended = check({write("p.json", place.text)});
    EXPECT_EQ(ended.err.substr(ended.err.find('\n') + 1), place.shown)
        << ended.err;
  }
}

// However long the line and whatever is in it.
TEST_F(Check, ALongLineIsCutAroundThePlace) {
  std::string hosts;
  for (int i = 0; i < 9000; ++i) hosts += "\"xn--\xC3\xBC\", ";
  const Ended ended = check(
      {write("p.json", R"({"version": 1, "rules": [{"hosts": [)" + hosts)});
  ASSERT_EQ(ended.status, 2);
  const std::string first = ended.err.substr(ended.err.find('\n') + 1);
  EXPECT_LT(first.find('\n'), 130u) << first.substr(0, 400);
  EXPECT_THAT(ended.err, Not(HasSubstr("\xBC...\xBC")));
}

TEST_F(Check, FaultsAsJson) {
  const std::string file = write("p.json", kBad);
  const Ended ended = check({file, "--json"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.err, "");
  const json out = json::parse(ended.out);
  EXPECT_EQ(out["file"], file);
  EXPECT_EQ(out["good"], false);
  ASSERT_EQ(out["errors"].size(), 2u);
  EXPECT_EQ(out["errors"][1],
            json({{"line", 3},
                  {"column", 62},
                  {"key", "rules[0].race.attempt_delay_ms"},
                  {"message", "must be between 10 and 2000, not 5"}}));
}

TEST_F(Check, AMissingFileIsAPolicyError) {
  const Ended ended = check({"/nowhere/p.json"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.err,
            "/nowhere/p.json: cannot be read: No such file or directory\n");
}

TEST_F(Check, AMissingFileAsJson) {
  const Ended ended = check({"/nowhere/p.json", "--json"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(json::parse(ended.out)["errors"][0]["message"],
            "/nowhere/p.json: cannot be read: No such file or directory");
}

TEST_F(Check, AHostGetsItsRuleAndSettings) {
  const std::string file = write("p.json", kGood);
  const Ended ended = check({file, "--host", "WWW.Example."});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, HasSubstr("\nwww.example: rules[1], by "
                                   "\"*.example\"\n"));
  EXPECT_THAT(ended.out, HasSubstr("own (TLS, 192.0.2.1:853, name a.b)\n"));
  EXPECT_THAT(ended.out, HasSubstr("profile                   strict"));
  EXPECT_THAT(ended.out, HasSubstr("timeouts.attempt_ms       700\n"));
  EXPECT_THAT(ended.out, HasSubstr("connect_ms       none (the kernel's)\n"));
}

TEST_F(Check, WhyAHostHasItsRuleIsTold) {
  const std::string file = write("p.json", R"({ "version": 1, "rules": [
      { "hosts": ["a", "b", "c", "d", "e"] }, { "hosts": ["*.x.example"] },
      { "hosts": ["x.example"] }, { "hosts": ["*"] } ] })");
  const Ended ended = check({file, "--host", "x.example"});
  EXPECT_THAT(
      ended.out,
      HasSubstr("why rules[2]: the first that names a host is its rule\n"
                "  rules[0] does not name it: \"a\", \"b\", \"c\" and "
                "2 more\n"
                "  rules[1] does not name it: \"*.x.example\" is what "
                "is below x.example\n"
                "  rules[2] is the first that names it, by "
                "\"x.example\"\n"
                "  rules[3] names it too, by \"*\", but comes later\n"));
  const json rules = json::parse(
      check({file, "--host", "x.example", "--json"}).out)["host"]["rules"];
  ASSERT_EQ(rules.size(), 4u);
  EXPECT_EQ(rules[1]["pattern"], nullptr);
  EXPECT_EQ(rules[2]["wins"], true);
  EXPECT_EQ(rules[3]["wins"], false);
}

TEST_F(Check, AHostAsJson) {
  const std::string file = write("p.json", kGood);
  const Ended ended = check({file, "--host", "x.example", "--json"});
  EXPECT_EQ(ended.status, 0);
  const json host = json::parse(ended.out)["host"];
  EXPECT_EQ(host["rule"], 1);
  EXPECT_EQ(host["pattern"], "x.example");
  EXPECT_EQ(host["settings"]["resolvers"], json({"own"}));
  EXPECT_EQ(host["settings"]["profile"], "strict");
  EXPECT_EQ(host["settings"]["race"]["attempt_delay_ms"], 250);
  EXPECT_EQ(host["settings"]["timeouts"]["attempt_ms"], 700);
  EXPECT_EQ(host["settings"]["timeouts"]["connect_ms"], nullptr);
}

TEST_F(Check, AHostWithoutARuleIsLibcs) {
  const std::string file = write("p.json", kGood);
  const Ended text = check({file, "--host", "elsewhere.test"});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out, HasSubstr("\nelsewhere.test: no rule names it"));
  const Ended in_json = check({file, "--host", "elsewhere.test", "--json"});
  EXPECT_EQ(json::parse(in_json.out)["host"]["rule"], nullptr);
}

TEST_F(Check, AHostThatIsNoNameIsAUsageError) {
  const Ended ended = check({write("p.json", kGood), "--host", "192.0.2.1"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("\"192.0.2.1\" is an address"));
}

TEST_F(Check, TheEnvironmentsPolicyComesFirst) {
  write(".config/libhappy/policy.json", kGood);
  environment_["HAPPY_POLICY"] = write("named.json", kBad);
  const Ended ended = check({});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, StartsWith(environment_["HAPPY_POLICY"] + ":2:3: "));
}

TEST_F(Check, AMissingPolicyOfTheEnvironmentIsNeverPassedOver) {
  write(".config/libhappy/policy.json", kGood);
  environment_["HAPPY_POLICY"] = "/nowhere/p.json";
  EXPECT_EQ(check({}).status, 2);
}

TEST_F(Check, AnEmptyVariableNamesNoPolicy) {
  write(".config/libhappy/policy.json", kGood);
  environment_["HAPPY_POLICY"] = "";
  EXPECT_EQ(json::parse(check({"--json"}).out)["source"], "user");
}

// A program could be made to wait for a pipe; the library would not.
TEST_F(Check, APipeIsNoPolicyOfTheEnvironment) {
  environment_["HAPPY_POLICY"] = home_ / "pipe";
  ASSERT_EQ(mkfifo(environment_["HAPPY_POLICY"].c_str(), 0600), 0);
  EXPECT_EQ(check({}).status, 2);
}

TEST_F(Check, TheUsersPolicyIsFoundInItsFolder) {
  const std::string file = write(".config/libhappy/policy.json", kGood);
  const json out = json::parse(check({"--json"}).out);
  EXPECT_EQ(out["file"], file);
  EXPECT_EQ(out["source"], "user");
  EXPECT_EQ(out["rules"], 2);
}

TEST_F(Check, TheXdgFolderStandsInForConfig) {
  write(".config/libhappy/policy.json", kBad);
  const std::string file = write("xdg/libhappy/policy.json", kGood);
  environment_["XDG_CONFIG_HOME"] = home_ / "xdg";
  EXPECT_EQ(json::parse(check({"--json"}).out)["file"], file);
}

TEST_F(Check, ARelativeXdgFolderIsIgnored) {
  const std::string file = write(".config/libhappy/policy.json", kGood);
  environment_["XDG_CONFIG_HOME"] = "xdg";
  EXPECT_EQ(json::parse(check({"--json"}).out)["file"], file);
}

TEST_F(Check, AUsersPolicyThatCannotBeReadIsNotPassedOver) {
  std::filesystem::create_directories(home_ / ".config/libhappy/policy.json");
  EXPECT_EQ(check({}).status, 2);
}

TEST_F(Check, WithoutAFileTheEmbeddedDefaultApplies) {
  if (access("/etc/libhappy/policy.json", F_OK) == 0) {
    GTEST_SKIP() << "this machine has a policy in /etc";
  }
  const Ended ended = check({"--host", "any.example"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, StartsWith("no policy file; the embedded default"));
  EXPECT_THAT(ended.out, HasSubstr("any.example: rules[0], by \"*\""));
  const json out = json::parse(check({"--json"}).out);
  EXPECT_EQ(out["file"], nullptr);
  EXPECT_EQ(out["source"], "embedded");
}

TEST_F(Check, OutputThatIsNoTerminalHasNoColour) {
  environment_["TERM"] = "xterm-256color";
  EXPECT_EQ(check({write("p.json", kGood)}).out.find('\x1b'),
            std::string::npos);
  EXPECT_EQ(check({write("p.json", kBad)}).err.find('\x1b'), std::string::npos);
}

TEST_F(Check, ATerminalHasColourUnlessToldOtherwise) {
  const std::vector<std::string> arguments = {HAPPY_HAPPYCTL, "check",
                                              write("p.json", kGood)};
  const std::string line = arguments[2] + ": good; 1 resolver, 2 rules\r\n";
  environment_["TERM"] = "xterm";
  const Ended coloured = run_on_terminal(arguments, environment_);
  EXPECT_THAT(coloured.out, HasSubstr("\x1b["));
  EXPECT_EQ(coloured.status, 0);
  environment_["NO_COLOR"] = "1";
  EXPECT_EQ(run_on_terminal(arguments, environment_).out, line);
  environment_.erase("NO_COLOR");
  environment_["TERM"] = "dumb";
  EXPECT_EQ(run_on_terminal(arguments, environment_).out, line);
}

TEST_F(Check, UnknownOptionsAreUsageErrors) {
  EXPECT_EQ(check({"--unknown"}).status, 2);
  EXPECT_EQ(check({"a.json", "b.json"}).status, 2);
  EXPECT_EQ(run({HAPPY_HAPPYCTL}, environment_).status, 2);
  EXPECT_EQ(run({HAPPY_HAPPYCTL, "chekc"}, environment_).status, 2);
}

TEST_F(Check, HelpIsGood) {
  const Ended ended = check({"--help"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, HasSubstr("--host"));
}

}  // namespace
}  // namespace happy::test
