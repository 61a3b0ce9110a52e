// DotSession on virtual time: when connections are opened and closed, what is
// sent where, and that each query ends exactly once.
#include "core/dns/dot_session.h"

#include <map>
#include <random>

#include "core/dns/stream.h"
#include "tests/unit/dns/dot_session_fixture.h"

namespace happy::dot {
namespace {

using dns::StreamReader;

TEST_F(DotSessionTest, NothingIsOpenedBeforeAQuery) {
  EXPECT_THAT(step(DotTick{}, 0ms), IsEmpty());
  EXPECT_EQ(std::nullopt, wake_);
}

TEST_F(DotSessionTest, AQueryOpensAConnectionAndWakesAtItsDeadline) {
  EXPECT_THAT(step(ask(), 0ms), ElementsAre(OpenConnection{kFirst, 0, true}));
  EXPECT_EQ(kPatience, wake_);
}

TEST_F(DotSessionTest, QueriesThatWaitedAreSentTogether) {
  (void)step(ask(kQuery), 0ms);
  (void)step(ask(kOther), 1ms);
  EXPECT_THAT(step(Established{kFirst}, 20ms),
              ElementsAre(testing::VariantWith<Send>(testing::_),
                          testing::VariantWith<Send>(testing::_)));
}

// Queries may go with the first flight; another address is tried after the
// stagger all the same, and what fails before it stands has failed to open.
TEST_F(DotSessionTest, AnEarlyConnectionTakesQueriesAtOnce) {
  (void)step(ask(), 0ms);
  const auto early =
      step(Established{.connection = kFirst, .early = true}, 0ms);
  ASSERT_EQ(1u, early.size());
  const auto reply = reply_to(std::get<Send>(early[0]));
  EXPECT_THAT(step(Established{kFirst, 20ms}, 40ms), IsEmpty());
  EXPECT_THAT(step(Received{kFirst, reply}, 41ms),
              ElementsAre(Answered{kQuery, kFirst, reply, 41ms, false}));
}

TEST_F(TwoAddresses, AnEarlyConnectionDoesNotKeepOthersFromBeingTried) {
  (void)step(ask(), 0ms);
  (void)step(Established{.connection = kFirst, .early = true}, 0ms);
  EXPECT_THAT(step(DotTick{}, 250ms),
              ElementsAre(OpenConnection{kSecond, 1, false}));
  EXPECT_THAT(step(Established{kSecond}, 270ms),
              ElementsAre(testing::VariantWith<Send>(testing::_)));
}

TEST_F(TwoAddresses, AnEarlyConnectionThatFailsHasNotBeenOpened) {
  (void)step(ask(), 0ms);
  (void)step(Established{.connection = kFirst, .early = true}, 0ms);
  EXPECT_THAT(step(Lost{kFirst}, 10ms),
              ElementsAre(OpenConnection{kSecond, 1, false}));
  EXPECT_THAT(step(Lost{kSecond}, 20ms),
              ElementsAre(Failed{kQuery, GaveUp::kNoConnection, kFirst, 20ms}));
}

TEST_F(DotSessionTest, AnEarlyConnectionThatFailsByItsTicketIsTriedWithout) {
  (void)step(ask(), 0ms);
  (void)step(Established{.connection = kFirst, .early = true}, 0ms);
  EXPECT_THAT(step(Lost{kFirst, true}, 10ms),
              ElementsAre(OpenConnection{kSecond, 0, false}));
  EXPECT_THAT(step(Established{kSecond}, 30ms),
              ElementsAre(testing::VariantWith<Send>(testing::_)));
}

TEST_F(DotSessionTest, SilenceOfAnEarlyConnectionIsThatOfAPort) {
  (void)step(ask(), 0ms);
  (void)step(Established{.connection = kFirst, .early = true}, 0ms);
  EXPECT_THAT(step(DotTick{}, kPatience),
              ElementsAre(Failed{kQuery, GaveUp::kNoConnectionInTime, kFirst,
                                 kPatience},
                          CloseConnection{kFirst}));
}

// What one session has learned the next one begins with.
TEST_F(TwoAddresses, AnotherSessionsKnowledgeIsBegunWith) {
  (void)step(ask(), 0ms);
  (void)step(Lost{kFirst}, 10ms);
  const auto sent = step(Established{kSecond}, 20ms);
  (void)step(Received{kSecond, reply_to(only_send(sent))}, 30ms);
  const auto known = session_.knowledge();
  EXPECT_EQ(known.preferred, 1u);
  EXPECT_FALSE(known.addresses[0].health.is_well(kT0 + 30ms));
  DotSession next(
      {.addresses = 2}, [this] { return next_id_++; }, known);
  EXPECT_EQ(next.knowledge(), known);
  EXPECT_THAT(next.step(ask(), kT0 + 1s),
              testing::Contains(OpenConnection{kFirst, 1, true}));
  DotSession of_another(
      {.addresses = 1}, [this] { return next_id_++; }, known);
  EXPECT_EQ(of_another.knowledge().preferred, 0u);
}

TEST_F(DotSessionTest, AReplyAnswersItsQueryOnce) {
  const auto reply = reply_to(asked_and_sent());
  EXPECT_THAT(step(Received{kFirst, reply}, 40ms),
              ElementsAre(Answered{kQuery, kFirst, reply, 20ms, false}));
  EXPECT_THAT(step(Received{kFirst, reply}, 41ms), IsEmpty());
}

TEST_F(DotSessionTest, ALaterQueryReusesTheConnection) {
  (void)step(Received{kFirst, reply_to(asked_and_sent())}, 40ms);
  const auto sent = step(ask(kOther), 100ms);
  ASSERT_EQ(1u, sent.size());
  const auto reply = reply_to(std::get<Send>(sent[0]));
  EXPECT_THAT(step(Received{kFirst, reply}, 120ms),
              ElementsAre(Answered{kOther, kFirst, reply, 20ms, true}));
}

// RFC 7766 section 7: matched on the ID and the question.
TEST_F(DotSessionTest, AReplyWithAnotherIdOrQuestionIsIgnored) {
  const Send sent = asked_and_sent();
  auto wrong_id = reply_to(sent);
  wrong_id[1] ^= 1;
  EXPECT_THAT(step(Received{kFirst, wrong_id}, 30ms), IsEmpty());
  auto wrong_name = reply_to(sent);
  wrong_name[13] ^= 1;
  EXPECT_THAT(step(Received{kFirst, wrong_name}, 31ms), IsEmpty());
  EXPECT_EQ(1u, step(Received{kFirst, reply_to(sent)}, 32ms).size());
}

TEST_F(DotSessionTest, AReplyThatCannotBeDecodedFailsItsQueryAlone) {
  const Send sent = asked_and_sent();
  (void)step(ask(kOther), 21ms);
  auto broken = reply_to(sent);
  broken[7] = 9;  // answers that are not there
  EXPECT_THAT(step(Received{kFirst, broken}, 30ms),
              ElementsAre(Failed{kQuery, GaveUp::kNotDns, kFirst, 30ms}));
}

TEST_F(DotSessionTest, AStreamOutOfStepIsClosed) {
  (void)asked_and_sent();
  EXPECT_THAT(step(Received{kFirst, {1, 2}}, 30ms),
              ElementsAre(Failed{kQuery, GaveUp::kNotDns, kFirst, 30ms},
                          CloseConnection{kFirst}));
}

TEST_F(DotSessionTest, ABrokenConnectionsQueryIsSentOnceMore) {
  const Send first = asked_and_sent();
  EXPECT_THAT(step(Lost{kFirst}, 30ms),
              ElementsAre(OpenConnection{kSecond, 0, true}));
  const auto again = step(Established{kSecond}, 50ms);
  ASSERT_EQ(1u, again.size());
  EXPECT_NE(first.octets, std::get<Send>(again[0]).octets);  // another ID
  EXPECT_THAT(step(Lost{kSecond}, 60ms),
              ElementsAre(Failed{kQuery, GaveUp::kBroken, kSecond, 60ms}));
  EXPECT_EQ(std::nullopt, wake_);
}

TEST_F(DotSessionTest, AnIdleConnectionThatIsLostIsNotReplaced) {
  (void)step(Received{kFirst, reply_to(asked_and_sent())}, 40ms);
  EXPECT_THAT(step(Lost{kFirst}, 1s), IsEmpty());
  EXPECT_THAT(step(ask(kOther), 2s),
              ElementsAre(OpenConnection{kSecond, 0, true}));
}

TEST_F(DotSessionTest, AnIdleConnectionIsClosedAfterAWhile) {
  (void)step(Received{kFirst, reply_to(asked_and_sent())}, 40ms);
  EXPECT_EQ(9500ms + 40ms, wake_);
  EXPECT_THAT(step(DotTick{}, 9500ms), IsEmpty());
  EXPECT_THAT(step(DotTick{}, 9500ms + 40ms),
              ElementsAre(CloseConnection{kFirst}));
  EXPECT_EQ(std::nullopt, wake_);
}

// RFC 7828 section 3.2.2: the client leaves before the server's time is up.
TEST_F(DotSessionTest, TheServersKeepaliveShortensTheIdleTime) {
  (void)step(Received{kFirst, reply_to(asked_and_sent(), 20)}, 40ms);
  ASSERT_TRUE(wake_);
  EXPECT_LT(*wake_, 2s + 40ms);
  EXPECT_GT(*wake_, 1s);
}

TEST_F(DotSessionTest, ALongKeepaliveDoesNotLengthenIt) {
  (void)step(Received{kFirst, reply_to(asked_and_sent(), 6000)}, 40ms);
  EXPECT_EQ(9500ms + 40ms, wake_);
}

TEST_F(DotSessionTest, KeepaliveOfZeroClosesAfterThePendingReplies) {
  const Send first = asked_and_sent();
  const auto second = step(ask(kOther), 21ms);
  EXPECT_EQ(1u, step(Received{kFirst, reply_to(first, 0)}, 40ms).size());
  EXPECT_THAT(step(ask(QueryId{9}), 41ms),
              ElementsAre(OpenConnection{kSecond, 0, true}));
  const auto reply = reply_to(std::get<Send>(second.at(0)));
  EXPECT_THAT(step(Received{kFirst, reply}, 50ms),
              ElementsAre(Answered{kOther, kFirst, reply, 29ms, true},
                          CloseConnection{kFirst}));
}

TEST_F(DotSessionTest, TheDeadlineEndsTheWaitForAConnection) {
  (void)step(ask(), 0ms);
  EXPECT_THAT(
      step(DotTick{}, kPatience),
      ElementsAre(Failed{kQuery, GaveUp::kNoConnectionInTime, {}, kPatience},
                  CloseConnection{kFirst}));
  EXPECT_EQ(std::nullopt, wake_);
}

// Otherwise every later query would wait for the kernel to give up.
TEST_F(DotSessionTest, AConnectionThatWasSilentTillTheDeadlineIsClosed) {
  (void)asked_and_sent();
  EXPECT_THAT(step(DotTick{}, kPatience),
              ElementsAre(Failed{kQuery, GaveUp::kNoReply, kFirst, kPatience},
                          CloseConnection{kFirst}));
}

TEST_F(DotSessionTest, ASlowQueryDoesNotCondemnALivelyConnection) {
  (void)asked_and_sent();
  const auto other = step(ask(kOther, "b.example", 9s), 1s);
  (void)step(Received{kFirst, reply_to(std::get<Send>(other.at(0)))}, 2s);
  EXPECT_THAT(step(DotTick{}, kPatience),
              ElementsAre(Failed{kQuery, GaveUp::kNoReply, kFirst, kPatience}));
}

TEST_F(DotSessionTest, NoMoreThanAHundredAreOutstanding) {
  for (uint64_t i = 0; i < 150; ++i) (void)step(ask(QueryId{i}), 0ms);
  const auto sent = step(Established{kFirst}, 20ms);
  ASSERT_EQ(100u, sent.size());
  const auto more =
      step(Received{kFirst, reply_to(std::get<Send>(sent[3]))}, 40ms);
  EXPECT_THAT(more, ElementsAre(testing::VariantWith<Answered>(testing::_),
                                testing::VariantWith<Send>(testing::_)));
}

TEST_F(DotSessionTest, EventsOfClosedConnectionsAreIgnored) {
  (void)asked_and_sent();
  EXPECT_THAT(step(Established{ConnectionId{99}}, 30ms), IsEmpty());
  EXPECT_THAT(step(Lost{ConnectionId{99}}, 30ms), IsEmpty());
  EXPECT_THAT(step(Received{ConnectionId{99}, {1}}, 30ms), IsEmpty());
}

TEST_F(TwoAddresses, TheSecondIsTriedAfterTheStagger) {
  EXPECT_THAT(step(ask(), 0ms), ElementsAre(OpenConnection{kFirst, 0, true}));
  EXPECT_EQ(250ms, wake_);
  EXPECT_THAT(step(DotTick{}, 249ms), IsEmpty());
  EXPECT_THAT(step(DotTick{}, 250ms),
              ElementsAre(OpenConnection{kSecond, 1, false}));
}

TEST_F(TwoAddresses, AFailureIsFollowedAtOnce) {
  (void)step(ask(), 0ms);
  EXPECT_THAT(step(Lost{kFirst}, 5ms),
              ElementsAre(OpenConnection{kSecond, 1, false}));
}

// A race is won by a reply. The one that stood first has half the race to give
// it; whichever does, the other connection goes.
TEST_F(TwoAddresses, OnlyTheFirstToAnswerIsKept) {
  (void)step(ask(), 0ms);
  (void)step(DotTick{}, 250ms);
  const Send sent = only_send(step(Established{kSecond}, 300ms));
  EXPECT_EQ(kSecond, sent.connection);
  const auto reply = reply_to(sent);
  EXPECT_THAT(step(Received{kSecond, reply}, 320ms),
              ElementsAre(Answered{kQuery, kSecond, reply, 20ms, false},
                          CloseConnection{kFirst}));
}

TEST_F(TwoAddresses, QueriesFailWhenEveryAddressDid) {
  (void)step(ask(), 0ms);
  (void)step(Lost{kFirst}, 5ms);
  EXPECT_THAT(step(Lost{kSecond}, 9ms),
              ElementsAre(Failed{kQuery, GaveUp::kNoConnection, {}, 9ms}));
  EXPECT_THAT(step(ask(kOther), 10ms),
              ElementsAre(OpenConnection{ConnectionId{3}, 0, true}));
}

TEST_F(TwoAddresses, TheAddressThatServedLastIsTriedFirst) {
  (void)step(ask(), 0ms);
  (void)step(Lost{kFirst}, 5ms);
  const auto sent = step(Established{kSecond}, 20ms);
  (void)step(Received{kSecond, reply_to(std::get<Send>(sent.at(0)))}, 30ms);
  (void)step(Lost{kSecond}, 1s);
  EXPECT_THAT(step(ask(kOther), 2s),
              ElementsAre(OpenConnection{ConnectionId{3}, 1, true}));
}

// Whatever servers do: each query ends once, by its deadline, sent at most once
// more than there are addresses, and in the end no connection stays open.
// NOLINTNEXTLINE(readability-function-cognitive-complexity): one story
TEST(DotSessionProperty, EveryQueryEndsExactlyOnce) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return random() % n; };
    const size_t addresses = 1 + below(3);
    DotSession session({.addresses = addresses, .max_outstanding = 3},
                       [&] { return static_cast<uint16_t>(random()); });
    std::map<QueryId, Time> pending;
    std::map<ConnectionId, std::vector<Send>> open;
    std::map<Name, size_t> sends;
    std::optional<Time> wake;
    const auto run = [&](const DotEvent& event, Time now) {
      wake.reset();
      for (const DotAction& action : session.step(event, now)) {
        if (const auto* opened = std::get_if<OpenConnection>(&action)) {
          ASSERT_TRUE(open.try_emplace(opened->connection).second);
        } else if (const auto* closed = std::get_if<CloseConnection>(&action)) {
          ASSERT_EQ(1u, open.erase(closed->connection)) << "seed " << seed;
        } else if (const auto* sent = std::get_if<Send>(&action)) {
          open.at(sent->connection).push_back(*sent);
          const auto asked =
              decode(std::span<const uint8_t>(sent->octets).subspan(2));
          ASSERT_LE(++sends[asked->questions[0].name], addresses + 1);
        } else if (const auto* answered = std::get_if<Answered>(&action)) {
          ASSERT_EQ(1u, pending.erase(answered->query)) << "seed " << seed;
        } else if (const auto* failed = std::get_if<Failed>(&action)) {
          ASSERT_EQ(1u, pending.erase(failed->query)) << "seed " << seed;
        } else if (const auto* at = std::get_if<WakeAt>(&action)) {
          wake = at->time;
        }
      }
      for (const auto& [id, deadline] : pending)
        ASSERT_GT(deadline, now) << "seed " << seed;
    };
    Time now = kT0;
    for (uint64_t turn = 0; turn < 60; ++turn) {
      Time next = now + std::chrono::milliseconds(below(300));
      if (wake && *wake < next) next = *wake;
      now = next;
      run(DotTick{}, now);
      if (below(3) == 0) {
        const Time deadline = now + std::chrono::milliseconds(1 + below(2000));
        pending.emplace(QueryId{turn}, deadline);
        const std::string name = "n" + std::to_string(turn) + ".example";
        run(Ask{QueryId{turn}, question(name), deadline}, now);
      } else if (!open.empty()) {
        const auto& [id, sent] = *std::next(
            open.begin(),
            static_cast<int>(below(static_cast<unsigned>(open.size()))));
        const ConnectionId connection = id;
        const unsigned what = below(5);
        if (what == 0) {
          open.erase(connection);
          run(Lost{connection}, now);
        } else if (what < 3 || sent.empty()) {
          run(Established{connection}, now);
        } else {
          const Send one = sent[below(static_cast<unsigned>(sent.size()))];
          const int keepalive = below(4) ? -1 : static_cast<int>(below(3));
          run(Received{connection, reply_to(one, keepalive)}, now);
        }
      }
      if (::testing::Test::HasFatalFailure()) return;
    }
    for (int turn = 0; wake && turn < 200; ++turn) run(DotTick{}, *wake);
    EXPECT_TRUE(pending.empty()) << "seed " << seed;
    EXPECT_TRUE(open.empty()) << "seed " << seed;
  }
}

TEST(StreamReader, CutsMessagesHoweverTheOctetsCome) {
  const std::vector<uint8_t> octets = {0, 2, 7, 8, 0, 0, 0, 1, 9};
  for (size_t piece = 1; piece <= octets.size(); ++piece) {
    StreamReader reader;
    std::vector<std::vector<uint8_t>> got;
    for (size_t at = 0; at < octets.size(); at += piece) {
      reader.append(std::span<const uint8_t>(octets).subspan(
          at, std::min(piece, octets.size() - at)));
      while (auto message = reader.next()) got.push_back(*message);
    }
    EXPECT_THAT(got, ElementsAre(ElementsAre(7, 8), IsEmpty(), ElementsAre(9)));
  }
}

}  // namespace
}  // namespace happy::dot
