#include "core/dns/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using namespace std::chrono_literals;

constexpr Time kT0{Duration(1'000'000'000)};
constexpr std::string_view kResolver = "r";

Name name(std::string_view text) { return *Name::parse(text); }
const Name kHost = name("host.example");

Answer good(std::chrono::seconds ttl = 60s) {
  Answer out;
  out.status = AnswerStatus::kAddresses;
  out.addresses = {IpAddress::v4(192, 0, 2, 1)};
  out.canonical = kHost;
  out.ttl = ttl;
  return out;
}

Answer no_name(const Name& canonical, std::chrono::seconds ttl = 60s) {
  Answer out;
  out.status = AnswerStatus::kNoName;
  out.canonical = canonical;
  out.rcode = Rcode::kNameError;
  out.ttl = ttl;
  return out;
}

Answer no_data(std::chrono::seconds ttl = 60s) {
  Answer out;
  out.status = AnswerStatus::kNoData;
  out.canonical = kHost;
  out.ttl = ttl;
  return out;
}

Answer failure(AnswerStatus status = AnswerStatus::kServerFailure) {
  Answer out;
  out.status = status;
  return out;
}

class CacheTest : public testing::Test {
 protected:
  void put(const Answer& answer, Time now = kT0, Type type = Type::kA,
           const Name& at = kHost) {
    cache_.put(kResolver, at, type, answer, now);
  }
  std::optional<AnswerStatus> find(Time now, Type type = Type::kA,
                                   const Name& at = kHost) {
    const auto hit = cache_.find(kResolver, at, type, now);
    return hit ? std::optional(hit->answer.status) : std::nullopt;
  }
  Cache cache_;
};

TEST_F(CacheTest, KeepsAnAnswerForItsTtlAndNotLonger) {
  put(good(60s));
  EXPECT_EQ(find(kT0 + 60s - 1us), AnswerStatus::kAddresses);
  EXPECT_EQ(find(kT0 + 60s), std::nullopt);
}

TEST_F(CacheTest, ReportsWhatIsLeftRoundedUp) {
  put(good(60s));
  EXPECT_EQ(cache_.find(kResolver, kHost, Type::kA, kT0)->answer.ttl, 60s);
  EXPECT_EQ(cache_.find(kResolver, kHost, Type::kA, kT0 + 59100ms)->answer.ttl,
            1s);
}

TEST_F(CacheTest, NamesHaveNoCaseResolversAndTypesAreApart) {
  put(good());
  EXPECT_TRUE(cache_.find(kResolver, name("HOST.Example"), Type::kA, kT0));
  EXPECT_FALSE(cache_.find("R", kHost, Type::kA, kT0));
  EXPECT_FALSE(cache_.find(kResolver, kHost, Type::kAaaa, kT0));
  EXPECT_FALSE(cache_.find(kResolver, name("example"), Type::kA, kT0));
}

TEST_F(CacheTest, AnswersWithoutTtlAreNotKept) {
  Answer answer = no_data();
  answer.ttl.reset();
  put(answer);
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(CacheTest, TtlZeroIsNeverFresh) {
  put(good(0s));
  EXPECT_EQ(find(kT0), std::nullopt);
}

TEST_F(CacheTest, ANewerAnswerReplacesTheOlder) {
  put(good(60s));
  put(no_data(10s), kT0 + 1s);
  EXPECT_EQ(find(kT0 + 2s), AnswerStatus::kNoData);
  EXPECT_EQ(find(kT0 + 12s), std::nullopt);
}

// RFC 8767 section 4 and RFC 2308 section 5.
TEST_F(CacheTest, AbsurdTtlsAreCapped) {
  put(good(std::chrono::seconds(0x7fffffff)));
  EXPECT_EQ(find(kT0 + 24h * 7 - 1s), AnswerStatus::kAddresses);
  EXPECT_EQ(find(kT0 + 24h * 7), std::nullopt);
  put(no_data(std::chrono::seconds(0x7fffffff)));
  EXPECT_EQ(find(kT0 + 3h - 1s), AnswerStatus::kNoData);
  EXPECT_EQ(find(kT0 + 3h), std::nullopt);
}

// RFC 9520 section 3.2: at least 1 s, here doubled up to 5 s.
TEST_F(CacheTest, FailuresAreKeptOneToFiveSeconds) {
  Time now = kT0;
  for (const auto kept : {1s, 2s, 4s, 5s, 5s}) {
    put(failure(), now);
    EXPECT_EQ(find(now + kept - 1us), AnswerStatus::kServerFailure);
    EXPECT_EQ(find(now + kept), std::nullopt);
    now += kept;
  }
  put(good(1s), now);
  put(failure(), now + 1s);
  EXPECT_EQ(find(now + 2s), std::nullopt) << "an answer resets the doubling";
}

TEST_F(CacheTest, EveryKindOfFailureIsKept) {
  for (const auto status : {AnswerStatus::kServerFailure,
                            AnswerStatus::kRefused, AnswerStatus::kMalformed}) {
    cache_.clear();
    put(failure(status));
    EXPECT_EQ(find(kT0), status);
  }
}

TEST_F(CacheTest, AFreshAnswerOutranksAFailure) {
  put(good(60s));
  put(failure(), kT0 + 1s);
  EXPECT_EQ(find(kT0 + 1s), AnswerStatus::kAddresses);
}

// RFC 8767: an expired answer may serve when the resolver fails.
TEST_F(CacheTest, ExpiredAnswersAreThereForADayForWhoAsks) {
  put(good(60s));
  put(failure(), kT0 + 61s);
  EXPECT_EQ(find(kT0 + 61s), AnswerStatus::kServerFailure);
  const auto stale = cache_.find_stale(kResolver, kHost, Type::kA, kT0 + 61s);
  ASSERT_TRUE(stale.has_value());
  EXPECT_TRUE(stale->expired);
  EXPECT_EQ(stale->answer.ttl, 0s);
  EXPECT_TRUE(cache_.find_stale(kResolver, kHost, Type::kA, kT0 + 24h + 59s));
  EXPECT_FALSE(cache_.find_stale(kResolver, kHost, Type::kA, kT0 + 24h + 60s));
}

// RFC 8767 section 5: a stale answer has a TTL of 30 seconds, and a resolver
// that failed is not asked again sooner.
TEST_F(CacheTest, AnExpiredAnswerMayBeHeldForThirtySeconds) {
  put(good(60s));
  put(failure(), kT0 + 61s);
  cache_.hold_stale(kResolver, kHost, Type::kA, kT0 + 61s);
  const auto held = cache_.find(kResolver, kHost, Type::kA, kT0 + 61s);
  ASSERT_TRUE(held.has_value());
  EXPECT_TRUE(held->expired);
  EXPECT_EQ(held->answer.ttl, 30s);
  EXPECT_EQ(find(kT0 + 90s), AnswerStatus::kAddresses);
  EXPECT_EQ(find(kT0 + 91s), std::nullopt);
}

TEST_F(CacheTest, HoldingDoesNotLengthenTheDay) {
  put(good(60s));
  for (Time now = kT0 + 60s; now < kT0 + 25h; now += 30s) {
    cache_.hold_stale(kResolver, kHost, Type::kA, now);
  }
  EXPECT_EQ(find(kT0 + 24h + 90s), std::nullopt);
}

TEST_F(CacheTest, AFreshOrNegativeAnswerEndsTheHolding) {
  put(good(60s));
  cache_.hold_stale(kResolver, kHost, Type::kA, kT0 + 61s);
  put(no_data(60s), kT0 + 62s);
  EXPECT_EQ(find(kT0 + 63s), AnswerStatus::kNoData);
  cache_.hold_stale(kResolver, kHost, Type::kA, kT0 + 63s);  // nothing to hold
  EXPECT_EQ(find(kT0 + 63s), AnswerStatus::kNoData);
}

TEST_F(CacheTest, FreshAnswersAreNotCalledExpired) {
  put(good(60s));
  const auto hit = cache_.find_stale(kResolver, kHost, Type::kA, kT0 + 1s);
  EXPECT_FALSE(hit->expired);
  EXPECT_EQ(hit->answer.ttl, 59s);
}

TEST_F(CacheTest, NegativeAnswersAreNeverStale) {
  put(no_data(60s));
  EXPECT_FALSE(cache_.find_stale(kResolver, kHost, Type::kA, kT0));
}

// RFC 2308 section 5: NXDOMAIN is about the name, whatever the type. RFC 8020
// section 2: and about everything below it.
TEST_F(CacheTest, NxdomainCoversTypesAndTheSubtree) {
  put(no_name(kHost));
  EXPECT_EQ(find(kT0, Type::kAaaa), AnswerStatus::kNoName);
  EXPECT_EQ(find(kT0, Type::kA, name("a.b.HOST.example")),
            AnswerStatus::kNoName);
  EXPECT_EQ(find(kT0, Type::kA, name("example")), std::nullopt);
  EXPECT_EQ(find(kT0, Type::kA, name("other.example")), std::nullopt);
  EXPECT_EQ(find(kT0, Type::kA, name("xhost.example")), std::nullopt);
  EXPECT_EQ(find(kT0 + 60s, Type::kA, name("a.host.example")), std::nullopt);
}

TEST_F(CacheTest, TheDeniedNameIsTheEndOfTheChain) {
  put(no_name(name("gone.example")));
  EXPECT_EQ(find(kT0), AnswerStatus::kNoName);
  EXPECT_EQ(find(kT0, Type::kA, name("below.host.example")), std::nullopt);
  EXPECT_EQ(find(kT0, Type::kAaaa, name("x.gone.example")),
            AnswerStatus::kNoName);
}

TEST_F(CacheTest, NoDataIsAboutOneTypeOfOneName) {
  put(no_data());
  EXPECT_EQ(find(kT0, Type::kAaaa), std::nullopt);
  EXPECT_EQ(find(kT0, Type::kA, name("a.host.example")), std::nullopt);
}

// RFC 4074 section 4.2: servers that say NXDOMAIN to AAAA although there is an
// A record, in whichever order the replies come.
TEST_F(CacheTest, ANameThatExistsIsNotDeniedForOtherTypes) {
  put(no_name(kHost, 900s), kT0, Type::kAaaa);
  put(good(60s));
  EXPECT_EQ(find(kT0 + 61s), std::nullopt);
  EXPECT_EQ(find(kT0 + 61s, Type::kAaaa), AnswerStatus::kNoName);
  cache_.clear();
  put(good(60s));
  put(no_name(kHost, 900s), kT0, Type::kAaaa);
  EXPECT_EQ(find(kT0 + 61s), std::nullopt);
  EXPECT_EQ(find(kT0 + 61s, Type::kAaaa), AnswerStatus::kNoName);
}

TEST_F(CacheTest, ANameThatExistsLiftsTheDenialAboveIt) {
  put(no_name(name("example"), 900s), kT0, Type::kA, name("example"));
  put(good(60s), kT0 + 1s);
  EXPECT_EQ(find(kT0 + 2s, Type::kA, name("other.example")), std::nullopt);
}

TEST_F(CacheTest, TheRootIsNeverDenied) {
  put(no_name(Name()));
  EXPECT_EQ(find(kT0, Type::kA, name("other.example")), std::nullopt);
}

TEST(CacheBounds, TheLeastRecentlyUsedGoesFirst) {
  Cache cache(3);
  for (const char* text : {"a", "b", "c"}) {
    cache.put("r", name(text), Type::kA, good(), kT0);
  }
  EXPECT_TRUE(cache.find("r", name("a"), Type::kA, kT0));
  cache.put("r", name("d"), Type::kA, good(), kT0);
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_FALSE(cache.find("r", name("b"), Type::kA, kT0));
  for (const char* text : {"a", "c", "d"}) {
    EXPECT_TRUE(cache.find("r", name(text), Type::kA, kT0)) << text;
  }
}

TEST(CacheBounds, NeverGrowsPastItsCapacity) {
  Cache cache(100);
  for (int i = 0; i < 5000; ++i) {
    const Name at = name("n" + std::to_string(i));
    cache.put("r", at, Type::kA, i % 2 ? good() : no_name(at), kT0);
    cache.put("r", at, Type::kAaaa, failure(), kT0);
    EXPECT_LE(cache.size(), 100u);
  }
}

}  // namespace
}  // namespace happy::dns
