// What the built objects ask of a stranger's process and show to it, as readelf
// and nm see it: needed libraries, exports, TLS model, unique symbols, RELRO.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "tests/lab/child.h"

namespace happy::abi {
namespace {

using testing::HasSubstr;
using testing::IsSubsetOf;
using testing::Not;
using Names = std::set<std::string>;

std::string output_of(const std::vector<std::string>& arguments) {
  const auto outcome = lab::run({.arguments = arguments,
                                 .environment = {{"LC_ALL", "C"}},
                                 .enter = {},
                                 .input = {}});
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  return outcome.out;
}

std::string path_of(const std::string& object) {
  return std::string(HAPPY_BUILD_FOLDER "/") + object;
}

std::string dynamic_section(const std::string& object) {
  return output_of({"readelf", "-dW", path_of(object)});
}

// All first groups of the expression in the text.
Names matches(const std::string& text, const std::string& expression) {
  const std::regex pattern(expression);
  Names found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end;
       it != end; ++it)
    found.insert((*it)[1]);
  return found;
}

Names needed(const std::string& object) {
  return matches(dynamic_section(object), R"(\(NEEDED\).*\[(.*)\])");
}

// Defined dynamic symbols, without version nodes.
Names exports(const std::string& object) {
  std::istringstream lines(
      output_of({"nm", "-D", "--defined-only", path_of(object)}));
  Names names;
  std::string address, type, name;
  while (lines >> address >> type >> name)
    if (type != "A") names.insert(name.substr(0, name.find('@')));
  return names;
}

// The names between `global:` and `local:` of a version script.
Names listed(const std::string& map) {
  std::ifstream file(std::string(HAPPY_SOURCE_FOLDER "/") + map);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text = std::regex_replace(text, std::regex(R"(/\*[^]*?\*/|#[^\n]*)"), "");
  const size_t from = text.find("global:"), to = text.find("local:");
  EXPECT_NE(from, std::string::npos) << map;
  return matches(text.substr(from + 7, to - from - 7),
                 R"(([A-Za-z_][A-Za-z0-9_]*)\s*;)");
}

struct Object {
  const char* file;
  const char* map;
  Names may_need;
};

const Object kShim{
    "libhappy.so",
    "shim/exports.map",
    {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}};
// libm belongs to libc; the static libstdc++ may ask for it.
const Object kCore{"libhappy-core.so",
                   "core/core_exports.map",
                   {"libuv.so.1", "libc.so.6", "libm.so.6",
                    "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}};
const Object kTls{"libhappy-tls.so",
                  "core/tls_exports.map",
                  {"libgnutls.so.30", "libc.so.6", "libm.so.6",
                   "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}};

const Object kConnect{"libhappy-connect.so",
                      "connect/exports.map",
                      {"libuv.so.1", "libc.so.6", "libm.so.6",
                       "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}};

void PrintTo(const Object& object, std::ostream* out) { *out << object.file; }

class ObjectTest : public testing::TestWithParam<Object> {};

TEST_P(ObjectTest, NeedsOnlyItsOwnLibraries) {
  EXPECT_THAT(needed(GetParam().file), IsSubsetOf(GetParam().may_need));
}

TEST_P(ObjectTest, ExportsExactlyWhatItsMapLists) {
  EXPECT_EQ(exports(GetParam().file), listed(GetParam().map));
}

// A unique symbol is shared by all objects of a process, whatever their scope,
// and keeps its object from being unloaded.
TEST_P(ObjectTest, HasNoUniqueSymbol) {
  EXPECT_THAT(output_of({"readelf", "-sW", path_of(GetParam().file)}),
              Not(HasSubstr(" UNIQUE ")));
}

TEST_P(ObjectTest, IsReadOnlyAfterRelocationAndBoundAtLoad) {
  EXPECT_THAT(output_of({"readelf", "-lW", path_of(GetParam().file)}),
              HasSubstr("GNU_RELRO"));
  EXPECT_THAT(dynamic_section(GetParam().file), HasSubstr("NOW"));
}

TEST_P(ObjectTest, HasNoTextRelocationAndNoExecutableStack) {
  EXPECT_THAT(dynamic_section(GetParam().file), Not(HasSubstr("TEXTREL")));
  const auto stack =
      matches(output_of({"readelf", "-lW", path_of(GetParam().file)}),
              R"(GNU_STACK\s+(?:0x[0-9a-f]+\s+){5}([RWE ]+?)\s+0x)");
  EXPECT_EQ(stack, Names{"RW"});
}

INSTANTIATE_TEST_SUITE_P(Objects, ObjectTest,
                         testing::Values(kShim, kCore, kTls, kConnect),
                         [](const auto& tested) {
                           return std::regex_replace(
                               std::string(tested.param.file),
                               std::regex("[^a-z]"), "_");
                         });

// Static TLS runs out in large hosts: what is opened late must not ask for it.
class LateObjectTest : public testing::TestWithParam<Object> {};

TEST_P(LateObjectTest, AsksForNoStaticTls) {
  EXPECT_THAT(dynamic_section(GetParam().file), Not(HasSubstr("STATIC_TLS")));
  EXPECT_THAT(output_of({"readelf", "-rW", path_of(GetParam().file)}),
              Not(HasSubstr("TPOFF")));
}

INSTANTIATE_TEST_SUITE_P(Objects, LateObjectTest,
                         testing::Values(kCore, kTls, kConnect),
                         [](const auto& tested) {
                           return std::regex_replace(
                               std::string(tested.param.file),
                               std::regex("[^a-z]"), "_");
                         });

#if HAPPY_HARDENED
// What is installed, by the compiler's own word: where an indirect call may
// land begins with that instruction (-fcf-protection), and libc's checked forms
// are called (_FORTIFY_SOURCE).
TEST(Hardening, IndirectCallsLandOnMarkedInstructions) {
#if defined(__x86_64__)
  for (const auto& [object, function] :
       {std::pair{"libhappy.so", "getaddrinfo"},
        {"libhappy-core.so", "happy_engine_open"},
        {"libhappy-tls.so", "happy_tls_open"},
        {"libhappy-connect.so", "happy_connect"}})
    EXPECT_THAT(
        output_of({"objdump", "-d", std::string("--disassemble=") + function,
                   path_of(object)}),
        testing::ContainsRegex(">:\n[^\n]*endbr64"))
        << object;
#endif
}

TEST(Hardening, LibcChecksWhereBuffersAreFilled) {
  for (const char* object : {"libhappy.so", "libhappy-core.so", "happyctl"})
    EXPECT_THAT(output_of({"nm", "-D", path_of(object)}),
                HasSubstr("__snprintf_chk"))
        << object;
}

TEST(Hardening, TheCommandIsAtAPlaceThatNobodyKnowsBeforehand) {
  EXPECT_THAT(dynamic_section("happyctl"),
              testing::ContainsRegex("FLAGS_1.*NOW.*PIE"));
}
#endif

}  // namespace
}  // namespace happy::abi
