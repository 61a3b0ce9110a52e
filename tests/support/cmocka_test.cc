// The vocabulary of cmocka.h against libcmocka's: the same programs, built with
// each, must see the same tests pass, fail and be skipped; and how cmocka.h
// reports to GoogleTest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/lab/child.h"

namespace happy {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Truly;

// "passes NAME", "fails NAME" or "skips NAME", sorted.
using Results = std::vector<std::string>;

std::string program(const std::string& name, const char* variant) {
  return HAPPY_BUILD_FOLDER "/cmocka_" + name + "_" + variant;
}

lab::Outcome run(const std::string& path,
                 const std::vector<std::string>& flags = {}) {
  std::vector<std::string> words{path};
  words.insert(words.end(), flags.begin(), flags.end());
  // Failing tests leave by longjmp and leak, out of a handler of SIGSEGV even:
  // that is how cmocka ends a test.
  return lab::run({.arguments = words,
                   .environment = {{"CMOCKA_MESSAGE_OUTPUT", "TAP"},
                                   {"ASAN_OPTIONS", "detect_leaks=0"},
                                   {"TSAN_OPTIONS", "report_signal_unsafe=0"}},
                   .enter = {},
                   .input = {}});
}

// Lines that match: the first group is a key of `words`, the second the name.
Results parse(const std::string& text, const std::regex& line,
              const std::map<std::string, std::string>& words) {
  Results out;
  std::istringstream lines(text);
  for (std::string one; std::getline(lines, one);) {
    std::smatch match;
    if (!std::regex_search(one, match, line)) continue;
    const auto word = words.find(match[1].str());
    if (word != words.end()) out.push_back(word->second + " " + match[2].str());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Not the summary at the end, where no time is told.
Results of_gtest(const lab::Outcome& outcome) {
  static const std::regex line(
      R"(^\[ +(OK|FAILED|SKIPPED) +\] \w+\.(\w+) \(\d+ ms\)$)");
  return parse(outcome.out, line,
               {{"OK", "passes"}, {"FAILED", "fails"}, {"SKIPPED", "skips"}});
}

// TAP. A skipped test is "not ok 3 # SKIP"; number 0 is a group's fixture.
Results of_libcmocka(const lab::Outcome& outcome) {
  const std::string text =
      std::regex_replace(outcome.out + outcome.err,
                         std::regex(R"((not )?ok [1-9]\d* # SKIP)"), "skip -");
  static const std::regex line(R"(^(ok|not ok|skip)(?: [1-9]\d*)? - (\w+))");
  return parse(text, line,
               {{"ok", "passes"}, {"not ok", "fails"}, {"skip", "skips"}});
}

// A test's name begins with what must become of it.
bool as_named(const std::string& result) {
  const auto space = result.find(' ');
  return result.compare(space + 1, space, result, 0, space) == 0;
}

class CmockaPrograms : public testing::TestWithParam<const char*> {};

TEST_P(CmockaPrograms, TestsEndAsTheirNamesSay) {
  const auto outcome = run(program(GetParam(), "gtest"));
  const auto results = of_gtest(outcome);
  EXPECT_THAT(results, AllOf(Not(IsEmpty()), Each(Truly(as_named))))
      << outcome.describe();
}

#ifdef HAPPY_HAVE_LIBCMOCKA
TEST_P(CmockaPrograms, LibcmockaSeesTheSame) {
  const auto ours = run(program(GetParam(), "gtest"));
  const auto theirs = run(program(GetParam(), "libcmocka"));
  EXPECT_EQ(of_gtest(ours), of_libcmocka(theirs)) << theirs.describe();
  EXPECT_EQ(ours.good(), theirs.good());
}
#endif

INSTANTIATE_TEST_SUITE_P(All, CmockaPrograms,
                         testing::Values("asserts", "fixtures", "memory",
                                         "mocks", "passing"),
                         [](const auto& param_info) {
                           return std::string(param_info.param);
                         });

TEST(Cmocka, TheStatusIsTheNumberOfFailedTests) {
  const auto outcome = run(program("asserts", "gtest"));
  const auto results = of_gtest(outcome);
  const auto failed = std::count_if(
      results.begin(), results.end(),
      [](const auto& result) { return result.starts_with("fails "); });
  EXPECT_EQ(outcome.exit_status, failed);
}

TEST(Cmocka, AFailureTellsItsPlaceAndBothValues) {
  const auto outcome = run(program("asserts", "gtest"),
                           {"--gtest_filter=asserts.fails_int_equal"});
  EXPECT_THAT(outcome.out, AllOf(ContainsRegex("asserts\\.cc:[0-9]+: Failure"),
                                 HasSubstr("3 (0x3) != 4 (0x4)")));
}

TEST(Cmocka, AMockWithoutAValueTellsThePlaceOfItsCall) {
  const auto outcome = run(program("mocks", "gtest"),
                           {"--gtest_filter=*.fails_mock_without_value"});
  EXPECT_THAT(outcome.out, AllOf(ContainsRegex("mocks\\.cc:[0-9]+: Failure"),
                                 HasSubstr("no value for number to return")));
}

TEST(Cmocka, AWrongParameterTellsWhereItWasExpected) {
  const auto outcome =
      run(program("mocks", "gtest"), {"--gtest_filter=*.fails_string"});
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("parameter pointer of take_ptr: "
                                           "\"abd\" != \"abc\""),
                                 ContainsRegex("expected at .*mocks\\.cc:")));
}

TEST(Cmocka, ALeftoverTellsWhereItWasDeclared) {
  const auto outcome =
      run(program("mocks", "gtest"), {"--gtest_filter=*.fails_value_left"});
  EXPECT_THAT(outcome.out,
              AllOf(ContainsRegex("mocks\\.cc:[0-9]+: Failure"),
                    HasSubstr("number did not return this value")));
}

TEST(Cmocka, AFilterRunsOneTestOfOneGroup) {
  const auto outcome =
      run(program("mocks", "gtest"),
          {"--gtest_filter=order.passes_calls_in_order:-*.none"});
  EXPECT_THAT(of_gtest(outcome), ElementsAre("passes passes_calls_in_order"));
  EXPECT_EQ(outcome.exit_status, 0);
}

TEST(Cmocka, ListsEachTestOnceAndRunsNone) {
  const auto outcome = run(program("mocks", "gtest"), {"--gtest_list_tests"});
  EXPECT_THAT(of_gtest(outcome), IsEmpty());
  for (const char* name :
       {"\nparameters.\n", "  passes_always\n", "  fails_any_number_left\n"}) {
    const auto first = outcome.out.find(name);
    EXPECT_NE(first, std::string::npos) << name;
    EXPECT_EQ(outcome.out.find(name, first + 1), std::string::npos) << name;
  }
}

TEST(Cmocka, AGroupWhoseSetUpFailsRunsNoTestAndFails) {
  std::vector<std::string> variants{"gtest"};
#ifdef HAPPY_HAVE_LIBCMOCKA
  variants.emplace_back("libcmocka");
#endif
  for (const auto& variant : variants) {
    const auto outcome = run(program("unset", variant.c_str()));
    EXPECT_THAT(outcome.out,
                AllOf(HasSubstr("torn down\n"), Not(HasSubstr("executed\n"))));
    EXPECT_EQ(outcome.exit_status, 1) << variant;
  }
}

}  // namespace
}  // namespace happy
