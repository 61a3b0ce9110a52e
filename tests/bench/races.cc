// When a client has its connection, in worlds with dead and refusing addresses
// and a round trip of 10 ms: from the last packet of the answer, as the wire
// tells it; plain from its first SYN.
#include <cstdio>

#include "tests/bench/figures.h"
#include "tests/e2e/clients.h"
#include "tests/lab/namespace_lab.h"

namespace happy::bench {
namespace {

constexpr const char* kGood = "198.51.100.1";
constexpr const char* kDead = "198.51.100.2";
constexpr const char* kRefusing = "198.51.100.3";
constexpr const char* kDead6 = "2001:db8:5::2";
constexpr std::chrono::milliseconds kRtt{10};
constexpr std::chrono::milliseconds kPlainLimit{2000};
constexpr int kRuns = 5;

struct World {
  const char* name;
  const char* what;
  const char* limit_ms;
};
constexpr World kWorlds[] = {{"healthy", "one good A", ""},
                             {"dead6", "dead AAAA, good A", "330"},
                             {"dead4", "dead A, good A", "330"},
                             {"refused", "refusing A, good A", "90"}};

double ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// From the answer (without one seen: from the first SYN) to the connection.
std::optional<double> took(lab::NamespaceLab& lab, bool by_dot) {
  const auto attempts = lab.packets().attempts();
  const auto connected =
      lab.packets().connected(IpAddress::parse(kGood).value());
  if (attempts.empty() || !connected) return std::nullopt;
  const auto answer = lab.packets().last_dot_data(attempts[0].sent);
  if (by_dot && !answer) return std::nullopt;
  return ms(*connected - (by_dot ? *answer : attempts[0].sent));
}

void row(lab::NamespaceLab& lab, const World& world, const char* client) {
  const auto arguments =
      e2e::client(client).command(std::string(world.name) + ".lab.test", 80);
  std::vector<double> plain, with;
  for (int run = 0; run < kRuns; ++run) {
    if (lab.run_plain(arguments, {}, kPlainLimit).good())
      if (const auto time = took(lab, false)) plain.push_back(*time);
    if (lab.run(arguments).good())
      if (const auto time = took(lab, true)) with.push_back(*time);
  }
  std::printf("  %-20s %-16s %12s %8s %8s\n", world.what, client,
              plain.empty() ? "none in 2 s" : text(median(plain)).c_str(),
              text(median(with)).c_str(), world.limit_ms);
}

}  // namespace

void races() {
  const lab::Path path{.rtt = kRtt};
  lab::NamespaceLab lab({.hosts = {{kGood, path},
                                   {kRefusing, path, true},
                                   {kDead, {.black_hole = true}},
                                   {kDead6, {.black_hole = true}}},
                         .names = {{"healthy.lab.test", {kGood}},
                                   {"dead6.lab.test", {kDead6, kGood}},
                                   {"dead4.lab.test", {kDead, kGood}},
                                   {"refused.lab.test", {kRefusing, kGood}}}});
  std::printf(
      "Answer to connection, RTT 10 ms, ms, median of %d alternating runs\n"
      "  %-20s %-16s %12s %8s %8s\n",
      kRuns, "addresses", "client", "plain", "with", "limit");
  for (const auto& world : kWorlds)
    for (const char* client : {"wget", "curl", "python_asyncio", "node"})
      row(lab, world, client);
  std::printf("\n");
}

}  // namespace happy::bench
