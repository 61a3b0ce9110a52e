// Plays every table of rows without and with the library in the loopback lab,
// and compares.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/abi/conformance/comparison.h"
#include "tests/abi/conformance/differences.h"
#include "tests/abi/conformance/row.h"
#include "tests/abi/conformance/worlds.h"
#include "tests/lab/loopback_lab.h"

namespace happy::abi {
namespace {

using lab::LoopbackLab;
using std::chrono::seconds;

const std::string kFolder = HAPPY_SOURCE_FOLDER "/tests/abi/conformance/rows/";

std::vector<std::string> topics() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder))
    if (entry.path().extension() == ".rows")
      names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

std::string file_of(const std::string& topic) {
  return kFolder + topic + ".rows";
}

// Attempts follow each other soon, and one name has a time-out.
std::string policy_of(const LoopbackLab& lab) {
  auto policy = lab.policy();
  auto& rules = policy["rules"];
  rules[0]["race"] = {{"attempt_delay_ms", 20}};
  auto bounded = rules[0];
  bounded["hosts"] = {"alldead.lab.test"};
  bounded["timeouts"] = {{"connect_ms", kConnectMs}};
  rules.insert(rules.begin(), bounded);
  return policy.dump(2);
}

Played played_in(LoopbackLab& lab, const std::string& topic, bool library) {
  const std::vector<std::string> command{HAPPY_PLAYER, file_of(topic),
                                         std::to_string(lab.web_port()),
                                         library ? "library" : "plain"};
  const auto outcome = library ? lab.run(command, {}, seconds(100))
                               : lab.run_plain(command, {}, seconds(100));
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  return played_of(outcome.out);
}

class ConformanceTest : public testing::TestWithParam<std::string> {};

TEST_P(ConformanceTest, EveryCallAnswersAsWithoutTheLibrary) {
  LoopbackLab lab;
  lab.use_policy(policy_of(lab));
  const auto rows = read_rows(file_of(GetParam()));
  Played plain = played_in(lab, GetParam(), false);
  Played library = played_in(lab, GetParam(), true);
  for (const Row& row : rows) {
    ASSERT_NE(find_world(row.world), nullptr) << row.name;
    const Verdict verdict = compare(plain[row.name], library[row.name]);
    EXPECT_FALSE(plain[row.name].empty()) << row.name;
    if (!verdict.complaint.empty())
      ADD_FAILURE() << "row " << GetParam() << "/" << row.name << "\n"
                    << verdict.complaint;
  }
}

INSTANTIATE_TEST_SUITE_P(Topics, ConformanceTest, testing::ValuesIn(topics()),
                         [](const auto& tested) { return tested.param; });

// A row that is not raced would show nothing.
TEST(WorldsTest, AreRacedWhereTheySay) {
  LoopbackLab lab;
  lab.use_policy(policy_of(lab));
  played_in(lab, "worlds", true);
  std::set<std::string> raced;
  for (const auto& start : lab::events_of(lab.trace(), "race_start"))
    raced.insert(start.value("name", ""));
  for (const World& world : kWorlds)
    if (world.raced) {
      EXPECT_TRUE(raced.contains(world.host)) << world.name;
    }
}

// The lines of the table under "Known differences", cell by cell.
std::vector<std::vector<std::string>> documented() {
  std::ifstream in(HAPPY_SOURCE_FOLDER "/docs/hooks.md");
  std::vector<std::vector<std::string>> table;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) inside = line == "## Known differences";
    if (!inside || !line.starts_with("| ")) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(2));
    for (std::string cell; std::getline(parts, cell, '|');) {
      const size_t last = cell.find_last_not_of(' ');
      const size_t first = cell.find_first_not_of(' ');
      cells.push_back(first == std::string::npos
                          ? ""
                          : cell.substr(first, last - first + 1));
    }
    table.push_back(cells);
  }
  if (!table.empty()) table.erase(table.begin());  // the heads of the columns
  return table;
}

TEST(KnownDifferencesTest, AreThoseOfTheDocument) {
  std::vector<std::vector<std::string>> coded;
  for (const Difference& known : all_differences())
    coded.push_back({known.id, std::string("`") + known.plain + "`",
                     std::string("`") + known.library + "`", known.what,
                     known.reason});
  EXPECT_EQ(documented(), coded);
}

// One that no row shows is no longer known to be there.
TEST(KnownDifferencesTest, EachIsMarkedInARow) {
  std::set<std::string> marked;
  for (const auto& topic : topics())
    for (const Row& row : read_rows(file_of(topic)))
      for (const Words& step : row.steps)
        for (const auto& text : step)
          if (text[0] == '~') marked.insert(text.substr(1));
  std::set<std::string> known;
  for (const Difference& one : all_differences()) known.insert(one.id);
  EXPECT_EQ(marked, known);
}

TEST(ConformanceRowsTest, AreThreeHundredAtLeast) {
  size_t count = 0;
  for (const auto& topic : topics()) count += read_rows(file_of(topic)).size();
  EXPECT_GE(count, 300u);
}

// The comparison itself can fail.
TEST(ComparisonTest, ComplainsAboutAnyOtherResultAndAMissingStep) {
  EXPECT_EQ(compare({"  close s => 0"}, {"  close s => 0"}).complaint, "");
  EXPECT_NE(compare({"  close s => 0"}, {"  close s => -1 EBADF"}).complaint,
            "");
  EXPECT_NE(compare({"  close s => 0"}, {}).complaint, "");
  EXPECT_NE(compare({"  x => bad step: y"}, {"  x => bad step: y"}).complaint,
            "");
}

TEST(ComparisonTest, WantsAMarkedStepToShowItsDifferenceExactly) {
  const Difference& known = all_differences().front();
  const std::string step = std::string("  a step ~") + known.id + " => ";
  EXPECT_EQ(compare({step + known.plain}, {step + known.library}).complaint,
            "");
  EXPECT_NE(compare({step + known.plain}, {step + known.plain}).complaint, "");
  EXPECT_NE(compare({step + known.plain}, {step + "-1 EIO"}).complaint, "");
}

}  // namespace
}  // namespace happy::abi
