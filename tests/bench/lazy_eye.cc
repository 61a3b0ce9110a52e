// What a client does with two families, by the three tests of "Lazy Eye
// Inspection" (IMC 2025): how long it waits for an IPv6 connection, how long
// for an AAAA answer, and which of many dead addresses it tries, in what order.
// All by packets on its wire.
#include <cstdio>
#include <functional>
#include <set>

#include "tests/bench/figures.h"
#include "tests/e2e/clients.h"
#include "tests/lab/namespace_lab.h"

namespace happy::bench {
namespace {

using lab::NamespaceLab;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr const char *kSlow6 = "2001:db8:5::64", *kGood = "198.51.100.1",
                     *kGood6 = "2001:db8:5::1";
constexpr milliseconds kRtt{10}, kLimit{2000}, kTwentyLimit{6000};
constexpr int kStep = 5, kMostDelay = 1000;          // of the first test, ms
constexpr int kAnswerStep = 10, kMostAnswer = 1000;  // of the second
constexpr int kFamily = 10;                          // of the third, addresses

struct Subject {
  const char* name;
  const char* client;
  bool library;
};
constexpr Subject kSubjects[] = {{"wget, libhappy", "wget", true},
                                 {"wget", "wget", false},
                                 {"curl", "curl", false},
                                 {"node", "node", false}};

std::string name_of_delay(int delay) {
  return "d" + std::to_string(delay) + ".lab.test";
}

// Answers by DNS-over-TLS, each family with its own delay. Nobody is on port 53
// there, so that plain clients cannot be asked.
NamespaceLab slow_answers() {
  json names = json::object();
  const json both = {{"A", {kGood}}, {"AAAA", {kGood6}}};
  for (int delay = 0; delay <= kMostAnswer; delay += kAnswerStep) {
    names[name_of_delay(delay)] = both;
    names[name_of_delay(delay)]["delay_ms"] = {{"AAAA", delay}};
  }
  names["late.lab.test"] = names["never.lab.test"] = both;
  names["late.lab.test"]["delay_ms"] = {{"A", 400}};
  names["never.lab.test"]["delay_ms"] = {{"A", nullptr}};
  return NamespaceLab({.hosts = {{kGood, {kRtt}}, {kGood6, {kRtt}}},
                       .names = {},
                       .dot_script = json{{"zone", {{"names", names}}}}});
}

NamespaceLab slow_hosts() {
  lab::NamespaceWish wish{
      .hosts = {{kGood, {kRtt}}, {kSlow6, {kRtt}}},
      .names = {{"slow6.lab.test", {kSlow6, kGood}}, {"twenty.lab.test", {}}}};
  for (const char* prefix : {"2001:db8:5::a", "198.51.100.10"})
    for (int n = 0; n < kFamily; ++n) {
      wish.hosts.push_back(
          {prefix + std::to_string(n), {.black_hole = true}, true});
      wish.names[1].addresses.push_back(wish.hosts.back().address);
    }
  return NamespaceLab(wish);
}

std::vector<lab::Packet> syns_of(NamespaceLab& lab, const Subject& subject,
                                 const std::string& name, milliseconds limit) {
  const auto words = e2e::client(subject.client).command(name, 80);
  subject.library ? lab.run(words, {}, limit) : lab.run_plain(words, {}, limit);
  return lab.packets().attempts();
}

bool is_ipv6(const lab::Packet& packet) {
  return packet.destination.address.family == Family::kIpv6;
}

double milliseconds_of(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// The least delay, in steps, at which it turns to IPv4; none up to `most`.
std::optional<int> turns_at(int step, int most,
                            const std::function<bool(int)>& turns) {
  if (!turns(most)) return std::nullopt;
  int stays = 0, goes = most;
  while (goes - stays > step) {
    const int middle = (stays + goes) / 2 / step * step;
    (turns(middle) ? goes : stays) = middle;
  }
  return goes;
}

std::string cell(std::optional<int> value) {
  return value ? std::to_string(*value) : "none";
}

std::optional<int> attempt_delay(NamespaceLab& lab, const Subject& subject) {
  return turns_at(kStep, kMostDelay, [&](int rtt) {
    lab.change(kSlow6, {milliseconds(rtt)});
    const auto syns = syns_of(lab, subject, "slow6.lab.test", kLimit);
    return syns.size() > 1 && is_ipv6(syns[0]) && !is_ipv6(syns[1]);
  });
}

std::optional<int> resolution_delay(NamespaceLab& lab, const Subject& subject) {
  return turns_at(kAnswerStep, kMostAnswer, [&](int delay) {
    const auto syns = syns_of(lab, subject, name_of_delay(delay), kLimit);
    return !syns.empty() && !is_ipv6(syns[0]);
  });
}

// From the AAAA answer, as the library's trace has it, to the first SYN.
std::string after_aaaa(NamespaceLab& lab, const Subject& subject,
                       const std::string& name) {
  const auto syns = syns_of(lab, subject, name, kLimit);
  for (const json& event : lab::events_of(lab.trace(), "answer")) {
    if (event["type"] != "AAAA" || syns.empty() || !is_ipv6(syns[0])) continue;
    const Time answered{Duration(event["t_us"].get<int64_t>())};
    return text(milliseconds_of(syns[0].sent - answered));
  }
  return "none";
}

// Between the first SYNs of the two families, IPv6 being a black hole: what the
// wire has, without the steps.
std::string syns_apart(NamespaceLab& lab, const Subject& subject) {
  constexpr int kTimes = 5;
  lab.change(kSlow6, {.black_hole = true});
  std::vector<double> apart;
  for (int run = 0; run < kTimes; ++run) {
    const auto syns = syns_of(lab, subject, "slow6.lab.test", kLimit);
    if (syns.size() > 1 && is_ipv6(syns[0]) && !is_ipv6(syns[1]))
      apart.push_back(milliseconds_of(syns[1].sent - syns[0].sent));
  }
  return apart.empty() ? "none" : text(median(apart));
}

// Answers without delay come in the order of the questions.
std::string first_question(NamespaceLab& lab, const Subject& subject) {
  syns_of(lab, subject, name_of_delay(0), kLimit);
  const auto answers = lab::events_of(lab.trace(), "answer");
  return answers.empty() ? "none" : answers[0]["type"].get<std::string>();
}

struct Selection {
  size_t ipv4 = 0, ipv6 = 0;
  std::string order;
};
Selection selection(NamespaceLab& lab, const Subject& subject) {
  Selection out;
  std::set<IpAddress> seen;
  for (const auto& syn :
       syns_of(lab, subject, "twenty.lab.test", kTwentyLimit)) {
    if (!seen.insert(syn.destination.address).second) continue;
    out.order += is_ipv6(syn) ? '6' : '4';
    ++(is_ipv6(syn) ? out.ipv6 : out.ipv4);
  }
  return out;
}

}  // namespace

void lazy_eye() {
  auto hosts = slow_hosts(), answers = slow_answers();
  Table table("Two families, ms; 10 dead addresses of each family for " +
                  std::to_string(kTwentyLimit.count() / 1000) + " s",
              {"attempt", "apart", "first", "resolution", "A 400 late",
               "A never", "IPv4", "IPv6", "order"},
              16);
  table.row("wanted", {"250", "250", "AAAA", "50", "at once", "at once", "10",
                       "10", "6464..."});
  for (const Subject& subject : kSubjects) {
    const auto delay = cell(attempt_delay(hosts, subject));
    const auto apart = syns_apart(hosts, subject);
    const auto selected = selection(hosts, subject);
    std::string first = "-", resolution = "-", late = "-", never = "-";
    if (subject.library) {
      first = first_question(answers, subject);
      resolution = cell(resolution_delay(answers, subject));
      late = after_aaaa(answers, subject, "late.lab.test");
      never = after_aaaa(answers, subject, "never.lab.test");
    }
    table.row(subject.name, {delay, apart, first, resolution, late, never,
                             std::to_string(selected.ipv4),
                             std::to_string(selected.ipv6), selected.order});
  }
  table.note(
      "attempt: least IPv6 RTT at which IPv4 is tried as well, in steps "
      "of " +
      std::to_string(kStep));
  table.note(
      "apart: from the IPv6 SYN to the IPv4 one, IPv6 a black hole, "
      "median of 5");
  table.note(
      "resolution: least delay of the AAAA answer at which IPv4 goes "
      "first, in steps of " +
      std::to_string(kAnswerStep));
  table.note(
      "-: not measured, the lab's DNS with delays speaks DNS-over-TLS "
      "only");
}

}  // namespace happy::bench
