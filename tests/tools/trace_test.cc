// happyctl trace, as its users meet it: what it draws of a trace, of any size
// and however broken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/tools/command.h"

namespace happy::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string event(int ms, const std::string& kind, json fields, int pid = 1) {
  fields.update({{"t_us", (1000 + ms) * 1000},
                 {"pid", pid},
                 {"tid", pid},
                 {"event", kind}});
  return fields.dump() + "\n";
}

std::string attempt(int ms, int number, const std::string& address) {
  return event(
      ms, "attempt_start",
      {{"race", 1}, {"attempt", number}, {"address", address}, {"port", 443}});
}

std::string race(int ms, const std::string& name) {
  return event(ms, "race_start",
               {{"race", 1}, {"name", name}, {"candidates", json::array()}});
}

std::string won(int ms, int winner) {
  return event(ms, "race_end",
               {{"race", 1}, {"result", "won"}, {"winner", winner}});
}

std::string failed(int ms, int number, const std::string& error) {
  return event(ms, "attempt_failed",
               {{"race", 1}, {"attempt", number}, {"errno", error}});
}

// A look-up of 40 ms, an address that does not answer, one that refuses, and
// one that wins.
std::string a_race() {
  return event(100, "resolve_start", {{"name", "www.example"}}) +
         event(139, "answer",
               {{"name", "www.example"},
                {"type", "A"},
                {"addresses", {"192.0.2.1", "192.0.2.2", "192.0.2.3"}},
                {"resolver", "quad"},
                {"source", "dot"}}) +
         event(140, "resolve_end",
               {{"name", "www.example"}, {"result", "ok"}}) +
         race(140, "www.example") + attempt(140, 1, "192.0.2.1") +
         attempt(200, 2, "192.0.2.2") + failed(220, 2, "ECONNREFUSED") +
         attempt(220, 3, "192.0.2.3") + won(240, 3);
}

class Trace : public testing::Test {
 protected:
  Trace() {
    std::string name = std::filesystem::temp_directory_path() / "trace.XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~Trace() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    std::ofstream(folder_ / "t.json", std::ios::binary) << text;
    return folder_ / "t.json";
  }
  Ended trace(std::vector<std::string> arguments,
              const std::map<std::string, std::string>& more = {}) {
    arguments.insert(arguments.begin(), {HAPPY_HAPPYCTL, "trace"});
    std::map<std::string, std::string> environment{{"COLUMNS", "80"}};
    for (const auto& [name, value] : more) environment[name] = value;
    return run(arguments, environment);
  }
  std::string read(const std::string& name) {
    std::ostringstream out;
    out << std::ifstream(folder_ / name).rdbuf();
    return out.str();
  }

  std::filesystem::path folder_;
};

TEST_F(Trace, DrawsLookUpAttemptsAndWinner) {
  const Ended ended = trace({write(a_race())});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out, R"(www.example  looked up in 40.0 ms; )"
                       R"(connected to 192.0.2.3 port 443 in 100 ms
  look-up (quad, dot)  ------------                                 3 addresses
  192.0.2.1 port 443               ...............................  no answer
  192.0.2.2 port 443                                  xxxxxx        ECONNREFUSED
  192.0.2.3 port 443                                        ######  won, 20.0 ms
                       0                                    140 ms
  saved at least 40.0 ms; a plain connect() would still be waiting for 192.0.2.1

1 name resolved; 1 race: 1 won by IPv4; saved at least 40.0 ms; )"
                       R"(1 plain connect would still be waiting
)");
}

TEST_F(Trace, TheTimeSavedIsExactWhereEachAddressHadItsAnswer) {
  const std::string text = race(0, "a") + attempt(10, 1, "192.0.2.1") +
                           attempt(30, 2, "192.0.2.2") +
                           failed(110, 1, "EHOSTUNREACH") + won(120, 2);
  const Ended ended = trace({write(text)});
  // 100 ms for the first and 90 for the second, in place of 110.
  EXPECT_THAT(ended.out, HasSubstr("\n  saved 80.0 ms\n"));
}

TEST_F(Trace, DrawsByTheTerminal) {
  const std::string file = write(a_race());
  const std::map<std::string, std::string> utf8{{"LC_ALL", "C.UTF-8"}};
  EXPECT_THAT(trace({file}, utf8).out, HasSubstr("░░░"));
  EXPECT_THAT(trace({file, "--ascii"}, utf8).out, Not(HasSubstr("░")));
  std::istringstream lines(trace({file}, {{"COLUMNS", "60"}}).out);
  std::string line;
  std::getline(lines, line);  // the title is as long as it is
  for (int i = 0; i < 5; ++i) {
    std::getline(lines, line);
    EXPECT_LE(line.size(), 60) << line;
  }
}

TEST_F(Trace, ColoursATerminalUnlessToldNotTo) {
  const std::vector<std::string> words{HAPPY_HAPPYCTL, "trace",
                                       write(a_race())};
  EXPECT_THAT(run_on_terminal(words, {{"TERM", "xterm"}}).out,
              HasSubstr("\x1b[32m"));
  EXPECT_THAT(
      run_on_terminal(words, {{"TERM", "xterm"}, {"NO_COLOR", "1"}}).out,
      Not(HasSubstr("\x1b")));
}

TEST_F(Trace, KeepsProcessesApartAndShowsWhatIsUnfinished) {
  const std::string text =
      race(0, "one.example") + attempt(0, 1, "192.0.2.1") +
      event(5, "race_start",
            {{"race", 1}, {"name", "two.example"}, {"candidates", {}}}, 2) +
      event(9, "resolve_start", {{"name", "three.example"}}, 3) + won(10, 1) +
      "{\"t_us\": 12000, \"event\": \"race_e";
  const Ended ended = trace({write(text)});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(StartsWith("one.example  connected to 192.0.2.1"),
                    HasSubstr("two.example  under way for 5.0 ms"),
                    HasSubstr("three.example  looked up"),
                    HasSubstr("1 race: 1 won by IPv4")));
}

TEST_F(Trace, ShowsWhatWasNotRacedAndNotResolved) {
  const std::string text =
      event(1, "passed",
            {{"address", "192.0.2.9"}, {"port", 80}, {"why", "not TCP"}}) +
      event(2, "resolve_start", {{"name", "nobody.example"}}) +
      event(4, "resolve_end",
            {{"name", "nobody.example"}, {"result", "EAI_NONAME"}});
  EXPECT_THAT(
      trace({write(text)}).out,
      AllOf(HasSubstr("192.0.2.9 port 80  left to libc: not TCP\n"),
            HasSubstr("nobody.example  not resolved (EAI_NONAME), after 2.0 "
                      "ms\n"),
            EndsWith("1 name not resolved; no connection was raced\n")));
}

TEST_F(Trace, PrintsJson) {
  const json all = json::parse(trace({write(a_race()), "--json"}).out);
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all[0]["look_up"]["answers"][0]["resolver"], "quad");
  EXPECT_EQ(all[0]["race"]["attempts"].size(), 3);
  EXPECT_EQ(all[0]["race"]["saved_at_least_us"], 40000);
  EXPECT_EQ(json::parse(trace({write(""), "--json"}).out), json::array());
}

// Names come from whoever the program talks to.
TEST_F(Trace, HostileTextsStayTexts) {
  const std::string file =
      write(race(0, "x") + attempt(0, 1, "192.0.2.1") + won(5, 1));
  std::string text = read("t.json");
  text.replace(text.find("\"x\""), 3,
               "\"<script>\\u001b[2J</script>&\\\"\\u009b2J\"");
  write(text);
  EXPECT_THAT(trace({file}).out,
              AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xc2\x9b"))));
  EXPECT_EQ(
      trace({file, "--svg", folder_ / "o.svg", "--html", folder_ / "o.html"})
          .status,
      0);
  const std::string picture = read("o.svg"), page = read("o.html");
  EXPECT_THAT(picture, AllOf(HasSubstr("&lt;script&gt;?[2J&lt;/script&gt;&amp;"
                                       "&quot;"),
                             Not(HasSubstr("<script"))));
  EXPECT_THAT(page, Not(HasSubstr("<script>\\u001b")));
  EXPECT_EQ(page.find("</script>"), page.rfind("</script>"));
}

TEST_F(Trace, HostileNumbersAreNumbers) {
  const std::string huge = "9223372036854775807";
  std::string text = race(0, "x") + attempt(0, 1, "192.0.2.1") + won(5, 1);
  const std::string end = "\"t_us\":1005000";
  ASSERT_NE(text.find(end), std::string::npos);
  text.replace(text.find(end), end.size(), "\"t_us\":" + huge);
  EXPECT_EQ(trace({write(text)}).status, 0);
  const std::string begin = "\"t_us\":1000000";
  text.replace(text.find(begin), begin.size(), "\"t_us\":-" + huge);
  EXPECT_EQ(trace({write(text)}).status, 0);
}

TEST_F(Trace, PicturesAreReadableInLightAndDark) {
  const std::string file = write(a_race());
  EXPECT_EQ(trace({file, "--svg", folder_ / "o.svg"}).out, "");
  EXPECT_THAT(read("o.svg"),
              AllOf(StartsWith("<svg xmlns="), EndsWith("</svg>\n"),
                    HasSubstr("prefers-color-scheme: dark"),
                    HasSubstr("192.0.2.3 port 443: 120 ms to 140 ms, won")));
}

TEST_F(Trace, ReadsStandardInput) {
  const std::string file = write(a_race());
  const Ended ended =
      run({"/bin/sh", "-c", std::string(HAPPY_HAPPYCTL) + " trace - < " + file},
          {});
  EXPECT_THAT(ended.out, HasSubstr("won, 20.0 ms"));
}

TEST_F(Trace, SaysWhatIsWrongInOneLine) {
  EXPECT_EQ(trace({}).status, 2);
  EXPECT_EQ(trace({"/nonexistent"}).err,
            "happyctl trace: /nonexistent: No such file or directory\n");
  EXPECT_EQ(trace({folder_}).err,
            "happyctl trace: " + folder_.string() + ": Is a directory\n");
  const std::string binary(70000, '\x80');
  const Ended ended = trace({write(binary + "\n" + binary)});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "happyctl trace: " + (folder_ / "t.json").string() +
                           ": no trace: none of its 2 lines is an event\n");
  EXPECT_EQ(trace({write(a_race()), "--svg", "/nonexistent/o.svg"}).err,
            "happyctl trace: /nonexistent/o.svg: No such file or directory\n");
}

TEST_F(Trace, AnEmptyTraceIsOfAProgramThatDidNothing) {
  const Ended ended = trace({write("")});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out, "no connection was raced\n");
}

}  // namespace
}  // namespace happy::test
