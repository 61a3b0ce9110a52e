// Random look-ups over random replies: whatever comes in whatever order, a
// look-up ends exactly once, in time, and asks no question twice.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/dns/resolution.h"

namespace happy::dns {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kSeed = 8305;
constexpr int kLookUps = 20'000;
constexpr Time kT0{Duration(1'000'000'000)};

class RandomLookUp {
 public:
  explicit RandomLookUp(uint32_t seed) : random_(seed) {
    const size_t count = 1 + below(4);
    SearchList list;
    for (size_t i = 0; i < count; ++i) {
      list.names.push_back(*Name::parse("n" + std::to_string(i)));
    }
    if (below(4) != 0) list.as_is = below(2) == 0 ? 0 : count - 1;
    std::vector<Family> wanted;
    if (below(4) != 0) wanted.push_back(Family::kIpv4);
    if (wanted.empty() || below(4) != 0) wanted.push_back(Family::kIpv6);
    settings_.preferred = below(4) == 0 ? Family::kIpv4 : Family::kIpv6;
    names_ = count;
    families_ = wanted.size();
    look_up_.emplace(list, wanted, settings_);
  }

  void run() {
    perform(look_up_->step(BeginResolution{}, now_));
    for (int steps = 0; !look_up_->over(); ++steps) {
      ASSERT_LT(steps, 1000);
      ASSERT_TRUE(wake_.has_value()) << "nothing would ever end it";
      perform(look_up_->step(next_event(), now_));
    }
    EXPECT_EQ(ends_, 1);
    EXPECT_EQ(late_, late_expected_);
    EXPECT_FALSE(wake_.has_value());
    EXPECT_LE(now_, kT0 + settings_.resolve_timeout);
    EXPECT_TRUE(look_up_->step(ResolutionTick{}, now_ + 1h).empty());
  }

 private:
  size_t below(size_t limit) { return random_() % limit; }

  Answer random_answer() {
    Answer out;
    out.status = static_cast<AnswerStatus>(below(6));
    if (out.is_positive()) out.addresses.push_back(IpAddress::v4(192, 0, 2, 1));
    return out;
  }

  // An outstanding question's end, a bogus event, or the timer.
  ResolutionEvent next_event() {
    if (!known_.empty()) {
      const Expired out = known_.back();
      known_.pop_back();
      return out;
    }
    now_ = std::min(now_ + Duration(below(200'000)), *wake_);
    if (below(8) == 0) {
      return Reply{below(names_ + 1), below(2) ? Type::kA : Type::kAaaa,
                   random_answer()};
    }
    if (open_.empty() || below(6) == 0) {
      now_ = *wake_;
      return ResolutionTick{};
    }
    const auto [index, type] =
        *std::next(open_.begin(), static_cast<long>(below(open_.size())));
    open_.erase({index, type});
    if (below(10) == 0) {
      return QueryFailed{index, type, static_cast<QueryFailure>(below(3))};
    }
    return Reply{index, type, random_answer()};
  }

  void perform(const std::vector<ResolutionAction>& actions) {
    wake_.reset();
    for (const auto& action : actions) {
      std::visit([this](const auto& a) { on(a); }, action);
    }
  }
  void on(const Ask& ask) {
    EXPECT_EQ(ends_, 0) << "asked after the end";
    EXPECT_TRUE(asked_.insert({ask.name_index, ask.type}).second) << "twice";
    open_.insert({ask.name_index, ask.type});
    if (below(3) != 0) return;
    Answer expired;
    expired.status = AnswerStatus::kAddresses;
    expired.addresses.push_back(IpAddress::v4(192, 0, 2, 9));
    known_.push_back({ask.name_index, ask.type, expired});
  }
  void on(const ResolutionWakeAt& wake) {
    EXPECT_FALSE(wake_.has_value());
    EXPECT_GE(wake.time, now_);
    wake_ = wake.time;
  }
  void on(const Answered& answered) {
    ++ends_;
    EXPECT_FALSE(answered.addresses.empty());
    late_expected_ = static_cast<int>(answered.pending.size());
    EXPECT_LE(answered.pending.size(),
              answered.stale ? families_ : families_ - 1);
  }
  void on(const LookupFailed&) { ++ends_; }
  void on(const Late&) {
    EXPECT_EQ(ends_, 1);
    ++late_;
  }

  std::mt19937 random_;
  ResolutionSettings settings_;
  std::optional<Resolution> look_up_;
  size_t names_ = 0, families_ = 0;
  Time now_ = kT0;
  std::optional<Time> wake_;
  std::set<std::pair<size_t, Type>> asked_, open_;
  std::vector<Expired> known_;
  int ends_ = 0, late_ = 0, late_expected_ = 0;
};

TEST(ResolutionProperty, EveryLookUpEndsOnceInTimeAndAsksNothingTwice) {
  for (uint32_t i = 0; i < kLookUps; ++i) {
    SCOPED_TRACE(kSeed + i);
    RandomLookUp(kSeed + i).run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace happy::dns
