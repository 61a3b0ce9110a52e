// Hosts that bring their own libuv or allocator keep them, and the library
// keeps its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using testing::HasSubstr;

constexpr const char* kFetchAndShowMaps = R"(
require("http").get(process.argv[1], (reply) => {
  reply.on("data", (data) => process.stdout.write(data));
  reply.on("end", () => process.stdout.write(
      require("fs").readFileSync("/proc/self/maps")));
}).on("error", (error) => { console.error(error); process.exitCode = 1; });
)";

class NodeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (lab::sanitized())
      GTEST_SKIP() << "RTLD_DEEPBIND is refused by a sanitizer runtime";
  }

  lab::Outcome fetch(const std::string& name) {
    return lab_.run({"node", "-e", kFetchAndShowMaps, lab_.url(name)});
  }

  LoopbackLab lab_;
};

TEST_F(NodeTest, ConnectsWithTheLibrarysOwnLibuvMapped) {
  const auto outcome = fetch("dead4");
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("127.0.1.1\n"));
  EXPECT_THAT(outcome.out, HasSubstr("libhappy-core.so"));
  EXPECT_THAT(outcome.out, HasSubstr("libuv.so.1"));
  EXPECT_TRUE(lab::answered_by_dot(lab_.trace(), "dead4.lab.test"));
}

TEST_F(NodeTest, ConnectsUnderJemalloc) {
  lab_.also_preload("libjemalloc.so.2");
  const auto outcome = fetch("dead4");
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_THAT(outcome.out, HasSubstr("127.0.1.1\n"));
  EXPECT_THAT(outcome.out, HasSubstr("libjemalloc.so.2"));
  EXPECT_TRUE(lab::answered_by_dot(lab_.trace(), "dead4.lab.test"));
}

}  // namespace
}  // namespace happy::e2e
