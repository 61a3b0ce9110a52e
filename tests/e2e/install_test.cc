// The installed copy: what is put where, and that it works by its bare name,
// as the loader finds it in the system's library folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using std::filesystem::path;

class Installed : public testing::Test {
 protected:
  // What `make install DESTDIR=... PREFIX=/usr` does after its build.
  Installed() {
    const auto outcome = lab_.run_plain(
        {HAPPY_CMAKE, "--install", HAPPY_BUILD_FOLDER, "--prefix", "/usr"},
        {{"DESTDIR", stage_}});
    EXPECT_TRUE(outcome.good()) << outcome.describe();
  }

  lab::Environment environment() const {
    const std::string runtime = HAPPY_SANITIZER_RUNTIME;
    return {{"LD_LIBRARY_PATH", library_folder_},
            {"LD_PRELOAD", runtime + " libhappy.so"},
            {"HAPPY_POLICY", policy_},
            {"ASAN_OPTIONS", "detect_leaks=0"}};
  }

  LoopbackLab lab_;
  const std::string policy_ =
      lab_.folder().write("installed.json", lab_.policy().dump());
  const path stage_ = lab_.folder().file("stage");
  const path library_folder_ = stage_ / "usr" / HAPPY_LIBDIR;
};

TEST_F(Installed, AllObjectsAreInOneFolderAndTheCommandInBin) {
  for (const char* object :
       {"libhappy.so", "libhappy-core.so", "libhappy-tls.so"})
    EXPECT_TRUE(exists(library_folder_ / object)) << object;
  EXPECT_TRUE(exists(stage_ / "usr/bin/happyctl"));
}

TEST_F(Installed, AProgramRacesWithTheLibraryByItsBareName) {
  auto with_trace = environment();
  const std::string trace = lab_.folder().file("installed.trace");
  with_trace["HAPPY_TRACE"] = trace;
  const auto outcome =
      lab_.run_plain({"curl", "-sS", lab_.url("dead4")}, with_trace);
  EXPECT_EQ(outcome.out, std::string(LoopbackLab::kGood) + "\n")
      << outcome.describe();
  EXPECT_TRUE(lab::answered_by_dot(lab::read_trace(trace), "dead4.lab.test"));
}

TEST_F(Installed, TheCommandRunsProgramsWithTheLibraryOfItsPrefix) {
  lab::Environment plain{{"ASAN_OPTIONS", "detect_leaks=0"}};
  const std::string runtime = HAPPY_SANITIZER_RUNTIME;
  if (!runtime.empty()) plain["LD_PRELOAD"] = runtime;
  const auto outcome = lab_.run_plain(
      {stage_ / "usr/bin/happyctl", "run", "--require", "--policy", policy_,
       "--", "curl", "-sS", lab_.url("dead4")},
      plain);
  EXPECT_EQ(outcome.out, std::string(LoopbackLab::kGood) + "\n")
      << outcome.describe();
}

}  // namespace
}  // namespace happy::e2e
