#include "core/dns/resolution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace happy::dns {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Wake = ResolutionWakeAt;

constexpr Time kT0{Duration(1'000'000'000)};
constexpr Time kDeadline = kT0 + 5s;
constexpr Family kV4 = Family::kIpv4;
constexpr Family kV6 = Family::kIpv6;

Name name(std::string_view text) { return *Name::parse(text); }
IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

Answer negative(AnswerStatus status) {
  Answer out;
  out.status = status;
  return out;
}
const Answer kNoName = negative(AnswerStatus::kNoName);
const Answer kNoData = negative(AnswerStatus::kNoData);
const Answer kDeadAlias = negative(AnswerStatus::kDeadAlias);
const Answer kServfail = negative(AnswerStatus::kServerFailure);
const Answer kRefused = negative(AnswerStatus::kRefused);
const Answer kMalformed = negative(AnswerStatus::kMalformed);

Answer good(std::string_view address) {
  Answer out;
  out.status = AnswerStatus::kAddresses;
  out.addresses = {ip(address)};
  out.canonical = name("canon.example");
  return out;
}
const Answer kGoodA = good("192.0.2.1");
const Answer kGoodAaaa = good("2001:db8::1");

Ask ask_a(size_t index = 0) { return {index, Type::kA}; }
Ask ask_aaaa(size_t index = 0) { return {index, Type::kAaaa}; }
Reply a(const Answer& answer, size_t index = 0) {
  return {index, Type::kA, answer};
}
Reply aaaa(const Answer& answer, size_t index = 0) {
  return {index, Type::kAaaa, answer};
}
Answered answered(const std::vector<std::string_view>& addresses,
                  std::optional<Family> pending = {}, size_t index = 0) {
  Answered out{.name_index = index,
               .canonical = name("canon.example"),
               .addresses = {},
               .pending = {}};
  if (pending) out.pending = {*pending};
  for (const auto text : addresses) out.addresses.push_back(ip(text));
  return out;
}

SearchList one_name() { return {{name("host.example")}, 0}; }

// Begun at kT0 with both families and the defaults.
class ResolutionTest : public testing::Test {
 protected:
  Resolution begin(SearchList names,
                   const std::vector<Family>& wanted = {kV4, kV6},
                   const ResolutionSettings& settings = {}) {
    Resolution out(std::move(names), wanted, settings);
    out.step(BeginResolution{}, kT0);
    return out;
  }
  Resolution begin() { return begin(one_name()); }
};

// RFC 8305 section 3: AAAA first, A immediately after, neither waits.
TEST_F(ResolutionTest, BothQueriesLeaveAtOnceAaaaFirst) {
  Resolution look_up(one_name(), {kV4, kV6}, {});
  EXPECT_THAT(look_up.step(BeginResolution{}, kT0),
              ElementsAre(ask_aaaa(), ask_a(), Wake{kDeadline}));
}

TEST_F(ResolutionTest, OnlyWantedFamiliesAreAsked) {
  Resolution look_up(one_name(), {kV4}, {});
  EXPECT_THAT(look_up.step(BeginResolution{}, kT0),
              ElementsAre(ask_a(), Wake{kDeadline}));
}

TEST_F(ResolutionTest, WithoutNamesOrFamiliesThereIsNoSuchName) {
  EXPECT_THAT(Resolution({}, {kV4}, {}).step(BeginResolution{}, kT0),
              ElementsAre(LookupFailed{FailureKind::kNoName, {}}));
  EXPECT_THAT(Resolution(one_name(), {}, {}).step(BeginResolution{}, kT0),
              ElementsAre(LookupFailed{FailureKind::kNoName, {}}));
}

// A family for the race's sake: it joins, late or not, and decides nothing.
class ExtraFamily : public ResolutionTest {
 protected:
  Resolution begin() {
    return ResolutionTest::begin(one_name(), {kV4, kV6}, {.extra = kV6});
  }
};

TEST_F(ExtraFamily, IsAskedAndNotWaitedFor) {
  auto look_up = begin();
  EXPECT_THAT(look_up.step(a(kGoodA), kT0 + 10ms),
              ElementsAre(answered({"192.0.2.1"}, kV6), Wake{kDeadline}));
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0 + 90ms),
              ElementsAre(Late{kV6, {ip("2001:db8::1")}}));
  EXPECT_TRUE(look_up.over());
}

TEST_F(ExtraFamily, ThatIsThereFirstJoinsTheAnswerAndIsNone) {
  auto look_up = begin();
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0 + 10ms),
              ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(ResolutionTick{}, kT0 + 2s),
              ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(a(kGoodA), kT0 + 3s),
              ElementsAre(answered({"2001:db8::1", "192.0.2.1"})));
}

TEST_F(ExtraFamily, MakesNoAnswerOfNone) {
  for (const bool first : {true, false}) {
    auto look_up = begin();
    if (first) look_up.step(aaaa(kGoodAaaa), kT0 + 10ms);
    EXPECT_THAT(look_up.step(a(kNoData), kT0 + 20ms),
                ElementsAre(LookupFailed{FailureKind::kNoData, {}}));
  }
}

TEST_F(ExtraFamily, ThatFailsIsNoFailure) {
  auto look_up = begin();
  look_up.step(QueryFailed{0, Type::kAaaa, QueryFailure::kTransport},
               kT0 + 10ms);
  EXPECT_THAT(look_up.step(a(kNoData), kT0 + 20ms),
              ElementsAre(LookupFailed{FailureKind::kNoData, {}}));
}

// Scenario 17: AAAA 30 ms after A is still in time.
TEST_F(ResolutionTest, AaaaWithinTheResolutionDelayLeads) {
  auto look_up = begin();
  EXPECT_THAT(look_up.step(a(kGoodA), kT0 + 10ms),
              ElementsAre(Wake{kT0 + 60ms}));
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0 + 40ms),
              ElementsAre(answered({"2001:db8::1", "192.0.2.1"})));
  EXPECT_TRUE(look_up.over());
}

// Scenarios 18 to 20. RFC 8305 section 3: with A in, AAAA is waited for only
// for the Resolution Delay (50 ms); what comes later joins.
TEST_F(ResolutionTest, AAnswersAfterTheResolutionDelayAndAaaaJoinsLate) {
  auto look_up = begin();
  look_up.step(a(kGoodA), kT0);
  EXPECT_THAT(look_up.step(ResolutionTick{}, kT0 + 50ms),
              ElementsAre(answered({"192.0.2.1"}, kV6), Wake{kDeadline}));
  EXPECT_FALSE(look_up.over());
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0 + 400ms),
              ElementsAre(Late{kV6, {ip("2001:db8::1")}}));
  EXPECT_TRUE(look_up.over());
}

// Scenario 21: A late by 25 ms, 100 ms or never: AAAA answers at 0.
TEST_F(ResolutionTest, AaaaFirstAnswersAtOnceAndAJoinsLate) {
  auto look_up = begin();
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0 + 1ms),
              ElementsAre(answered({"2001:db8::1"}, kV4), Wake{kDeadline}));
  EXPECT_THAT(look_up.step(a(kGoodA), kT0 + 26ms),
              ElementsAre(Late{kV4, {ip("192.0.2.1")}}));
}

TEST_F(ResolutionTest, AFamilyThatNeverComesEndsLateAtTheResolveTimeout) {
  auto look_up = begin();
  look_up.step(aaaa(kGoodAaaa), kT0);
  EXPECT_THAT(look_up.step(ResolutionTick{}, kDeadline),
              ElementsAre(Late{kV4, {}}));
  EXPECT_TRUE(look_up.over());
}

TEST_F(ResolutionTest, AFamilyThatFailsAfterTheAnswerIsLateAndEmpty) {
  auto look_up = begin();
  look_up.step(aaaa(kGoodAaaa), kT0);
  EXPECT_THAT(look_up.step(a(kServfail), kT0 + 1ms),
              ElementsAre(Late{kV4, {}}));
}

TEST_F(ResolutionTest, ThePreferredFamilyMayBeToldToWaitForTheOther) {
  auto look_up =
      begin(one_name(), {kV4, kV6}, {.preferred_first_delay = Duration(5ms)});
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0), ElementsAre(Wake{kT0 + 5ms}));
  EXPECT_THAT(look_up.step(a(kGoodA), kT0 + 1ms),
              ElementsAre(answered({"2001:db8::1", "192.0.2.1"})));
}

// A reply from afar: the second one may come a round trip after it.
TEST_F(ResolutionTest, ThePreferredFamilyWaitsForOneAndAHalfRoundTrips) {
  const auto waits = [this](Duration round_trip) {
    auto look_up =
        begin(one_name(), {kV4, kV6}, {.preferred_first_delay = Duration(5ms)});
    Reply first = aaaa(kGoodAaaa);
    first.round_trip = round_trip;
    const auto actions = look_up.step(first, kT0);
    return std::get<Wake>(actions.at(0)).time - kT0;
  };
  EXPECT_EQ(waits(2ms), 5ms);
  EXPECT_EQ(waits(20ms), 30ms);
  EXPECT_EQ(waits(100ms), 50ms) << "the Resolution Delay bounds it";
}

TEST_F(ResolutionTest, WithIpv4PreferredTheRolesAreSwapped) {
  auto look_up = begin(one_name(), {kV4, kV6}, {.preferred = kV4});
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0),
              ElementsAre(Wake{kT0 + 50ms}));
  EXPECT_THAT(look_up.step(a(kGoodA), kT0 + 1ms),
              ElementsAre(answered({"192.0.2.1", "2001:db8::1"})));
}

// Scenario 23: a negative AAAA ends the wait, whatever it is.
TEST_F(ResolutionTest, ANegativeAaaaEndsTheWaitForIt) {
  for (const Answer& bad :
       {kNoName, kNoData, kServfail, kRefused, kMalformed}) {
    auto look_up = begin();
    look_up.step(a(kGoodA), kT0);
    EXPECT_THAT(look_up.step(aaaa(bad), kT0 + 10ms),
                ElementsAre(answered({"192.0.2.1"})));
  }
}

TEST_F(ResolutionTest, AFailedAaaaQueryEndsTheWaitForIt) {
  auto look_up = begin();
  look_up.step(a(kGoodA), kT0);
  EXPECT_THAT(
      look_up.step(QueryFailed{0, Type::kAaaa, QueryFailure::kTransport},
                   kT0 + 10ms),
      ElementsAre(answered({"192.0.2.1"})));
}

// Scenario 24: AAAA's error first, A's answer later: v4 when it arrives.
TEST_F(ResolutionTest, AfterANegativeAaaaAAnswersWhenItComes) {
  auto look_up = begin();
  EXPECT_THAT(look_up.step(aaaa(kNoName), kT0 + 1ms),
              ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(a(kGoodA), kT0 + 300ms),
              ElementsAre(answered({"192.0.2.1"})));
}

// Scenario 28: the timer and AAAA in the same instant give one answer.
TEST_F(ResolutionTest, TimerAndReplyInTheSameInstantGiveOneAnswer) {
  auto look_up = begin();
  look_up.step(a(kGoodA), kT0);
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0 + 50ms),
              ElementsAre(answered({"2001:db8::1", "192.0.2.1"})));
  EXPECT_THAT(look_up.step(ResolutionTick{}, kT0 + 50ms), IsEmpty());
}

// Scenario 29: one wanted family never waits.
TEST_F(ResolutionTest, OneFamilyAloneHasNoResolutionDelay) {
  auto look_up = begin(one_name(), {kV4});
  EXPECT_THAT(look_up.step(a(kGoodA), kT0),
              ElementsAre(answered({"192.0.2.1"})));
  EXPECT_TRUE(look_up.over());
}

// Scenario 27: DNS never answers.
TEST_F(ResolutionTest, SilenceIsTryAgainAtTheResolveTimeout) {
  auto look_up = begin();
  EXPECT_THAT(look_up.step(ResolutionTick{}, kDeadline - 1us),
              ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(ResolutionTick{}, kDeadline),
              ElementsAre(LookupFailed{FailureKind::kTryAgain,
                                       QueryFailure::kTimeout}));
}

TEST_F(ResolutionTest, TheResolutionDelayNeverOutlastsTheResolveTimeout) {
  auto look_up = begin();
  EXPECT_THAT(look_up.step(a(kGoodA), kDeadline - 20ms),
              ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(ResolutionTick{}, kDeadline),
              ElementsAre(answered({"192.0.2.1"}, kV6), Late{kV6, {}}));
}

// Scenario 26: both fail, in each order: one error. The pairs are those of
// getaddrinfo(3) of glibc 2.36, but for REFUSED, which it reports as "try
// again" because it has then run out of name servers.
TEST_F(ResolutionTest, TwoNegativeRepliesGiveOneError) {
  const struct {
    Answer a, aaaa;
    FailureKind expected;
  } kCases[] = {
      {kNoName, kNoName, FailureKind::kNoName},
      {kNoData, kNoData, FailureKind::kNoData},
      {kNoData, kNoName, FailureKind::kNoName},
      {kNoName, kNoData, FailureKind::kNoName},
      {kServfail, kNoName, FailureKind::kNoName},
      {kNoName, kServfail, FailureKind::kNoName},
      {kServfail, kNoData, FailureKind::kNoData},
      {kNoData, kServfail, FailureKind::kNoData},
      {kRefused, kNoData, FailureKind::kNoData},
      {kNoData, kRefused, FailureKind::kNoData},
      {kDeadAlias, kDeadAlias, FailureKind::kNoName},
      {kServfail, kDeadAlias, FailureKind::kNoName},
      {kServfail, kServfail, FailureKind::kTryAgain},
      {kRefused, kRefused, FailureKind::kFail},
      {kServfail, kRefused, FailureKind::kTryAgain},
      {kRefused, kServfail, FailureKind::kFail},
      {kMalformed, kMalformed, FailureKind::kTryAgain},
  };
  for (const auto& c : kCases) {
    auto a_first = begin();
    a_first.step(a(c.a), kT0);
    EXPECT_THAT(a_first.step(aaaa(c.aaaa), kT0),
                ElementsAre(LookupFailed{c.expected, {}}));
    auto aaaa_first = begin();
    aaaa_first.step(aaaa(c.aaaa), kT0);
    EXPECT_THAT(aaaa_first.step(a(c.a), kT0),
                ElementsAre(LookupFailed{c.expected, {}}));
  }
}

TEST_F(ResolutionTest, LateAndDuplicateEventsChangeNothing) {
  auto look_up = begin();
  look_up.step(a(kNoData), kT0);
  EXPECT_THAT(look_up.step(a(kGoodA), kT0), ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa, 7), kT0),
              ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(BeginResolution{}, kT0),
              ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0),
              ElementsAre(answered({"2001:db8::1"})));
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0), IsEmpty());
  EXPECT_THAT(look_up.step(ResolutionTick{}, kT0 + 9s), IsEmpty());
}

TEST_F(ResolutionTest, NothingComesBeforeTheBeginning) {
  Resolution look_up(one_name(), {kV4, kV6}, {});
  EXPECT_THAT(look_up.step(ResolutionTick{}, kT0), IsEmpty());
  EXPECT_THAT(look_up.step(a(kGoodA), kT0), IsEmpty());
}

// The search list, as res_search(3) walks it.
class SearchWalkTest : public ResolutionTest {
 protected:
  // Short name: two expansions, then the name as it is.
  Resolution list_first() {
    return begin({{name("h.a"), name("h.b"), name("h")}, 2}, {kV4});
  }
  // Enough dots: the name as it is, then two expansions.
  Resolution as_is_first() {
    return begin({{name("h"), name("h.a"), name("h.b")}, 0}, {kV4});
  }
  // Feeds one A reply a name; the last step's actions.
  std::vector<ResolutionAction> feed(Resolution look_up,
                                     const std::vector<Answer>& answers) {
    std::vector<ResolutionAction> out;
    for (size_t i = 0; i < answers.size(); ++i) {
      out = look_up.step(a(answers[i], i), kT0);
    }
    return out;
  }
  auto fails(FailureKind kind) { return ElementsAre(LookupFailed{kind, {}}); }
};

TEST_F(SearchWalkTest, NegativeRepliesGoOnToTheNextName) {
  for (const Answer& bad : {kNoName, kNoData, kServfail}) {
    EXPECT_THAT(list_first().step(a(bad), kT0),
                ElementsAre(ask_a(1), Wake{kDeadline}));
  }
}

TEST_F(SearchWalkTest, TheNextNameIsAskedOnlyWhenBothFamiliesAreNegative) {
  auto look_up = begin({{name("h.a"), name("h")}, 1});
  EXPECT_THAT(look_up.step(aaaa(kNoName), kT0), ElementsAre(Wake{kDeadline}));
  EXPECT_THAT(look_up.step(a(kNoName), kT0),
              ElementsAre(ask_aaaa(1), ask_a(1), Wake{kDeadline}));
}

TEST_F(SearchWalkTest, AnswersSayWhichNameItWas) {
  auto look_up = list_first();
  look_up.step(a(kNoName), kT0);
  EXPECT_THAT(look_up.step(a(kGoodA, 1), kT0),
              ElementsAre(answered({"192.0.2.1"}, {}, 1)));
}

TEST_F(SearchWalkTest, RefusalsSkipToTheNameAsItIs) {
  EXPECT_THAT(list_first().step(a(kRefused), kT0),
              ElementsAre(ask_a(2), Wake{kDeadline}));
  EXPECT_THAT(list_first().step(a(kMalformed), kT0),
              ElementsAre(ask_a(2), Wake{kDeadline}));
}

// To res_search(3) a reply with an alias is an answer.
TEST_F(SearchWalkTest, ADeadAliasEndsTheList) {
  EXPECT_THAT(list_first().step(a(kDeadAlias), kT0),
              fails(FailureKind::kNoName));
}

TEST_F(SearchWalkTest, AfterTheNameAsItIsARefusalInTheListEndsIt) {
  EXPECT_THAT(feed(as_is_first(), {kNoName, kRefused}),
              fails(FailureKind::kNoName));
}

TEST_F(SearchWalkTest, TheErrorOfAFirstTryAsItIsWins) {
  EXPECT_THAT(feed(as_is_first(), {kNoName, kNoData, kServfail}),
              fails(FailureKind::kNoName));
  EXPECT_THAT(feed(as_is_first(), {kServfail, kNoName, kNoName}),
              fails(FailureKind::kTryAgain));
}

TEST_F(SearchWalkTest, ElseNoDataWinsThenServfailThenTheLastError) {
  EXPECT_THAT(feed(list_first(), {kNoData, kServfail, kNoName}),
              fails(FailureKind::kNoData));
  EXPECT_THAT(feed(list_first(), {kNoName, kServfail, kNoName}),
              fails(FailureKind::kTryAgain));
  EXPECT_THAT(feed(list_first(), {kNoName, kNoName, kRefused}),
              fails(FailureKind::kFail));
}

// resolv.conf(5): the search stops on a time-out.
TEST_F(SearchWalkTest, AQuestionWithoutReplyStopsTheList) {
  for (const auto cause : {QueryFailure::kTimeout, QueryFailure::kTransport,
                           QueryFailure::kAuthentication}) {
    EXPECT_THAT(list_first().step(QueryFailed{0, Type::kA, cause}, kT0),
                ElementsAre(LookupFailed{FailureKind::kTryAgain, cause}));
  }
}

TEST_F(SearchWalkTest, OneDeadlineHoldsForTheWholeList) {
  auto look_up = list_first();
  look_up.step(a(kNoName), kT0 + 3s);
  EXPECT_THAT(look_up.step(a(kNoName, 1), kDeadline),
              ElementsAre(LookupFailed{FailureKind::kTryAgain,
                                       QueryFailure::kTimeout}));
}

TEST_F(SearchWalkTest, RepliesToAnEarlierNameAreIgnored) {
  auto look_up = begin({{name("h.a"), name("h")}, 1}, {kV4});
  look_up.step(a(kNoName), kT0);
  EXPECT_THAT(look_up.step(a(kGoodA, 0), kT0), ElementsAre(Wake{kDeadline}));
}

// RFC 8767: an answer whose time is over, for where the resolvers fail.
class StaleTest : public ResolutionTest {
 protected:
  static Expired expired(const Answer& answer, Type type = Type::kA) {
    return {0, type, answer};
  }
  static Answered stale(const std::vector<std::string_view>& addresses,
                        std::vector<Family> pending) {
    Answered out = answered(addresses);
    out.pending = std::move(pending);
    out.stale = true;
    return out;
  }
  const Answer kOld = good("192.0.2.9");
};

// Section 5: a client response timer of 1.8 seconds.
TEST_F(StaleTest, SilenceIsFollowedByTheExpiredAnswerAfterAWhile) {
  auto look_up = begin();
  EXPECT_THAT(look_up.step(expired(kOld), kT0),
              ElementsAre(Wake{kT0 + 1800ms}));
  EXPECT_THAT(look_up.step(ResolutionTick{}, kT0 + 1799ms),
              ElementsAre(Wake{kT0 + 1800ms}));
  EXPECT_THAT(look_up.step(ResolutionTick{}, kT0 + 1800ms),
              ElementsAre(stale({"192.0.2.9"}, {kV6, kV4}), Wake{kDeadline}));
}

// connect() races what comes after all.
TEST_F(StaleTest, FreshAnswersOfBothFamiliesStillJoin) {
  auto look_up = begin();
  look_up.step(expired(kOld), kT0);
  look_up.step(ResolutionTick{}, kT0 + 1800ms);
  EXPECT_THAT(look_up.step(a(kGoodA), kT0 + 2s),
              ElementsAre(Late{kV4, {ip("192.0.2.1")}}, Wake{kDeadline}));
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0 + 3s),
              ElementsAre(Late{kV6, {ip("2001:db8::1")}}));
  EXPECT_TRUE(look_up.over());
}

TEST_F(StaleTest, FailuresAreFollowedByItAtOnce) {
  for (const ResolutionEvent& failure :
       {ResolutionEvent(QueryFailed{0, Type::kA, QueryFailure::kTransport}),
        ResolutionEvent(a(kServfail)), ResolutionEvent(a(kRefused)),
        ResolutionEvent(a(kMalformed))}) {
    auto look_up = begin(one_name(), {kV4});
    look_up.step(expired(kOld), kT0);
    EXPECT_THAT(look_up.step(failure, kT0 + 20ms),
                ElementsAre(stale({"192.0.2.9"}, {})));
  }
}

TEST_F(StaleTest, NegativeAnswersAreAnswers) {
  for (const Answer& answer : {kNoName, kNoData}) {
    auto look_up = begin(one_name(), {kV4});
    look_up.step(expired(kOld), kT0);
    EXPECT_THAT(look_up.step(a(answer), kT0 + 20ms),
                ElementsAre(LookupFailed{failure_kind(answer.status), {}}));
  }
}

// The name is gone, though only one family's answer says so.
TEST_F(StaleTest, NoSuchNameOutranksTheOtherFamilysExpiredAnswer) {
  auto look_up = begin();
  look_up.step(expired(kOld), kT0);
  look_up.step(a(kServfail), kT0 + 10ms);
  EXPECT_THAT(look_up.step(aaaa(kNoName), kT0 + 20ms),
              ElementsAre(LookupFailed{FailureKind::kNoName, {}}));
}

TEST_F(StaleTest, AFreshAnswerIsNotMixedWithAnExpiredOne) {
  auto look_up = begin();
  look_up.step(expired(kOld), kT0);
  look_up.step(a(kServfail), kT0 + 10ms);
  EXPECT_THAT(look_up.step(aaaa(kGoodAaaa), kT0 + 20ms),
              ElementsAre(answered({"2001:db8::1"})));
}

TEST_F(StaleTest, AShortResolveTimeoutIsKept) {
  auto look_up = begin(one_name(), {kV4}, {.resolve_timeout = 500ms});
  EXPECT_THAT(look_up.step(expired(kOld), kT0), ElementsAre(Wake{kT0 + 500ms}));
  EXPECT_THAT(look_up.step(ResolutionTick{}, kT0 + 500ms),
              ElementsAre(stale({"192.0.2.9"}, {kV4}), Late{kV4, {}}));
}

}  // namespace
}  // namespace happy::dns
