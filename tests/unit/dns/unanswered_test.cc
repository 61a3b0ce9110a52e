#include "core/dns/unanswered.h"

#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using namespace std::chrono_literals;

constexpr Time kT0{1000s};

Name name(const std::string& text) { return *Name::parse(text); }

TEST(Unanswered, IsForgottenAfterASecond) {
  Unanswered unanswered;
  unanswered.note(0, name("a.example"), Type::kA, kT0);
  EXPECT_TRUE(unanswered.is_noted(0, name("A.example"), Type::kA, kT0 + 999ms));
  EXPECT_FALSE(unanswered.is_noted(0, name("a.example"), Type::kA, kT0 + 1s));
}

TEST(Unanswered, IsOneQuestionByOneRule) {
  Unanswered unanswered;
  unanswered.note(0, name("a.example"), Type::kA, kT0);
  EXPECT_FALSE(unanswered.is_noted(1, name("a.example"), Type::kA, kT0));
  EXPECT_FALSE(unanswered.is_noted(0, name("b.example"), Type::kA, kT0));
  EXPECT_FALSE(unanswered.is_noted(0, name("a.example"), Type::kAaaa, kT0));
}

TEST(Unanswered, IsBoundedAndMakesRoomForTheNew) {
  Unanswered unanswered;
  const auto nth = [](size_t i) { return name("n" + std::to_string(i)); };
  for (size_t i = 0; i <= Unanswered::kMost; ++i)
    unanswered.note(0, nth(i), Type::kA, kT0);
  EXPECT_FALSE(unanswered.is_noted(0, nth(Unanswered::kMost), Type::kA, kT0));
  unanswered.note(0, name("new"), Type::kA, kT0 + 2s);
  EXPECT_TRUE(unanswered.is_noted(0, name("new"), Type::kA, kT0 + 2s));
}

}  // namespace
}  // namespace happy::dns
