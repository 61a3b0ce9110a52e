// Connect after connect on one host: what races teach history, and what it
// makes of the next ones. Virtual time; scenarios numbered as in docs/race.md.
#include "core/race/experience.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/race/virtual_world.h"

namespace happy::race {
namespace {

using state::AddressHistory;
using state::FailureKind;
using state::NetworkId;

constexpr NetworkId kNetwork{7};

// A host that connects to port 443 of one name, and the network around it.
class Host {
 public:
  Host() { history.enter(kNetwork); }

  struct Connect {
    std::optional<IpAddress> winner;
    Duration took{};
    size_t syns = 0;
  };

  // To the first address of a list in the order of the answer.
  Connect connect(const std::vector<IpAddress>& answer) {
    std::vector<Destination> list;
    for (const IpAddress& address : answer) {
      list.push_back({.address = address, .source = address});
    }
    mark(history, now, &list);
    order_destinations(&list);
    return connect_to(interleaved(list, 1));
  }

  // To the first of `list`, whatever history says.
  Connect connect_to(std::vector<IpAddress> list) {
    const IpAddress named = list.front();
    list.erase(list.begin());
    Weighed weighed =
        weigh({.destination = named, .ports = {443}, .addresses = list},
              &history, now);
    VirtualWorld world{{.attempt_delay = weighed.attempt_delay}};
    for (const auto& [address, rtt] : alive) {
      world.connects({address, 443}, rtt);
    }
    for (const IpAddress& address : refusing) world.fails({address, 443}, 1ms);
    weighed.begin.first_under_way = true;
    world.run(weighed.begin, 60s);
    now += world.decided_at() + 1s;
    take_in(weighed, world);
    Connect out{
        .winner = {}, .took = world.decided_at(), .syns = world.log().size()};
    if (world.winner()) out.winner = world.winner()->address;
    return out;
  }

  AddressHistory history;
  Time now = kT0;
  std::map<IpAddress, Duration> alive;  // with their RTTs; others are silent
  std::set<IpAddress> refusing;

 private:
  void take_in(const Weighed& weighed, const VirtualWorld& world) {
    Lesson lesson{.attempt_delays = weighed.begin.attempt_delays,
                  .attempt_delay = weighed.attempt_delay,
                  .explored = weighed.begin.explored};
    for (const auto& attempt : world.log()) {
      if (attempt.endpoint == world.winner()) {
        lesson.winner = attempt.endpoint;
        lesson.rtt = alive.at(attempt.endpoint.address);
      } else if (attempt.failed) {
        lesson.failures.emplace_back(attempt.endpoint, FailureKind::kRefused);
      } else {
        lesson.cut_short.emplace_back(attempt.endpoint,
                                      *attempt.ended - attempt.at);
      }
    }
    learn(lesson, kNetwork, now, &history);
  }
};

std::vector<IpAddress> both(uint8_t each) {
  std::vector<IpAddress> out;
  for (uint8_t n = 1; n <= each; ++n) out.push_back(v6(n).address);
  for (uint8_t n = 1; n <= each; ++n) out.push_back(v4(n).address);
  return out;
}

// RFC 8305 section 4: what is known of addresses decides their order. In our
// words: a dead one is paid for once.
TEST(Experience, S38ADeadAddressCostsItsDelayOnce) {
  Host host;
  host.alive[v4(1).address] = 10ms;
  const std::vector<IpAddress> answer = both(1);
  EXPECT_EQ(host.connect(answer).took, 260ms);
  const auto second = host.connect(answer);
  EXPECT_EQ(second.took, 10ms);
  EXPECT_EQ(second.syns, 1u);
}

// The same for a program that names the dead one all the same.
TEST(Experience, S38ACallerWhoNamesTheDeadOneDoesNotWaitEither) {
  Host host;
  host.alive[v4(1).address] = 10ms;
  host.connect_to(both(1));
  EXPECT_EQ(host.connect_to(both(1)).took, 10ms);
}

TEST(Experience, S39AFlakyAddressIsTriedAgainWithinTheDecay) {
  Host host;
  host.alive[v4(1).address] = 10ms;
  host.connect(both(1));
  host.alive[v6(1).address] = 5ms;
  host.now += 540s;
  EXPECT_EQ(host.connect(both(1)).winner, v4(1).address);
  host.now += 60s;
  EXPECT_EQ(host.connect(both(1)).winner, v6(1).address);
}

// It is tried again sooner where it is needed.
TEST(Experience, S39AnAddressThatFailedIsStillTriedLast) {
  Host host;
  host.alive[v4(1).address] = 10ms;
  host.connect(both(1));
  host.alive = {{v6(1).address, 10ms}};
  const auto found = host.connect(both(1));
  EXPECT_EQ(found.winner, v6(1).address);
  EXPECT_EQ(found.took, 110ms) << "the winner of before has a known delay";
}

TEST(Experience, S12NineDeadOfTenColdKnownAndTheSecondTime) {
  Host host;
  host.alive[v4(5).address] = 10ms;
  EXPECT_EQ(host.connect(both(5)).took, 9 * 250ms + 10ms);
  EXPECT_EQ(host.connect(both(5)).took, 10ms);
  Host known;
  known.alive[v4(5).address] = 10ms;
  known.alive[v4(77).address] = 10ms;
  known.connect_to({v4(77).address, v4(78).address});
  EXPECT_EQ(known.connect(both(5)).took, 9 * 100ms + 10ms);
  EXPECT_EQ(known.connect(both(5)).took, 10ms);
}

TEST(Experience, ARefusalIsRememberedToo) {
  Host host;
  host.refusing.insert(v6(1).address);
  host.alive[v4(1).address] = 10ms;
  EXPECT_EQ(host.connect(both(1)).took, 11ms);
  EXPECT_EQ(host.connect(both(1)).syns, 1u);
}

// The source article's google.com: 8 and 36 ms.
TEST(Experience, S40TheNearestOfTwoLeadsWithinTwentyConnects) {
  Host host;
  host.alive = {{v4(1).address, 36ms}, {v4(2).address, 8ms}};
  const std::vector<IpAddress> answer = {v4(1).address, v4(2).address};
  size_t syns = 0;
  for (int i = 1; i < 20; ++i) syns += host.connect(answer).syns;
  const auto twentieth = host.connect(answer);
  EXPECT_EQ(twentieth.winner, v4(2).address);
  EXPECT_EQ(twentieth.took, 8ms);
  EXPECT_EQ(syns, 20u) << "one SYN beyond one a connect";
}

TEST(Experience, S40TheNearestOfTenLeadsWithinFortyConnects) {
  Host host;
  std::vector<IpAddress> answer;
  for (uint8_t n = 1; n <= 10; ++n) {
    answer.push_back(v4(n).address);
    host.alive[v4(n).address] = (11 - n) * 10ms;
  }
  EXPECT_EQ(host.connect(answer).winner, v4(1).address) << "first in order";
  for (int i = 2; i < 40; ++i) host.connect(answer);
  EXPECT_EQ(host.connect(answer).winner, v4(10).address);
}

// A distant network is not a silent one.
TEST(Experience, SlowLosersAreNotFailuresWhereTheWinnerIsAsSlow) {
  Host host;
  host.alive = {{v6(1).address, 600ms}, {v4(1).address, 600ms}};
  host.connect(both(1));
  EXPECT_FALSE(host.history.failed_lately(v4(1), host.now));
  EXPECT_EQ(host.connect(both(1)).syns, 1u) << "the delay follows the RTT";
}

TEST(Experience, WhatLostWithinItsDelayHasNotFailed) {
  Lesson lesson{.cut_short = {{v6(1), 99ms}, {v6(2), 100ms}},
                .winner = v4(1),
                .rtt = 10ms,
                .attempt_delay = 100ms};
  AddressHistory history;
  learn(lesson, NetworkId{}, kT0, &history);
  EXPECT_FALSE(history.failed_lately(v6(1), kT0));
  EXPECT_TRUE(history.failed_lately(v6(2), kT0));
}

TEST(Experience, WithoutHistoryARaceIsCold) {
  const Weighed weighed = weigh({.destination = v6(1).address,
                                 .ports = {443},
                                 .addresses = {v4(1).address}},
                                nullptr, kT0);
  EXPECT_EQ(weighed.attempt_delay, 250ms);
  EXPECT_EQ(weighed.begin.candidates, (Endpoints{v6(1), v4(1)}));
  EXPECT_FALSE(weighed.begin.first_is_doubtful);
  EXPECT_FALSE(weighed.begin.explored);
}

TEST(Experience, AlternativesComeBehindTheAddresses) {
  const Endpoint other{v4(3).address, 8443}, tried{v4(4).address, 443};
  const Field field{.destination = v4(1).address,
                    .ports = {443},
                    .addresses = {v4(2).address},
                    .alternatives = {other},
                    .deferred_alternatives = {tried}};
  EXPECT_EQ(weigh(field, nullptr, kT0).begin.candidates,
            (Endpoints{v4(1), v4(2), other}));
  state::AddressHistory history;
  history.enter(state::NetworkId{1});
  const Begin begin = weigh(field, &history, kT0).begin;
  EXPECT_EQ(begin.candidates, (Endpoints{v4(1), v4(2), other}));
  EXPECT_EQ(begin.deferred, (Endpoints{tried}));
}

TEST(Experience, AlternativesThatFailedLatelyGoLast) {
  const Endpoint other{v4(3).address, 8443};
  state::AddressHistory history;
  history.enter(state::NetworkId{1});
  history.failed(state::NetworkId{1}, other, state::FailureKind::kRefused, kT0);
  const Begin begin = weigh({.destination = v4(1).address,
                             .ports = {443},
                             .alternatives = {other, v4(4)}},
                            &history, kT0 + 1s)
                          .begin;
  EXPECT_EQ(begin.candidates, (Endpoints{v4(1), v4(4)}));
  EXPECT_EQ(begin.deferred, (Endpoints{other}));
}

}  // namespace
}  // namespace happy::race
