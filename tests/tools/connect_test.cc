// happyctl connect, as its users meet it, on the loopback; names and dead
// addresses are in tests/e2e/direct_connect_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/lab/sockets.h"
#include "tests/lab/web_server.h"
#include "tests/tools/command.h"

namespace happy::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class Connect : public testing::Test {
 protected:
  Ended connect(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {HAPPY_HAPPYCTL, "connect"});
    return run(arguments, environment_);
  }

  std::vector<lab::Descriptor> listeners() const {
    std::vector<lab::Descriptor> out;
    out.push_back(
        lab::listen_on({*IpAddress::parse("127.0.0.1"), port_number_}));
    return out;
  }

  const uint16_t port_number_ = lab::likely_free_port();
  const std::string port_ = std::to_string(port_number_);
  lab::WebServer server_{listeners()};
  std::map<std::string, std::string> environment_{
      {"XDG_CONFIG_HOME", "/none"}, {"HAPPY_STATE", "off"}, {"COLUMNS", "80"}};
};

TEST_F(Connect, DrawsTheRace) {
  const Ended ended = connect({"127.0.0.1", port_});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(StartsWith("127.0.0.1  connected to 127.0.0.1 "
                                          "port " +
                                          port_ + " in "),
                               HasSubstr("\n  127.0.0.1 port " + port_ + "  "),
                               HasSubstr("#  won, ")));
}

TEST_F(Connect, DrawsInPlaceOnATerminal) {
  environment_["TERM"] = "xterm";
  const Ended ended = run_on_terminal(
      {HAPPY_HAPPYCTL, "connect", "127.0.0.1", port_}, environment_);
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, HasSubstr("won, "));
}

TEST_F(Connect, RacesPorts) {
  const std::string nobody = std::to_string(lab::likely_free_port());
  const Ended ended = connect({"127.0.0.1", nobody + "," + port_});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("port " + nobody + " "),
                    HasSubstr("connected to 127.0.0.1 port " + port_)));
}

TEST_F(Connect, IsANetcatThatRaces) {
  const Ended ended =
      run({"/bin/sh", "-c",
           "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | " HAPPY_HAPPYCTL
           " connect --stdio 127.0.0.1 " +
               port_},
          environment_);
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_EQ(ended.err, "");
}

TEST_F(Connect, CountsAndGivesPercentiles) {
  EXPECT_THAT(connect({"127.0.0.1", port_, "--count", "20"}).out,
              AllOf(StartsWith("20 of 20 connected\n"), HasSubstr("median")));
  const json figures =
      json::parse(connect({"127.0.0.1", port_, "--count", "5", "--json"}).out);
  EXPECT_EQ(figures["connections"], 5);
  EXPECT_EQ(figures["failed"], 0);
  EXPECT_LE(figures["p50_ms"], figures["p100_ms"]);
}

TEST_F(Connect, PrintsJson) {
  const json entries = json::parse(connect({"127.0.0.1", port_, "--json"}).out);
  ASSERT_EQ(entries.size(), 1);
  EXPECT_EQ(entries[0]["race"]["result"], "won");
}

TEST_F(Connect, SaysWhyThereIsNoConnection) {
  const std::string nobody = std::to_string(lab::likely_free_port());
  const Ended ended = connect({"127.0.0.1", nobody});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "happyctl connect: 127.0.0.1: Connection refused\n");
  EXPECT_EQ(connect({"127.0.0.1", nobody, "--count", "2"}).status, 1);
}

TEST_F(Connect, EndsWhenItsTimeHasPassed) {
  const uint16_t silent = lab::likely_free_port();
  const lab::Descriptor black_hole = lab::listen_on(
      {*IpAddress::parse("127.0.0.1"), silent}, lab::Listening::kBlackHole);
  for (const char* bound : {"--timeout-ms", "--attempt-ms"}) {
    const Ended ended =
        connect({"127.0.0.1", std::to_string(silent), bound, "200"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.err, "happyctl connect: 127.0.0.1: Connection timed out\n");
  }
}

TEST_F(Connect, SaysWhatIsWrongInOneLine) {
  EXPECT_EQ(connect({}).status, 2);
  EXPECT_EQ(connect({"127.0.0.1"}).status, 2);
  EXPECT_EQ(connect({"127.0.0.1", "no such"}).err,
            "happyctl connect: 127.0.0.1: no such service: no such\n");
  EXPECT_EQ(connect({"127.0.0.1", "no such"}).status, 2);
  EXPECT_EQ(connect({"127.0.0.1", "80,http"}).err,
            "happyctl connect: \"http\" is not a port number\n");
  EXPECT_EQ(connect({"127.0.0.1", "80,70000"}).status, 2);
  EXPECT_EQ(connect({"127.0.0.1", port_, "--stdio", "--count", "2"}).status, 2);
  EXPECT_EQ(connect({"127.0.0.1", port_, "-4", "-6"}).status, 2);
  const Ended ended = connect({"127.0.0.1", port_, "--policy", "/none"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.err, "/none: cannot be read: No such file or directory\n");
}

}  // namespace
}  // namespace happy::test
