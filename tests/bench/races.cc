// When a client has its connection, in worlds with dead and refusing addresses
// and a round trip of 10 ms: from the last packet of the answer, as the wire
// tells it; plain from its first SYN.
#include "tests/bench/figures.h"
#include "tests/bench/wire_times.h"
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

using Command = std::vector<std::string>;

Command by_client(const char* client, const std::string& host) {
  return e2e::client(client).command(host, 80);
}

// Clients with a race of their own, without the library.
struct Peer {
  const char* name;
  Command (*command)(const std::string& host);
};
constexpr const char* kAsyncioRace = R"(
import asyncio, sys
async def main():
    reader, writer = await asyncio.open_connection(
        sys.argv[1], 80, happy_eyeballs_delay=0.25)
    writer.close()
    await asyncio.sleep(0.1)  # its last packets are not the next program's
asyncio.run(main())
)";
const Peer kPeers[] = {
    {"asyncio, happy_eyeballs_delay=0.25",
     [](const std::string& host) {
       return Command{"/usr/bin/python3", "-c", kAsyncioRace, host};
     }},
    {"Go's Dialer",
     [](const std::string& host) {
       return Command{HAPPY_BUILD_FOLDER "/bench_dial", host, "80"};
     }},
};

std::vector<double> plainly(lab::NamespaceLab& lab, const Command& command) {
  std::vector<double> out;
  for (int run = 0; run < kRuns; ++run) {
    try {
      if (!lab.run_plain(command, {}, kPlainLimit).good()) continue;
    } catch (const std::exception&) {  // it is not installed
      continue;
    }
    if (const auto time = to_connection(lab, kGood, false))
      out.push_back(*time);
  }
  return out;
}

std::string cell(const std::vector<double>& times) {
  return times.empty() ? "none" : text(median(times));
}

void row(Table* table, lab::NamespaceLab& lab, const World& world,
         const char* client) {
  const auto command = by_client(client, std::string(world.name) + ".lab.test");
  const auto plain = plainly(lab, command);
  std::vector<double> with;
  for (int run = 0; run < kRuns; ++run) {
    if (!lab.run(command).good()) continue;
    if (const auto time = to_connection(lab, kGood, true))
      with.push_back(*time);
  }
  table->row(std::string(world.what) + ", " + client,
             {cell(plain), cell(with), world.limit_ms});
}

// Many connects of one process to a name whose addresses are well.
void healthy(Table* table, const char* how, int rtt, int count) {
  const std::string name = "rtt" + std::to_string(rtt) + ".lab.test";
  lab::NamespaceLab lab(
      {.hosts = {{kGood, {.rtt = std::chrono::milliseconds(rtt)}},
                 {kRefusing, {.rtt = std::chrono::milliseconds(rtt)}}},
       .names = {{name, {kGood, kRefusing}}}});
  const std::vector<std::string> arguments{HAPPY_BUILD_FOLDER "/bench_connect",
                                           how, name, "80",
                                           std::to_string(count)};
  std::vector<double> plain, with;
  const auto add = [](std::vector<double>& all, const lab::Outcome& outcome) {
    for (const double us : numbers(outcome.out)) all.push_back(us / 1000);
  };
  for (int run = 0; run < kRuns; ++run) {
    add(plain, lab.run_plain(arguments));
    add(with, lab.run(arguments, {{"HAPPY_TRACE", ""}}));
  }
  table->pair(std::string(how) + ", RTT " + std::to_string(rtt) + " ms",
              median(plain), median(with), 2);
}

}  // namespace

void healthy_connects() {
  Table table("A healthy connect(), two addresses, ms, in turns, median",
              {"plain", "with", "more"});
  for (const char* how : {"blocking", "epoll"}) {
    healthy(&table, how, 10, 40);
    healthy(&table, how, 100, 5);
  }
}

std::optional<double> to_connection(lab::NamespaceLab& lab,
                                    const std::string& address,
                                    bool from_answer) {
  const auto attempts = lab.packets().attempts();
  const auto connected =
      lab.packets().connected(IpAddress::parse(address).value());
  if (attempts.empty() || !connected) return std::nullopt;
  const auto answer = lab.packets().last_dot_data(attempts[0].sent);
  if (from_answer && !answer) return std::nullopt;
  return ms(*connected - (from_answer ? *answer : attempts[0].sent));
}

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
  Table table("Answer to connection, RTT 10 ms, ms, median of " +
                  std::to_string(kRuns) + " runs; none: none in 2 s",
              {"plain", "with", "limit"});
  for (const auto& world : kWorlds) {
    for (const char* client : {"wget", "curl", "python_asyncio", "node"})
      row(&table, lab, world, client);
    for (const Peer& peer : kPeers)
      table.row(std::string(world.what) + ", " + peer.name,
                {cell(plainly(
                     lab, peer.command(std::string(world.name) + ".lab.test"))),
                 "", ""});
  }
}

}  // namespace happy::bench
