// Every verb, given what it cannot use: one clear line on standard error, the
// right status, and never a hang or a signal. A new verb is some rows here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/tools/command.h"

namespace happy::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The line after "happyctl", as a shell takes it, in a folder that has:
//   good.json, bad.json   policies      binary   200 KiB of anything
//   huge                  a hole, 1 GiB  folder/  locked (mode 0)
struct Case {
  const char* line;
  int status;
  const char* says;  // part of the one line
};

const Case kCases[] = {
    // Nothing, or nothing that is known.
    {"", 2, "see happyctl --help"},
    {"frobnicate", 2, "there is no verb \"frobnicate\""},
    {"check --frobnicate", 2, "not expected: --frobnicate"},
    {"connect", 2, "is required"},
    {"doctor --frobnicate", 2, "not expected: --frobnicate"},
    {"pin", 2, "is required"},
    {"resolve", 2, "is required"},
    {"run", 2, "is required"},
    {"state frobnicate", 2, "not expected: frobnicate"},
    {"trace", 2, "is required"},
    // Hosts and places that are not there.
    {"check good.json --host a..b", 2, "--host: "},
    {"connect nothing.invalid 1", 1, "connect: nothing.invalid: "},
    {"connect 127.0.0.1 frobnicate", 2, "no such service: frobnicate"},
    {"doctor frobnicate", 1, "frobnicate: not found"},
    {"pin nothing.invalid", 2, "\"nothing.invalid\" is not an address"},
    {"pin 127.0.0.1:1", 1, "the connection was refused"},
    {"resolve nothing.invalid", 1, "nothing.invalid: "},
    {"resolve a..b", 2, "\"a..b\" is not a domain name"},
    {"resolve a.test FROB", 2, "\"FROB\" is not a record type"},
    {"run -- frobnicate", 127, "frobnicate: not found"},
    // No policy, or no good one.
    {"check nowhere.json", 2, "cannot be read: No such file or directory"},
    {"check folder", 2, "cannot be read: Is a directory"},
    {"check binary", 2, "binary:1:"},
    {"check huge", 2, "huge:1:"},
    {"connect --policy nowhere.json a.test 1", 2, "cannot be read: No such"},
    {"resolve --policy nowhere.json a.test", 2, "cannot be read: No such"},
    {"run --policy nowhere.json -- true", 2, "cannot be read: No such"},
    {"run --policy folder -- true", 2, "cannot be read: Is a directory"},
    // Files that are none, or not of the kind.
    {"doctor ./folder", 1, "./folder: Is a directory"},
    {"run -- ./folder", 126, "./folder: Is a directory"},
    {"run --trace folder -- true", 2, "--trace: folder: Is a directory"},
    {"run --trace no/such -- true", 2, "--trace: no/such: No such file"},
    {"run --log frob -- true", 2, "--log: \"frob\" is not LEVEL"},
    {"trace nowhere", 1, "nowhere: No such file or directory"},
    {"trace folder", 1, "folder: Is a directory"},
    {"trace binary", 1, "binary: no trace"},
    {"trace good.json", 1, "good.json: no trace"},
    {"trace huge", 1, "huge: no trace"},
    {"HAPPY_STATE=off state", 1, "HAPPY_STATE is off"},
    {"HAPPY_STATE=$PWD/good.json state", 1, "good.json: Not a directory"},
    {"HAPPY_STATE=/no/such state flush", 1, "/no/such: No such file"},
    // Output that goes nowhere.
    {"--help >/dev/full", 1, "standard output: No space left on device"},
    {"--version >&-", 1, "happyctl: standard output: "},
    {"check good.json >/dev/full", 1, "standard output: No space left"},
    {"check good.json --json >&-", 1, "standard output: Bad file descriptor"},
    {"doctor /bin/sh >/dev/full", 1, "standard output: No space left"},
    {"doctor /bin/sh --json >&-", 1, "standard output: Bad file descriptor"},
    {"resolve localhost A >/dev/full", 1, "standard output: No space left"},
    {"resolve localhost A --json >&-", 1, "standard output: Bad file desc"},
    {"state >/dev/full", 1, "standard output: No space left on device"},
    {"state flush --json >&-", 1, "standard output: Bad file descriptor"},
    {"trace events >/dev/full", 1, "standard output: No space left"},
    {"trace events --json >&-", 1, "standard output: Bad file descriptor"},
};

class BadInput : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name = std::filesystem::temp_directory_path() / "bad.XXXXXX";
    folder = mkdtemp(name.data());
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    write("good.json", R"({ "version": 1, "rules": [ { "hosts": ["*"] } ] })");
    std::string binary(200 << 10, '\0');
    for (size_t i = 0; i < binary.size(); ++i)
      binary[i] = static_cast<char>(i * 7 % 251);
    write("binary", binary);
    write("events",
          R"({"t_us":1,"pid":1,"tid":1,"event":"resolve_start","name":"a"})"
          "\n"
          R"({"t_us":2,"pid":1,"tid":1,"event":"resolve_end","name":"a",)"
          R"("result":"ok","us":1})"
          "\n");
    write("huge", "");
    std::filesystem::resize_file(folder / "huge", size_t{1} << 30);
    std::filesystem::create_directory(folder / "folder");
    write("locked", "{}");
    std::filesystem::permissions(folder / "locked",
                                 std::filesystem::perms::none);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder); }

  static void write(const std::string& name, const std::string& content) {
    std::ofstream(folder / name, std::ios::binary) << content;
  }

  // Settings of the environment may stand before the verb.
  static Ended shell(const std::string& prefix, const std::string& line) {
    std::string settings, rest = line;
    if (line.starts_with("HAPPY_")) {
      settings = line.substr(0, line.find(' ') + 1);
      rest = line.substr(settings.size());
    }
    std::map<std::string, std::string> environment{
        {"HOME", folder},
        {"PATH", "/usr/bin:/bin"},
        {"HAPPY_STATE", folder / "state"}};
    // A sanitizer's runtime has to be in the host before the library.
    const std::string runtime = HAPPY_SANITIZER_RUNTIME;
    if (!runtime.empty()) {
      environment["LD_PRELOAD"] = runtime;
      environment["ASAN_OPTIONS"] = "detect_leaks=0";
    }
    return run({"/bin/sh", "-c",
                "cd " + folder.string() + " && " + settings + "exec " + prefix +
                    HAPPY_HAPPYCTL " " + rest},
               environment);
  }

  static inline std::filesystem::path folder;
};

TEST_F(BadInput, EachGetsOneLineAndTheRightStatus) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.line);
    const Ended ended = shell("", one.line);
    EXPECT_EQ(ended.status, one.status);
    EXPECT_THAT(ended.err, HasSubstr(one.says));
    // The place in a policy is shown below its line.
    const auto lines = std::count(ended.err.begin(), ended.err.end(), '\n');
    EXPECT_EQ(lines, ended.err.find("\n    1 | ") == std::string::npos ? 1 : 3)
        << ended.err.substr(0, 500);
  }
}

// Also where everything else is permitted: as nobody, where this is root.
TEST_F(BadInput, WhatMayNotBeReadIsSaidSo) {
  const std::string nobody =
      geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups "
                     : "";
  if (shell(nobody, "--version").status != 0)
    GTEST_SKIP() << "nobody may run " HAPPY_HAPPYCTL;
  const Case cases[] = {
      {"check locked", 2, "locked: cannot be read: Permission denied"},
      {"resolve --policy locked a.test", 2, "cannot be read: Permission"},
      {"run --policy locked -- true", 2, "cannot be read: Permission denied"},
      {"run --trace locked -- true", 2, "--trace: locked: Permission denied"},
      {"run -- ./locked", 126, "./locked: Permission denied"},
      {"trace locked", 1, "locked: Permission denied"},
      {"HAPPY_STATE=/root/x state", 1, "/root/x: Permission denied"}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.line);
    const Ended ended = shell(nobody, one.line);
    EXPECT_EQ(ended.status, one.status);
    EXPECT_THAT(ended.err, HasSubstr(one.says));
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1)
        << ended.err;
  }
}

// The program has its own ways with a closed output.
TEST_F(BadInput, ClosedDescriptorsStayTheProgramsOwn) {
  const Ended ended = shell("",
                            "run --quiet -- sh -c 'for fd in 0 1; do test -e "
                            "/proc/$$/fd/$fd || echo $fd >&2; done' <&- >&-");
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.err, "0\n1\n");
}

// A reader that goes away ends it as it ends others.
TEST_F(BadInput, AClosedPipeEndsItBySigpipe) {
  const Ended ended = shell("", "doctor /bin/sh --json | :");
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.err, "");
}

TEST_F(BadInput, EveryVerbHasHelpWithAnExample) {
  for (const char* verb : {"check", "connect", "doctor", "pin", "resolve",
                           "run", "state", "trace"}) {
    const Ended ended = shell("", std::string(verb) + " --help");
    EXPECT_EQ(ended.status, 0);
    EXPECT_THAT(ended.out, HasSubstr("happyctl " + std::string(verb) + " "));
    EXPECT_THAT(ended.out, HasSubstr("Example")) << verb;
  }
  EXPECT_THAT(shell("", "--version").out, StartsWith("happyctl "));
}

// For programs: the whole of it in one line, on standard error.
TEST_F(BadInput, RunSumsUpInJson) {
  EXPECT_THAT(shell("", "run --json -- sh -c 'exit 3'").err,
              HasSubstr("\"status\":3,\"signal\":null"));
  EXPECT_THAT(shell("", "run --json -- sh -c 'kill -9 $$'").err,
              HasSubstr("\"signal\":9"));
  EXPECT_THAT(shell("", "run --json -- " HAPPY_STATIC_PROGRAM).err,
              HasSubstr("\"intercepted\":false,\"why_not\":\"statically "
                        "linked\",\"status\":5"));
}

}  // namespace
}  // namespace happy::test
