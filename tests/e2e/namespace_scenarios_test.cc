// The scenarios of docs/race.md on a real network: which address gets a SYN
// and when, by packets on the client's wire, and what connect() returns. The
// machine's own tests (tests/unit/race) have the same by number on virtual
// time. 30 ms are allowed, to the best of three runs on a busy machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using lab::Path;
using lab::Refusal;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr int kH = 10;  // ms, a handshake, and to the resolver and back
constexpr int kRuns = 3;

int allowed() { return lab::sanitized() ? 400 : 30; }

std::string v4(int n) { return "198.51.100." + std::to_string(n); }
std::string v6(int n) { return "2001:db8:5::" + std::to_string(n); }
Path near(int rtt = kH) { return {.rtt = milliseconds(rtt)}; }
Path hole() { return {.black_hole = true}; }
Path refusing(int rtt = kH) {
  return {.rtt = milliseconds(rtt), .refusal = Refusal::kReset};
}

struct Start {
  std::string address;
  int at;  // ms
};
bool operator==(const Start& a, const Start& b) {
  return a.address == b.address && a.at <= b.at + allowed() && b.at <= a.at + 2;
}
std::ostream& operator<<(std::ostream& out, const Start& start) {
  return out << start.address << " at " << start.at << " ms";
}

struct Scenario {
  const char* name;                                 // its number, and its rule
  std::vector<std::pair<std::string, Path>> hosts;  // as in the answer
  std::vector<Start> starts;  // from the first, or from `since`'s answer on
  std::string result;         // the peer, or an errno's name
  // ms: an established connection likewise, an error since the program called.
  // -1: when it pleases.
  int done = -1;
  int early = 2;  // ms that it may be done before
  json settings = json::object();
  lab::ClientNetwork client = lab::ClientNetwork::kDual;
  json delays = json::object();  // of the answers, by type
  const char* since = "";        // "A" or "AAAA"
  // The program's socket is of IPv6, for IPv4 addresses too: one of IPv4 would
  // not take the IPv6 address that comes late.
  bool mapped = false;
};
std::ostream& operator<<(std::ostream& out, const Scenario& scenario) {
  return out << scenario.name;
}

// Connects as most programs do, to the first address; or to the one named.
constexpr const char* kConnect = R"(
import errno, os, socket, sys, time
name, mapped, named = sys.argv[1:]
def ms(since):
    return round(1000 * (time.monotonic() - since))
def sockets():
    links = [os.readlink(link.path) for link in os.scandir("/proc/self/fd")
             if os.path.lexists(link.path)]
    return sum(link.startswith("socket:") for link in links)
wish = {"type": socket.SOCK_STREAM}
if mapped == "True":
    wish |= {"family": socket.AF_INET6, "flags": socket.AI_V4MAPPED}
began = time.monotonic()
try:
    list = socket.getaddrinfo(name, 80, **wish)
except socket.gaierror as error:
    print("EAI_AGAIN" if error.errno == socket.EAI_AGAIN else error, ms(began))
    sys.exit()
wanted = [one for one in list if one[4][0] == named] or list
family, type, protocol, _, address = wanted[0]
s = socket.socket(family, type, protocol)
before = sockets()
began = time.monotonic()
try:
    s.connect(address)
    print(s.getpeername()[0].removeprefix("::ffff:"))
except OSError as error:
    print(errno.errorcode[error.errno], ms(began))
time.sleep(0.1)  # what has lost is closed by now
for file in "/proc/net/tcp", "/proc/net/tcp6":
    with open(file) as table:
        left = [line for line in table if line.split()[3] == "02"]
        if left: print("still connecting:", left)
if sockets() > before: print("leaked:", sockets() - before)
)";

class Scenarios : public testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override { SKIP_WITHOUT_NAMESPACES(); }

  void open(const Scenario& scenario) {
    lab::NamespaceWish wish{.hosts = {}, .names = {{"s.lab.test", {}}}};
    wish.client = scenario.client;
    wish.resolver_rtt = milliseconds(kH);
    for (const auto& [address, path] : scenario.hosts) {
      wish.hosts.push_back({address, path});
      wish.names[0].addresses.push_back(address);
    }
    json zone = lab::zone_of(wish.names);
    if (!scenario.delays.empty())
      zone["names"]["s.lab.test"]["delay_ms"] = scenario.delays;
    wish.dot_script = json{{"zone", zone}};
    lab_ = std::make_unique<NamespaceLab>(wish);
    json policy = lab_->policy();
    policy["rules"][0].update(scenario.settings);
    lab_->use_policy(policy.dump());
  }

  struct Seen {
    std::vector<Start> starts;
    std::string result;
    int done = -1;
    std::string all;  // for a failed expectation
  };

  Seen run(const Scenario& scenario) {
    const std::string named = scenario.hosts.front().first;
    const auto outcome =
        lab_->run({"/usr/bin/python3", "-c", kConnect, "s.lab.test",
                   scenario.mapped ? "True" : "False",
                   scenario.client == lab::ClientNetwork::kDual ? "" : named},
                  {}, std::chrono::seconds(20));
    Seen out;
    out.result = outcome.out.substr(0, outcome.out.find_last_not_of('\n') + 1);
    take_time_of_error(&out);
    out.all = outcome.describe() + lab_->packets().describe();
    const auto attempts = lab_->packets().attempts();
    if (attempts.empty()) return out;
    const Time zero = since(scenario.since).value_or(attempts[0].sent);
    const auto since_zero = [zero](Time time) {
      return static_cast<int>(std::lround(
          std::chrono::duration<double, std::milli>(time - zero).count()));
    };
    for (const auto& attempt : attempts)
      out.starts.push_back(
          {attempt.destination.address.to_string(), since_zero(attempt.sent)});
    const auto peer = IpAddress::parse(out.result);
    const auto connected =
        peer ? lab_->packets().connected(*peer) : std::nullopt;
    if (connected) out.done = since_zero(*connected);
    return out;
  }

  // Errors are said with the time that they took: "ETIMEDOUT 2003".
  static void take_time_of_error(Seen* seen) {
    const size_t space = seen->result.find(' ');
    if (seen->result.find_first_not_of("0123456789", space + 1) !=
            std::string::npos ||
        space == std::string::npos)
      return;
    seen->done = std::stoi(seen->result.substr(space + 1));
    seen->result.resize(space);
  }

  // When the client read the answer of that type, by its own trace.
  std::optional<Time> since(const std::string& type) {
    for (const json& event : lab::events_of(lab_->trace(), "answer"))
      if (event["type"] == type)
        return Time(Duration(event["t_us"].get<int64_t>()));
    return std::nullopt;
  }

  // What the program measures itself has its own delays in it.
  static int latest(const Scenario& scenario) {
    const bool error = !IpAddress::parse(scenario.result);
    return scenario.done + allowed() + (error ? 100 : 0);
  }

  std::unique_ptr<NamespaceLab> lab_;
};

TEST_P(Scenarios, GoAsTheRulesSay) {
  const Scenario& scenario = GetParam();
  open(scenario);
  Seen seen;
  bool in_time = false;
  for (int i = 0; i < kRuns && !in_time; ++i) {
    seen = run(scenario);
    in_time = seen.starts == scenario.starts &&
              (scenario.done < 0 || seen.done <= latest(scenario));
  }
  EXPECT_EQ(seen.result, scenario.result) << seen.all;
  EXPECT_THAT(seen.starts, testing::ElementsAreArray(scenario.starts))
      << seen.all;
  if (scenario.done >= 0) {
    EXPECT_GE(seen.done, scenario.done - scenario.early) << seen.all;
    EXPECT_LE(seen.done, latest(scenario)) << seen.all;
  }
  EXPECT_EQ(lab_->packets().count_port(53), 0U);
}

// `count` of each family, IPv6 first, as an answer lists them.
std::vector<std::pair<std::string, Path>> both(int count, const Path& path) {
  std::vector<std::pair<std::string, Path>> out;
  for (int n = 1; n <= count; ++n) out.emplace_back(v6(n), path);
  for (int n = 1; n <= count; ++n) out.emplace_back(v4(n), path);
  return out;
}

// 6 4 6 4 ..., one each `delay`.
std::vector<Start> in_turn(int count, int delay) {
  std::vector<Start> out;
  for (int i = 0; i < count; ++i)
    out.push_back({i % 2 == 0 ? v6(i / 2 + 1) : v4(i / 2 + 1), i * delay});
  return out;
}

Scenario last_of_ten() {
  Scenario out{.name = "S12NineBlackHolesCostADelayEach",
               .hosts = both(5, hole()),
               .starts = in_turn(10, 250),
               .result = v4(5),
               .done = 9 * 250 + kH};
  out.hosts.back().second = near();
  return out;
}

Scenario last_of_twenty() {
  Scenario out{.name = "S15LastOfTwentyWinsAndTheOthersAreClosed",
               .hosts = both(10, hole()),
               .starts = in_turn(20, 100),
               .result = v4(10),
               .done = 1900 + kH,
               .settings = {{"race", {{"attempt_delay_ms", 100}}}}};
  out.hosts.back().second = near();
  return out;
}

Scenario six_in_flight() {
  Scenario out{
      .name = "S15TheSeventhStartsWhenTheFirstOfSixEnds",
      .hosts = both(4, hole()),
      .starts = in_turn(8, 100),
      .result = v4(4),
      .settings = {{"race", {{"attempt_delay_ms", 100}, {"max_in_flight", 6}}},
                   {"timeouts", {{"attempt_ms", 1000}}}}};
  out.hosts.back().second = near();
  out.starts[6].at = 1000;
  out.starts[7].at = 1100;
  return out;
}

Scenario nine_resets() {
  Scenario out{.name = "S13NineResetsCostARoundTripEach",
               .hosts = both(5, refusing()),
               .starts = in_turn(10, kH),
               .result = v4(5),
               .done = 9 * kH + kH};
  out.hosts.back().second = near();
  return out;
}

const json kTwoSeconds = {{"timeouts", {{"connect_ms", 2000}}}};

const Scenario kConnecting[] = {
    {.name = "S01BothHealthyTakesOneSyn",
     .hosts = {{v6(1), near()}, {v4(1), near()}},
     .starts = {{v6(1), 0}},
     .result = v6(1),
     .done = kH},
    {.name = "S02ABlackHoleCostsOneDelay",
     .hosts = {{v6(1), hole()}, {v4(1), near()}},
     .starts = {{v6(1), 0}, {v4(1), 250}},
     .result = v4(1),
     .done = 250 + kH},
    {.name = "S03AResetGoesOnAtOnce",
     .hosts = {{v6(1), refusing()}, {v4(1), near()}},
     .starts = {{v6(1), 0}, {v4(1), kH}},
     .result = v4(1),
     .done = 2 * kH},
    {.name = "S04NoRouteCostsNothing",
     .hosts = {{v6(1), near()}, {v4(1), near()}},
     .starts = {{v4(1), 0}},
     .result = v4(1),
     .done = kH,
     .client = lab::ClientNetwork::kIpv4Only},
    {.name = "S05SlowButInTimeWinsAlone",
     .hosts = {{v6(1), near(200)}, {v4(1), near()}},
     .starts = {{v6(1), 0}},
     .result = v6(1),
     .done = 200},
    {.name = "S06TheFasterSecondOvertakes",
     .hosts = {{v6(1), near(400)}, {v4(1), near()}},
     .starts = {{v6(1), 0}, {v4(1), 250}},
     .result = v4(1),
     .done = 250 + kH},
    {.name = "S08AllSilentEndsAtConnectMs",
     .hosts = {{v6(1), hole()}, {v4(1), hole()}},
     .starts = {{v6(1), 0}, {v4(1), 250}},
     .result = "ETIMEDOUT",
     .done = 2000,
     .settings = kTwoSeconds},
    {.name = "S09AllRefusedFailsAtOnce",
     .hosts = {{v6(1), refusing()}, {v4(1), refusing()}},
     .starts = {{v6(1), 0}, {v4(1), kH}},
     .result = "ECONNREFUSED",
     .done = 2 * kH},
    last_of_ten(),
    nine_resets(),
    {.name = "S14TwentyBlackHolesAlternate",
     .hosts = both(10, hole()),
     .starts = in_turn(20, 100),
     .result = "ETIMEDOUT",
     .done = 2500,
     .settings = {{"race", {{"attempt_delay_ms", 100}}},
                  {"timeouts", {{"connect_ms", 2500}}}}},
    last_of_twenty(),
    six_in_flight()};

INSTANTIATE_TEST_SUITE_P(Connecting, Scenarios, testing::ValuesIn(kConnecting),
                         [](const auto& it) { return it.param.name; });

// Times count from the answer that is named. A look-up's own list waits up to
// 20 ms for the other family (resolver.md).
const Scenario kResolving[] = {
    {.name = "S17AaaaWithinTheResolutionDelayLeads",
     .hosts = {{v6(1), near()}, {v4(1), near()}},
     .starts = {{v6(1), 30}},
     .result = v6(1),
     .done = 30 + kH,
     .delays = {{"AAAA", 30}},
     .since = "A"},
    {.name = "S18AaaaAfterTheResolutionDelayComesSecond",
     .hosts = {{v6(1), near()}, {v4(1), near()}},
     .starts = {{v4(1), 50}},
     .result = v4(1),
     .done = 50 + kH,
     .delays = {{"AAAA", 80}},
     .since = "A"},
    {.name = "S19LateAaaaJoinsTheRaceUnderWay",
     .hosts = {{v6(1), near()}, {v4(1), hole()}, {v4(2), hole()}},
     .starts = {{v4(1), 50}, {v4(2), 300}, {v6(1), 550}},
     .result = v6(1),
     .done = 550 + kH,
     .delays = {{"AAAA", 400}},
     .since = "A",
     .mapped = true},
    {.name = "S21ALateALittleDelaysNothing",
     .hosts = {{v6(1), near()}, {v4(1), near()}},
     .starts = {{v6(1), 0}},
     .result = v6(1),
     .delays = {{"A", 25}},
     .since = "AAAA"},
    {.name = "S21ALateMuchDelaysNothing",
     .hosts = {{v6(1), near()}, {v4(1), near()}},
     .starts = {{v6(1), 0}},
     .result = v6(1),
     .delays = {{"A", 100}},
     .since = "AAAA"},
    {.name = "S21AThatNeverComesDelaysNothing",
     .hosts = {{v6(1), near()}, {v4(1), near()}},
     .starts = {{v6(1), 0}},
     .result = v6(1),
     .delays = {{"A", nullptr}},
     .since = "AAAA"},
    {.name = "S27SilenceEndsAtResolveMs",
     .hosts = {{v6(1), near()}, {v4(1), near()}},
     .starts = {},
     .result = "EAI_AGAIN",
     .done = 1000,
     .early = 25,  // the resolvers' failure is waited for until 20 ms before
     .settings = {{"timeouts", {{"resolve_ms", 1000}}}},
     .delays = {{"A", nullptr}, {"AAAA", nullptr}}}};

INSTANTIATE_TEST_SUITE_P(Resolving, Scenarios, testing::ValuesIn(kResolving),
                         [](const auto& it) { return it.param.name; });

}  // namespace
}  // namespace happy::e2e
