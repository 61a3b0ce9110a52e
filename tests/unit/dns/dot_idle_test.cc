// DotSession on virtual time against servers that close idle connections: what
// a query just before and just after costs.
#include <functional>
#include <map>
#include <set>

#include "tests/unit/dns/dot_session_fixture.h"

namespace happy::dot {
namespace {

constexpr Duration kOneWay = 10ms;

// A server ten milliseconds away that closes what was idle for `limit`.
class IdleServer {
 public:
  explicit IdleServer(Duration limit) : limit_(limit) {}

  // Asks at `at` and plays until the answer: how long it took.
  Duration ask(Duration at) {
    play(at);
    const QueryId id{next_++};
    done_.reset();
    run(Ask{id, question(), kT0 + at + 5s}, at);
    const Duration end = at + 5s;
    while (!done_ && !events_.empty() && events_.begin()->first <= end)
      play_one();
    EXPECT_TRUE(done_) << "a query without an answer";
    return done_ ? *done_ - at : 5s;
  }

  // How often a query was cut off by the server's FIN.
  int crossed() const { return crossed_; }
  int opened() const { return opened_; }

 private:
  struct Peer {
    std::optional<Duration> closes_at;  // none: not established yet
  };

  void play(Duration until) {
    while (!events_.empty() && events_.begin()->first <= until) play_one();
  }
  void play_one() {
    const auto [at, act] = *events_.begin();
    events_.erase(events_.begin());
    act(at);
  }
  void later(Duration at, std::function<void(Duration)> act) {
    events_.emplace(at, std::move(act));
  }

  void run(const DotEvent& event, Duration at) {
    ++generation_;
    for (const DotAction& action : session_.step(event, kT0 + at)) {
      if (const auto* open = std::get_if<OpenConnection>(&action)) {
        ++opened_;
        const ConnectionId id = open->connection;
        peers_[id] = {};
        later(at + 4 * kOneWay, [this, id](Duration now) {  // TCP and TLS
          if (!peers_.contains(id)) return;
          heard(id, now - kOneWay);
          run(Established{id, 2 * kOneWay}, now);
        });
      } else if (const auto* closed = std::get_if<CloseConnection>(&action)) {
        peers_.erase(closed->connection);
      } else if (const auto* sent = std::get_if<Send>(&action)) {
        later(at + kOneWay,
              [this, it = *sent](Duration now) { serve(it, now); });
      } else if (std::holds_alternative<Answered>(action)) {
        done_ = at;
      } else if (const auto* wake = std::get_if<WakeAt>(&action)) {
        later(wake->time - kT0, [this, turn = generation_](Duration now) {
          if (turn == generation_) run(DotTick{}, now);
        });
      }
    }
  }

  // The server heard of the client: the idle time begins anew.
  void heard(ConnectionId id, Duration at) {
    const Duration closes = at + limit_;
    peers_[id].closes_at = closes;
    later(closes, [this, id, closes](Duration now) {
      const auto found = peers_.find(id);
      if (found == peers_.end() || found->second.closes_at != closes) return;
      gone_.insert(id);
      later(now + kOneWay, [this, id](Duration then) {
        if (peers_.erase(id) != 0) run(Lost{id}, then);
      });
    });
  }

  void serve(const Send& sent, Duration at) {
    const ConnectionId id = sent.connection;
    if (gone_.contains(id)) {
      ++crossed_;
      return;
    }
    if (!peers_.contains(id)) return;
    heard(id, at);
    later(at + kOneWay, [this, id, reply = reply_to(sent)](Duration now) {
      if (peers_.contains(id)) run(Received{id, reply}, now);
    });
  }

  const Duration limit_;
  uint16_t id_ = 1;
  DotSession session_{{}, [this] { return id_++; }};
  std::multimap<Duration, std::function<void(Duration)>> events_;
  std::map<ConnectionId, Peer> peers_;
  std::set<ConnectionId> gone_;
  std::optional<Duration> done_;
  uint64_t generation_ = 0;
  uint64_t next_ = 1;
  int opened_ = 0, crossed_ = 0;
};

constexpr Duration kFresh = 6 * kOneWay;  // TCP, TLS and the query
constexpr Duration kReused = 2 * kOneWay;

class IdleLimit : public ::testing::TestWithParam<std::chrono::milliseconds> {};

// Once it is known when the server closes, no query crosses its FIN: one that
// comes 0.1 s before or after costs a fresh connection at most.
TEST_P(IdleLimit, CostsAFreshConnectionAtMost) {
  IdleServer server(GetParam());
  Duration at = 0ms;
  EXPECT_EQ(kFresh, server.ask(at));
  at += GetParam() + 1s;  // the server closes, which teaches when
  EXPECT_EQ(kFresh, server.ask(at));
  for (const Duration off : {-100ms, 100ms, -10ms, 10ms, -1ms, 0ms, 1ms}) {
    at += kFresh + GetParam() + off;
    EXPECT_LE(server.ask(at), kFresh) << off.count() / 1000 << " ms off";
  }
  EXPECT_EQ(0, server.crossed());
}

// Also before anything is known: the query that crosses the FIN is sent again.
TEST_P(IdleLimit, IsMetUnpreparedWithoutAFailure) {
  for (Duration off = -30ms; off <= 30ms; off += 1ms) {
    IdleServer server(GetParam());
    (void)server.ask(0ms);
    EXPECT_LE(server.ask(kFresh + GetParam() + off), kFresh + kReused);
  }
}

INSTANTIATE_TEST_SUITE_P(Servers, IdleLimit,
                         ::testing::Values(1500ms, 8000ms, 10000ms, 60000ms));

TEST(IdleHorizon, AQueryWellBeforeReusesTheConnection) {
  IdleServer server(8s);
  (void)server.ask(0ms);
  (void)server.ask(9s);
  EXPECT_EQ(2, server.opened());
  EXPECT_EQ(kReused, server.ask(16s));
  EXPECT_EQ(2, server.opened());
}

TEST(IdleHorizon, IsForgottenAfterAWhile) {
  dns::IdleHorizon horizon;
  EXPECT_EQ(std::nullopt, horizon.limit(20ms, kT0));
  horizon.closed_after(2s, kT0);
  ASSERT_TRUE(horizon.limit(20ms, kT0 + 9min));
  EXPECT_LT(*horizon.limit(20ms, kT0 + 9min), 2s - 20ms);
  EXPECT_EQ(std::nullopt, horizon.limit(20ms, kT0 + 10min));
}

TEST(IdleHorizon, AShorterTimeReplacesALongerOne) {
  dns::IdleHorizon horizon;
  horizon.closed_after(8s, kT0);
  horizon.closed_after(9s, kT0 + 1s);
  EXPECT_LT(*horizon.limit(0ms, kT0 + 2s), 8s);
  horizon.closed_after(2s, kT0 + 3s);
  EXPECT_LT(*horizon.limit(0ms, kT0 + 4s), 2s);
}

}  // namespace
}  // namespace happy::dot
