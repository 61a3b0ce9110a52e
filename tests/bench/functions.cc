// What the pure parts take, without sockets and threads (Google Benchmark):
// messages, names, the cache, a policy, and a race's decisions.
#include <benchmark/benchmark.h>

#include <stdexcept>

#include "config/policy.h"
#include "core/dns/answer.h"
#include "core/dns/cache.h"
#include "core/dns/message.h"
#include "core/race/race.h"
#include "tests/support/dot_zone.h"

namespace happy::bench {
namespace {

using namespace std::chrono_literals;

const dns::Name kName = *dns::Name::parse("www.example.com");
constexpr Time kNow{Duration(1'000'000)};

std::vector<uint8_t> reply() {
  test::Zone zone;
  test::Entry& entry = zone.names["www.example.com"];
  for (int n = 1; n <= 4; ++n) entry.a("192.0.2." + std::to_string(n));
  const auto query = dns::encode_query(7, kName, dns::Type::kA);
  const auto question = test::parse_query(query);
  if (!question) throw std::runtime_error("no question");
  return zone.reply(*question);
}

void encode_a_query(benchmark::State& state) {
  while (state.KeepRunning())
    benchmark::DoNotOptimize(dns::encode_query(7, kName, dns::Type::kA));
}
BENCHMARK(encode_a_query);

void decode_a_reply_of_four_addresses(benchmark::State& state) {
  const auto octets = reply();
  while (state.KeepRunning()) {
    const auto message = dns::decode(octets);
    benchmark::DoNotOptimize(dns::interpret(*message, {kName, dns::Type::kA}));
  }
}
BENCHMARK(decode_a_reply_of_four_addresses);

void find_in_a_cache_of_a_thousand(benchmark::State& state) {
  dns::Cache cache;
  const auto answer =
      dns::interpret(*dns::decode(reply()), {kName, dns::Type::kA});
  for (int n = 0; n < 1000; ++n)
    cache.put("resolver",
              *dns::Name::parse("n" + std::to_string(n) + ".example"),
              dns::Type::kA, answer, kNow);
  cache.put("resolver", kName, dns::Type::kA, answer, kNow);
  while (state.KeepRunning())
    benchmark::DoNotOptimize(
        cache.find("resolver", kName, dns::Type::kA, kNow));
}
BENCHMARK(find_in_a_cache_of_a_thousand);

void parse_a_policy(benchmark::State& state) {
  constexpr const char* kPolicy =
      R"({ "version": 1, "resolvers": { "quad9": { "addresses": ["9.9.9.9",
           "2620:fe::fe"], "auth_name": "dns.quad9.net" } }, "rules": [
           { "hosts": ["*.example.com"], "resolvers": ["quad9"] } ] })";
  while (state.KeepRunning())
    benchmark::DoNotOptimize(config::parse_policy(kPolicy));
}
BENCHMARK(parse_a_policy);

// All but the last one fail, one after the other.
void decide_a_race(benchmark::State& state) {
  race::Begin begin;
  for (int n = 1; n <= state.range(0); ++n)
    begin.candidates.push_back(
        {IpAddress::v4(192, 0, 2, static_cast<uint8_t>(n)), 443});
  while (state.KeepRunning()) {
    race::Race race{race::Settings{}};
    benchmark::DoNotOptimize(race.step(begin, kNow));
    for (uint32_t n = 1; n < state.range(0); ++n)
      benchmark::DoNotOptimize(
          race.step(race::Failed{race::AttemptId{n}}, kNow));
    const auto last = static_cast<uint32_t>(state.range(0));
    benchmark::DoNotOptimize(
        race.step(race::Connected{race::AttemptId{last}}, kNow));
    if (!race.done()) throw std::runtime_error("the race goes on");
  }
}
BENCHMARK(decide_a_race)->Arg(2)->Arg(10);

}  // namespace
}  // namespace happy::bench

BENCHMARK_MAIN();
