// happyctl run, as its users meet it: what a program gets, what it leaves
// behind, and how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/tools/command.h"

namespace happy::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

using testing::StartsWith;

constexpr const char* kLibrary = HAPPY_BUILD_FOLDER "/libhappy.so";
constexpr const char* kGood =
    R"({ "version": 1, "rules": [ { "hosts": ["*.example"] } ] })";
constexpr const char* kBad = R"({ "version": 1, "rulse": [] })";

// A folder of its own as home and for temporary files.
class Run : public testing::Test {
 protected:
  Run() {
    std::string name = std::filesystem::temp_directory_path() / "run.XXXXXX";
    home_ = mkdtemp(name.data());
    std::filesystem::create_directory(home_ / "tmp");
    environment_ = {{"HOME", home_},
                    {"PATH", "/usr/bin:/bin"},
                    {"TMPDIR", home_ / "tmp"},
                    {"LC_ALL", "C"},
                    {"ASAN_OPTIONS", "detect_leaks=0"}};
    // A sanitizer's runtime has to be in the host before the library.
    const std::string runtime = HAPPY_SANITIZER_RUNTIME;
    if (!runtime.empty()) environment_["LD_PRELOAD"] = runtime;
  }
  ~Run() override { std::filesystem::remove_all(home_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(home_ / name) << text;
    return home_ / name;
  }
  std::string write_program(const std::string& name, const std::string& text) {
    const std::string path = write(name, text);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  static std::vector<std::string> line(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {HAPPY_HAPPYCTL, "run"});
    return arguments;
  }
  Ended happyctl(std::vector<std::string> arguments) {
    return run(line(std::move(arguments)), environment_);
  }
  // A shell that runs `script` under the library.
  Ended shell(const std::string& script) {
    return happyctl({"--", "sh", "-c", script});
  }
  std::string variable(const std::string& name, const Ended& ended) {
    std::istringstream lines(ended.out);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
    }
    return "unset";
  }

  // happyctl in the background, for tests that send it signals.
  pid_t start(const std::string& script) {
    auto words = line({"--quiet", "--", "sh", "-c", script});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t pid = fork();
    if (pid != 0) return pid;
    clearenv();
    for (const auto& [name, value] : environment_) {
      setenv(name.c_str(), value.c_str(), 1);
    }
    execv(argv[0], argv.data());
    _exit(99);
  }

  std::filesystem::path home_;
  std::map<std::string, std::string> environment_;
};

TEST_F(Run, TheLibraryIsAppendedToLdPreload) {
  environment_["LD_PRELOAD"] += " libm.so.6";
  const std::string before = environment_["LD_PRELOAD"];
  const Ended ended = happyctl({"--", "env"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(variable("LD_PRELOAD", ended), before + " " + kLibrary);
}

TEST_F(Run, ALibraryThatIsThereIsNotAddedAgain) {
  std::string& preload = environment_["LD_PRELOAD"];
  preload += preload.empty() ? kLibrary : std::string(" ") + kLibrary;
  EXPECT_EQ(variable("LD_PRELOAD", happyctl({"env"})), preload);
}

TEST_F(Run, TheProgramKeepsItsEnvironment) {
  environment_["SOME_THING"] = "a b=c";
  EXPECT_EQ(variable("SOME_THING", happyctl({"env"})), "a b=c");
}

TEST_F(Run, PolicyTraceAndLogReachTheProgramAsAbsolutePaths) {
  write("p.json", kGood);
  const std::string script = std::string("cd '") + home_.string() + "' && '" +
                             HAPPY_HAPPYCTL +
                             "' run --policy p.json --trace t "
                             "--log warn:l -- env";
  const Ended ended = run({"/bin/sh", "-c", script}, environment_);
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(variable("HAPPY_POLICY", ended), home_ / "p.json");
  EXPECT_EQ(variable("HAPPY_TRACE", ended), home_ / "t");
  EXPECT_EQ(variable("HAPPY_LOG", ended), "warn:" + (home_ / "l").string());
}

TEST_F(Run, ErrorsAreLoggedUnlessTheEnvironmentSaysOtherwise) {
  EXPECT_EQ(variable("HAPPY_LOG", happyctl({"env"})), "error");
  environment_["HAPPY_LOG"] = "debug";
  EXPECT_EQ(variable("HAPPY_LOG", happyctl({"env"})), "debug");
  EXPECT_EQ(variable("HAPPY_LOG", happyctl({"--log", "off", "env"})), "off");
}

TEST_F(Run, TheStatusSurvivesAClosedStandardError) {
  const std::string command =
      std::string("'") + HAPPY_HAPPYCTL + "' run -- sh -c 'sleep 0.1; exit 5'";
  const Ended closed =
      run({"/bin/sh", "-c", command + " 2>&-; echo $?"}, environment_);
  EXPECT_EQ(closed.out, "5\n");
  const std::string file = home_ / "status";
  run({"/bin/sh", "-c",
       "{ " + command + "; echo $? > " + file + "; } 2>&1 | :"},
      environment_);
  std::string status;
  EXPECT_TRUE(std::getline(std::ifstream(file), status));
  EXPECT_EQ(status, "5");
  EXPECT_TRUE(std::filesystem::is_empty(home_ / "tmp"));
}

TEST_F(Run, AnUnknownLogLevelIsAUsageError) {
  const Ended ended = happyctl({"--log", "loud", "--", "true"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.err, HasSubstr("\"loud\" is not LEVEL"));
}

TEST_F(Run, WordsReachTheProgramUntouched) {
  const Ended ended = happyctl({"--quiet", "--", "printf", "<%s>", "-v", "--",
                                "[a,b]", "", "--require", "%%"});
  EXPECT_EQ(ended.out, "<-v><--><[a,b]><><--require><%%>");
}

TEST_F(Run, OptionsAfterTheProgramAreItsOwn) {
  const Ended ended = happyctl({"--quiet", "printf", "%s.", "--quiet", "-h"});
  EXPECT_EQ(ended.out, "--quiet.-h.");
}

TEST_F(Run, TheStatusIsThePrograms) {
  EXPECT_EQ(shell("exit 0").status, 0);
  EXPECT_EQ(shell("exit 3").status, 3);
  EXPECT_EQ(shell("exit 255").status, 255);
}

TEST_F(Run, ASignalThatEndsTheProgramEndsTheCommand) {
  EXPECT_EQ(shell("kill -TERM $$").status, 128 + SIGTERM);
  EXPECT_EQ(shell("kill -KILL $$").status, 128 + SIGKILL);
}

TEST_F(Run, ASignalSentToTheCommandReachesTheProgram) {
  const std::string script =
      "trap 'exit 7' TERM; kill -TERM $PPID; while :; do sleep 0.02; done";
  EXPECT_EQ(shell(script).status, 7);
}

TEST_F(Run, AnIgnoredSignalStaysIgnored) {
  const std::string script =
      std::string("trap '' HUP; exec '") + HAPPY_HAPPYCTL +
      "' run -- sh -c 'kill -HUP $PPID; sleep 0.1; kill -HUP $$; exit 4'";
  EXPECT_EQ(run({"/bin/sh", "-c", script}, environment_).status, 4);
}

TEST_F(Run, AProgramThatStopsStopsTheCommand) {
  const pid_t pid = start("kill -STOP $$; exit 6");
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, WUNTRACED), pid);
  ASSERT_TRUE(WIFSTOPPED(status));
  kill(pid, SIGCONT);
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 6);
}

// A terminal sends it to both; passed on, the program would get it twice.
TEST_F(Run, AnInterruptFromTheTerminalArrivesOnce) {
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (pid == 0) {
    const pid_t child = start(
        "n=0; trap 'n=$((n+1))' INT; echo ready; sleep 0.2; sleep 0.2; "
        "echo n=$n");
    signal(SIGINT, SIG_IGN);
    int status = 0;
    waitpid(child, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  std::string out;
  char byte;
  while (read(terminal, &byte, 1) == 1) {
    out += byte;
    if (out.ends_with("ready")) {
      ASSERT_EQ(::write(terminal, "\x03", 1), 1);
    }
  }
  close(terminal);
  waitpid(pid, nullptr, 0);
  EXPECT_THAT(out, HasSubstr("n=1"));
}

TEST_F(Run, AProgramThatIsNotFoundGets127) {
  const Ended ended = happyctl({"--", "no-such-program"});
  EXPECT_EQ(ended.status, 127);
  EXPECT_EQ(ended.err, "happyctl run: no-such-program: not found\n");
}

TEST_F(Run, AProgramThatCannotBeRunGets126) {
  const std::string file = write("data",
                                 "\x7f"
                                 "ELF");
  EXPECT_EQ(happyctl({"--", file}).status, 126);  // not executable
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  EXPECT_EQ(happyctl({"--", file}).status, 126);  // not a program
  EXPECT_EQ(happyctl({"--", "/etc"}).status, 126);
}

TEST_F(Run, NoProgramIsAUsageError) {
  EXPECT_EQ(happyctl({}).status, 2);
  EXPECT_EQ(happyctl({"--"}).status, 2);
  EXPECT_EQ(happyctl({"--bogus", "--", "true"}).status, 2);
}

TEST_F(Run, ABadPolicyIsShownAsCheckShowsItAndNothingRuns) {
  const std::string file = write("bad.json", kBad);
  const Ended ended = happyctl({"--policy", file, "--", "echo", "ran"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, run({HAPPY_HAPPYCTL, "check", file}, environment_).err);
  EXPECT_THAT(ended.err, StartsWith(file + ":1:17: "));
}

// It must not come to mean "no policy".
TEST_F(Run, APolicyWithoutANameIsAnError) {
  const Ended ended = happyctl({"--policy", "", "--", "echo", "ran"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.out, "");
}

TEST_F(Run, ABadPolicyOfTheEnvironmentIsShownToo) {
  environment_["HAPPY_POLICY"] = write("bad.json", kBad);
  EXPECT_EQ(happyctl({"--", "true"}).status, 2);
}

TEST_F(Run, AStaticProgramIsToldApartAndRun) {
  const Ended ended = happyctl({"--", HAPPY_STATIC_PROGRAM});
  EXPECT_EQ(ended.status, 5);
  EXPECT_EQ(ended.err, std::string("happyctl run: ") + HAPPY_STATIC_PROGRAM +
                           " cannot be intercepted: statically linked\n");
}

TEST_F(Run, RequireRefusesAStaticProgram) {
  const Ended ended = happyctl({"--require", "--", HAPPY_STATIC_PROGRAM});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, EndsWith("statically linked\n"));
}

TEST_F(Run, RequireRunsWhatCanBeIntercepted) {
  EXPECT_EQ(happyctl({"--require", "--", "sh", "-c", "exit 9"}).status, 9);
}

TEST_F(Run, AScriptIsAsStaticAsItsInterpreter) {
  const std::string script =
      write_program("script", std::string("#!") + HAPPY_STATIC_PROGRAM + "\n");
  const Ended ended = happyctl({"--require", "--", script});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("statically linked ("));
  const std::string good = write_program("good", "#! /bin/sh -e\nexit 8\n");
  EXPECT_EQ(happyctl({"--require", "--", good}).status, 8);
}

TEST_F(Run, AScriptByEnvIsItsProgram) {
  std::filesystem::create_symlink(HAPPY_STATIC_PROGRAM, home_ / "frozen");
  environment_["PATH"] += ":" + home_.string();
  const std::string script = write_program("script", "#!/usr/bin/env frozen\n");
  EXPECT_EQ(happyctl({"--require", "--", script}).status, 1);
}

TEST_F(Run, AScriptWithoutAFirstLineIsTheShells) {
  const std::string script = write_program("plain", "exit 11\n");
  EXPECT_EQ(happyctl({"--", script}).status, 11);
}

TEST_F(Run, AProgramOfAnotherArchitectureIsToldApart) {
  std::string header =
      "\x7f"
      "ELF\x01\x01\x01";  // 32-bit, little-endian
  header.resize(52);
  header[16] = 2, header[18] = 3;  // ET_EXEC, EM_386
  const std::string file = write_program("old", header);
  const Ended ended = happyctl({"--require", "--", file});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, EndsWith("not a 64-bit program\n"));
}

TEST_F(Run, AProgramThatGainsPrivilegeIsToldApart) {
  if (getuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  const std::filesystem::path file = home_ / "tool";
  std::filesystem::copy_file("/bin/true", file);
  ASSERT_EQ(chown(file.c_str(), 65534, 65534), 0);
  std::filesystem::permissions(file, std::filesystem::perms(04755));
  const Ended ended = happyctl({"--require", "--", file});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, EndsWith("it is set-user-ID\n"));
}

TEST_F(Run, TheEndIsSummedUpInOneLine) {
  const Ended ended = shell("true");
  EXPECT_EQ(ended.err, "happyctl run: no connection was raced\n");
  EXPECT_TRUE(std::filesystem::is_empty(home_ / "tmp"));
}

// Lines as the library writes them, of a race that `address` wins or loses.
std::string race_lines(int number, const std::string& address,
                       const std::string& result) {
  const std::string head = R"({"t_us":1000,"pid":1,"race":)" +
                           std::to_string(number) + R"(,"event":")";
  return head + "race_start\",\"name\":\"a\"}\n" + head +
         R"(attempt_start","attempt":1,"port":80,"address":")" + address +
         "\"}\n" + head + R"(race_end","winner":1,"result":")" + result +
         "\"}\n";
}

std::string look_up_lines(const std::string& result) {
  const std::string head = R"({"t_us":1000,"pid":1,"name":"a","event":")";
  return head + "resolve_start\"}\n" + head + R"(resolve_end","result":")" +
         result + "\"}\n";
}

TEST_F(Run, TheSummaryCountsWhatThisRunAddedToATrace) {
  const std::string trace = write("trace", race_lines(1, "::1", "won"));
  const Ended ended = happyctl(
      {"--trace", trace, "--", "sh", "-c",
       "cat >> $HAPPY_TRACE <<'E'\n" + look_up_lines("ok") +
           look_up_lines("EAI_AGAIN") +
           race_lines(2, "::ffff:192.0.2.1", "won") +
           race_lines(3, "2001:db8::1", "won") +
           race_lines(4, "192.0.2.1", "timed out") + "not a trace\nE"});
  EXPECT_EQ(ended.err,
            "happyctl run: 1 name resolved, 1 not; 3 races: 1 won by IPv6, 1 "
            "won by IPv4, 1 failed\n");
  EXPECT_TRUE(std::filesystem::exists(trace));
}

TEST_F(Run, QuietSaysNothingAndTracesNothing) {
  const Ended ended = happyctl({"--quiet", "--", "env"});
  EXPECT_EQ(ended.err, "");
  EXPECT_EQ(variable("HAPPY_TRACE", ended), "unset");
}

}  // namespace
}  // namespace happy::test
