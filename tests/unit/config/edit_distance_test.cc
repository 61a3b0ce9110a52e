#include "config/edit_distance.h"

#include <gtest/gtest.h>

namespace happy::config {
namespace {

TEST(EditDistance, CountsChanges) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("rules", "rules"), 0u);
  EXPECT_EQ(edit_distance("", "rules"), 5u);
  EXPECT_EQ(edit_distance("rule", "rules"), 1u);
  EXPECT_EQ(edit_distance("rukes", "rules"), 1u);
  EXPECT_EQ(edit_distance("ruels", "rules"), 1u) << "neighbours swapped";
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, FindsTheWordThatWasMeant) {
  EXPECT_EQ(nearest("reslovers", {"rules", "resolvers"}), "resolvers");
  EXPECT_EQ(nearest("hots", {"hosts", "stale"}), "hosts");
}

TEST(Nearest, TakesTheFirstAmongEquals) {
  EXPECT_EQ(nearest("cat", {"bat", "rat"}), "bat");
}

TEST(Nearest, SuggestsNothingFarFetched) {
  EXPECT_EQ(nearest("colour", {"version", "rules", "state"}), "");
  EXPECT_EQ(nearest(std::string(100000, 'x'), {"rules"}), "");
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(Suggestion, IsASentenceOrNothing) {
  EXPECT_EQ(suggestion("rulse", {"rules"}), "; did you mean \"rules\"?");
  EXPECT_EQ(suggestion("colour", {"rules"}), "");
}

}  // namespace
}  // namespace happy::config
