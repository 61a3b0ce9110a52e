// DotSession on virtual time: streams and addresses that accept and then say
// nothing, and how soon somebody else is asked.
#include "tests/unit/dns/dot_session_fixture.h"

namespace happy::dot {
namespace {

using ::testing::_;
using ::testing::VariantWith;

class Hedge : public DotSessionTest {
 protected:
  explicit Hedge(DotSettings settings = {}) : DotSessionTest(settings) {}

  // A connection that answered its first query in 20 ms, at 40 ms.
  void SetUp() override {
    (void)step(Received{kFirst, reply_to(asked_and_sent())}, 40ms);
  }
};

class HedgeOfTwo : public Hedge {
 protected:
  HedgeOfTwo() : Hedge({.addresses = 2}) {}
};

// The target: a reused session that went silent costs less than a second.
TEST_F(Hedge, ASilentReusedConnectionIsHedgedByAnother) {
  const Send lost = only_send(step(ask(kOther), 1s));
  ASSERT_TRUE(wake_);
  EXPECT_GE(*wake_, 1s + 40ms);
  EXPECT_LE(*wake_, 1s + 400ms);
  EXPECT_THAT(step(DotTick{}, *wake_ - 1ms), IsEmpty());
  EXPECT_THAT(step(DotTick{}, 1s + 200ms),
              ElementsAre(OpenConnection{kSecond, 0, true}));
  const Send again = only_send(step(Established{kSecond}, 1s + 240ms));
  EXPECT_EQ(kSecond, again.connection);
  EXPECT_NE(lost.octets, again.octets);
  const auto reply = reply_to(again);
  EXPECT_THAT(step(Received{kSecond, reply}, 1s + 260ms),
              ElementsAre(Answered{kOther, kSecond, reply, 20ms, false},
                          CloseConnection{kFirst}));
}

TEST_F(Hedge, TheFirstAnswerWinsWhicheverConnectionItComesOn) {
  const Send slow = only_send(step(ask(kOther), 1s));
  (void)step(DotTick{}, 1s + 200ms);
  const auto reply = reply_to(slow);
  EXPECT_THAT(step(Received{kFirst, reply}, 1s + 210ms),
              ElementsAre(Answered{kOther, kFirst, reply, 210ms, true},
                          CloseConnection{kSecond}));
}

TEST_F(Hedge, AnAnswerToTheFirstSendingStillCountsAfterTheSecond) {
  const Send slow = only_send(step(ask(kOther), 1s));
  (void)step(DotTick{}, 1s + 200ms);
  (void)step(Established{kSecond}, 1s + 240ms);
  const auto reply = reply_to(slow);
  EXPECT_THAT(step(Received{kFirst, reply}, 1s + 250ms),
              ElementsAre(Answered{kOther, kFirst, reply, 250ms, true},
                          CloseConnection{kSecond}));
}

// One slow name among others that are answered: the stream lives.
TEST_F(Hedge, AConnectionThatAnswersOthersIsNotSuspected) {
  const Send slow = only_send(step(ask(kOther, "slow.example"), 1s));
  const Send quick = only_send(step(ask(QueryId{9}, "quick.example"), 1s));
  (void)step(Received{kFirst, reply_to(quick)}, 1s + 20ms);
  EXPECT_THAT(step(DotTick{}, 1s + 900ms), IsEmpty());
  EXPECT_EQ(kPatience, wake_);
}

// The first query on a new connection: that it stands was just seen.
TEST(FreshConnection, IsNotHedgedWhereThereIsOneAddress) {
  DotSession session({}, [] { return uint16_t{7}; });
  const Ask ask{kQuery, question(), kT0 + kPatience};
  (void)session.step(ask, kT0);
  (void)session.step(Established{kFirst}, kT0 + 20ms);
  EXPECT_THAT(session.step(DotTick{}, kT0 + 2s),
              ElementsAre(WakeAt{kT0 + kPatience}));
}

// What is asked meanwhile does not go into the silent stream, but waits for
// whichever speaks first.
TEST_F(Hedge, LaterQueriesAvoidASuspectedConnection) {
  (void)step(ask(kOther), 1s);
  (void)step(DotTick{}, 1s + 200ms);
  EXPECT_THAT(step(ask(QueryId{9}), 1s + 210ms), IsEmpty());
  EXPECT_THAT(step(Established{kSecond}, 1s + 240ms),
              ElementsAre(VariantWith<Send>(_), VariantWith<Send>(_)));
}

TEST_F(Hedge, WhereNoOtherConnectionCanBeMadeTheSuspectIsUsed) {
  (void)step(ask(kOther), 1s);
  (void)step(DotTick{}, 1s + 200ms);
  EXPECT_THAT(step(Lost{kSecond}, 1s + 210ms), IsEmpty());
  (void)step(ask(QueryId{9}), 1s + 220ms);
  EXPECT_THAT(step(Lost{kThird}, 1s + 230ms),
              ElementsAre(VariantWith<Send>(
                  testing::Field(&Send::connection, kFirst))));
}

TEST_F(Hedge, AQueryIsSentOnceMoreAndNotOftener) {
  (void)step(ask(kOther), 1s);
  (void)step(DotTick{}, 1s + 200ms);
  (void)step(Established{kSecond}, 1s + 240ms);
  EXPECT_EQ(kPatience, wake_);
  EXPECT_THAT(
      step(DotTick{}, kPatience),
      ElementsAre(Failed{kOther, GaveUp::kNoReply, kSecond, kPatience - 1s},
                  CloseConnection{kFirst}, CloseConnection{kSecond}));
}

// The reply may lie in the socket, unread: the process was stopped, or had no
// processor.
TEST_F(Hedge, AProcessThatWasStoppedIsPatientOnceMore) {
  (void)step(ask(kOther, "a.example", 60s), 1s);
  EXPECT_THAT(step(DotTick{}, 3s), IsEmpty());
  ASSERT_TRUE(wake_);
  EXPECT_EQ(3s + 200ms, *wake_);
  EXPECT_THAT(step(DotTick{}, 3s + 200ms),
              ElementsAre(OpenConnection{kSecond, 0, true}));
}

// A resolver that is always slow is not taken for a dead one at each query.
TEST_F(Hedge, PatienceFollowsTheAnswerTime) {
  Duration at = 1s;
  for (uint64_t i = 0; i < 8; ++i, at += 1s) {
    const Send sent =
        only_send(step(ask(QueryId{100 + i}, "a.example", 60s), at));
    (void)step(Received{sent.connection, reply_to(sent)}, at + 150ms);
  }
  (void)step(ask(kOther, "a.example", 60s), at);
  EXPECT_GE(*wake_, at + 300ms);
  EXPECT_LE(*wake_, at + 400ms);
}

TEST_F(HedgeOfTwo, TheOtherAddressIsTriedFirstAndTheSameOneAfterAStagger) {
  (void)step(ask(kOther), 1s);
  EXPECT_THAT(step(DotTick{}, 1s + 200ms),
              ElementsAre(OpenConnection{kSecond, 1, true}));
  EXPECT_THAT(step(DotTick{}, 1s + 450ms),
              ElementsAre(OpenConnection{kThird, 0, false}));
}

// "A resolver that accepts and stalls beside a good one: at most 250 ms and the
// good one's time": here 60 ms for connecting, handshake and answer.
TEST_F(TwoAddresses, OneThatAcceptsAndStallsLoses) {
  (void)step(ask(), 0ms);
  EXPECT_EQ(kFirst, only_send(step(Established{kFirst}, 40ms)).connection);
  EXPECT_EQ(250ms, wake_);
  EXPECT_THAT(step(DotTick{}, 250ms),
              ElementsAre(OpenConnection{kSecond, 1, false}));
  const Send sent = only_send(step(Established{kSecond}, 290ms));
  const auto reply = reply_to(sent);
  EXPECT_THAT(step(Received{kSecond, reply}, 310ms),
              ElementsAre(Answered{kQuery, kSecond, reply, 20ms, false},
                          CloseConnection{kFirst}));
}

TEST_F(TwoAddresses, TheStallerMayStillAnswerFirst) {
  (void)step(ask(), 0ms);
  const Send sent = only_send(step(Established{kFirst}, 40ms));
  (void)step(DotTick{}, 250ms);
  const auto reply = reply_to(sent);
  EXPECT_THAT(step(Received{kFirst, reply}, 260ms),
              ElementsAre(Answered{kQuery, kFirst, reply, 220ms, false},
                          CloseConnection{kSecond}));
}

TEST_F(TwoAddresses, TheStallerIsPassedOverNextTime) {
  (void)step(ask(), 0ms);
  (void)step(Established{kFirst}, 40ms);
  (void)step(DotTick{}, 250ms);
  const Send sent = only_send(step(Established{kSecond}, 290ms));
  (void)step(Received{kSecond, reply_to(sent)}, 310ms);
  (void)step(Lost{kSecond}, 1s);
  EXPECT_THAT(step(ask(kOther), 2s),
              ElementsAre(OpenConnection{kThird, 1, true}));
}

// Garbage is no valid answer: who sent it does not win.
TEST_F(TwoAddresses, GarbageDoesNotWin) {
  (void)step(ask(), 0ms);
  const Send first = only_send(step(Established{kFirst}, 40ms));
  (void)step(DotTick{}, 250ms);
  const Send second = only_send(step(Established{kSecond}, 290ms));
  auto garbage = reply_to(first);
  garbage[7] = 9;  // answers that are not there
  EXPECT_THAT(step(Received{kFirst, garbage}, 300ms), IsEmpty());
  const auto reply = reply_to(second);
  EXPECT_THAT(step(Received{kSecond, reply}, 310ms),
              ElementsAre(VariantWith<Answered>(_), CloseConnection{kFirst}));
}

TEST_F(TwoAddresses, AnAddressThatFailedIsTriedLastForAWhile) {
  (void)step(ask(), 0ms);
  (void)step(Lost{kFirst}, 5ms);
  const Send sent = only_send(step(Established{kSecond}, 20ms));
  (void)step(Received{kSecond, reply_to(sent)}, 40ms);
  (void)step(Lost{kSecond}, 1s);
  (void)step(ask(kOther), 2s);
  EXPECT_THAT(step(Lost{kThird}, 2s + 5ms),  // well known, but gone as well
              ElementsAre(OpenConnection{ConnectionId{4}, 0, false}));
  (void)step(Lost{ConnectionId{4}}, 2s + 9ms);
  EXPECT_THAT(step(ask(kOther, "a.example", 20s), 10s + 6ms),
              ElementsAre(OpenConnection{ConnectionId{5}, 0, true}));
}

}  // namespace
}  // namespace happy::dot
