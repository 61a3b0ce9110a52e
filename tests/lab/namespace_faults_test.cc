// What the paths of a namespace lab do to an unchanged program, by the real
// kernel on both sides: refusals, resets, loss, rate, changes, NAT64.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/lab/probe.h"

namespace happy::lab {
namespace {

using std::chrono::milliseconds;

constexpr const char* kHost4 = "198.51.100.1";
constexpr const char* kHost6 = "2001:db8:5::1";
constexpr milliseconds kRtt{10};

NamespaceWish wish(const Path& path) {
  return {.hosts = {{kHost4, path}, {kHost6, path}},
          .names = {{"both.lab.test", {kHost6, kHost4}}}};
}

struct RefusalCase {
  const char* name;
  Refusal refusal;
  const char* result4;
  const char* result6;
};

void PrintTo(const RefusalCase& it, std::ostream* out) { *out << it.name; }

class RefusalTest : public testing::TestWithParam<RefusalCase> {};

TEST_P(RefusalTest, TheClientSeesItsErrnoAfterOneRtt) {
  SKIP_WITHOUT_NAMESPACES();
  NamespaceLab lab(wish({.rtt = kRtt, .refusal = GetParam().refusal}));
  for (const bool ipv4 : {true, false}) {
    const auto probes = probe(lab, ipv4 ? kHost4 : kHost6, 3);
    ASSERT_EQ(probes.size(), 3U);
    for (const auto& one : probes) {
      EXPECT_EQ(one.result, ipv4 ? GetParam().result4 : GetParam().result6);
      EXPECT_GE(one.ms, 10.0);
      EXPECT_LE(one.ms, 200.0);
    }
    const bool resets = GetParam().refusal == Refusal::kReset;
    EXPECT_EQ(lab.packets().resets().size(), resets ? 3U : 0U);
    EXPECT_EQ(lab.packets().unreachables().size(), resets ? 0U : 3U)
        << lab.packets().describe();
    EXPECT_EQ(lab.packets().syns().size(), 3U);
    EXPECT_TRUE(lab.packets().syn_acks().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Refusals, RefusalTest,
    testing::Values(RefusalCase{"Reset", Refusal::kReset, "ECONNREFUSED",
                                "ECONNREFUSED"},
                    RefusalCase{"Net", Refusal::kNetUnreachable, "ENETUNREACH",
                                "ENETUNREACH"},
                    RefusalCase{"Host", Refusal::kHostUnreachable,
                                "EHOSTUNREACH", "EHOSTUNREACH"},
                    RefusalCase{"Port", Refusal::kPortUnreachable,
                                "ECONNREFUSED", "ECONNREFUSED"},
                    RefusalCase{"Admin", Refusal::kAdminProhibited,
                                "EHOSTUNREACH", "EACCES"}),
    [](const auto& tested) { return std::string(tested.param.name); });

class FaultsTest : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_NAMESPACES(); }

  // The program's output; a failure where it does not end well.
  static std::string python(NamespaceLab& lab, const std::string& program) {
    const Outcome outcome = lab.run_plain({"/usr/bin/python3", "-c", program});
    EXPECT_TRUE(outcome.good()) << outcome.describe();
    return outcome.out;
  }
};

TEST_F(FaultsTest, AConnectionIsResetAfterExactlySoManyOctets) {
  NamespaceLab lab(wish({.rtt = kRtt, .reset_after = 20}));
  EXPECT_EQ(python(lab, R"(
import socket
s = socket.create_connection(("198.51.100.1", 80))
s.sendall(b"GET / HTTP/1.1\r\n\r\n")
got = b""
try:
    while data := s.recv(100): got += data
    print("FIN", got)
except ConnectionResetError:
    print("RST", got)
)"),
            "RST b'HTTP/1.1 200 OK\\r\\nCon'\n");
  // One to the client and one to the server.
  EXPECT_EQ(lab.packets().resets().size(), 2U) << lab.packets().describe();
}

TEST_F(FaultsTest, AFifthOfDatagramsIsLostAndTheSameOnesAgain) {
  const char* const program = R"(
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(1000):
    s.sendto(b"x", ("198.51.100.9", 9))
    time.sleep(0.0002)
)";
  std::vector<std::vector<Fate>> fates;
  for (int i = 0; i < 2; ++i) {
    // An address that the server side does not have: nothing answers.
    NamespaceLab lab({.hosts = {{kHost4, {}}}, .names = {}});
    lab.change("198.51.100.9", {.loss = 0.2});
    python(lab, program);
    auto& mine = fates.emplace_back();
    for (const auto& packet : lab.packets().all())
      if (packet.destination.port == 9) mine.push_back(packet.fate);
  }
  ASSERT_EQ(fates[0].size(), 1000U);
  // Four standard deviations of the binomial distribution.
  EXPECT_NEAR(static_cast<double>(std::ranges::count(fates[0], Fate::kLost)),
              200, 51);
  EXPECT_EQ(fates[0], fates[1]);
}

TEST_F(FaultsTest, AnUploadTakesWhatItsRateAllows) {
  NamespaceLab lab(wish({.rtt = kRtt, .octets_per_second = 400'000}));
  python(lab, R"(
import socket
s = socket.create_connection(("198.51.100.1", 80))
s.sendall(b"x" * 200000 + b"\r\n\r\n")
assert s.recv(100)
)");
  std::vector<Packet> data;
  size_t octets = 0;
  for (const auto& packet : lab.packets().all()) {
    if (!packet.from_client || packet.payload == 0 || !packet.delivered)
      continue;
    // The first one's time is where the others' octets start to count.
    if (!data.empty()) octets += packet.payload + 52;  // headers, timestamps
    data.push_back(packet);
  }
  ASSERT_GT(data.size(), 100U);
  const std::chrono::duration<double> took =
      *data.back().delivered - *data.front().delivered;
  EXPECT_NEAR(static_cast<double>(octets) / took.count(), 400'000, 40'000);
}

TEST_F(FaultsTest, AChangeInMidRunHoldsFromItsTimeOn) {
  NamespaceLab lab(wish({.rtt = kRtt}));
  lab.change_after(milliseconds(250), kHost4, {.black_hole = true});
  const Outcome outcome = lab.run_plain({"/usr/bin/python3", "-c", R"(
import socket, time
kept = []
for i in range(50):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("198.51.100.1", 80))
    kept.append(s)
    time.sleep(0.01)
)"});
  ASSERT_TRUE(outcome.good()) << outcome.describe();
  int before = 0, after = 0;
  for (const auto& syn : lab.packets().syns()) {
    const Duration since = syn.sent - outcome.started;
    if (since < milliseconds(245)) {
      EXPECT_EQ(syn.fate, Fate::kDelivered) << since.count();
      ++before;
    } else if (since > milliseconds(255)) {
      EXPECT_NE(syn.fate, Fate::kDelivered) << since.count();
      ++after;
    }
  }
  EXPECT_GT(before, 0);
  EXPECT_GT(after, 0);
}

TEST_F(FaultsTest, AnIpv6OnlyClientReachesIpv4ByNat64Only) {
  NamespaceWish world = wish({.rtt = kRtt});
  world.client = ClientNetwork::kIpv6Only;
  world.nat64 = true;
  world.names.push_back({"nat64.lab.test", {"64:ff9b::198.51.100.1"}});
  NamespaceLab lab(world);
  EXPECT_EQ(probe(lab, kHost4, 1).at(0).result, "ENETUNREACH");
  EXPECT_EQ(probe(lab, kHost6, 1).at(0).result, "ok");
  const Outcome outcome =
      lab.run_plain({"curl", "-sS", "http://nat64.lab.test/"});
  EXPECT_EQ(outcome.out, "198.51.100.1\n") << outcome.describe();
  ASSERT_EQ(lab.packets().attempts().size(), 1U);
  EXPECT_EQ(lab.packets().attempts()[0].destination.to_string(),
            "[64:ff9b::c633:6401]:80");
  const auto timed = probe(lab, "64:ff9b::198.51.100.1", 3);
  for (const auto& one : timed) EXPECT_GE(one.ms, 10.0);
}

TEST_F(FaultsTest, AnIpv4OnlyClientHasNoIpv6) {
  NamespaceWish world = wish({.rtt = kRtt});
  world.client = ClientNetwork::kIpv4Only;
  NamespaceLab lab(world);
  EXPECT_EQ(probe(lab, kHost6, 1).at(0).result, "ENETUNREACH");
  EXPECT_EQ(probe(lab, kHost4, 1).at(0).result, "ok");
}

TEST_F(FaultsTest, TheLogHasDnsOfBothKindsWithTimes) {
  NamespaceLab lab(wish({.rtt = kRtt}));
  lab.run_plain({"curl", "-sS", "http://both.lab.test/"});
  const auto dns = lab.packets().dns();
  ASSERT_GE(dns.size(), 4U);  // A and AAAA, each with its answer
  EXPECT_EQ(dns.front().destination.to_string(), "198.51.100.53:53");
  EXPECT_LT(dns.front().sent, lab.packets().syns().at(0).sent);
  EXPECT_LE(lab.packets().syns().at(0).sent,
            lab.packets().syn_acks().at(0).sent);
}

// The library in the lab with the scripted resolver: its delay is on the wire,
// and its silence is an error to the program, not a question to port 53.
TEST_F(FaultsTest, TheScriptedResolverServesTheLibrary) {
  NamespaceWish world = wish({.rtt = kRtt});
  world.dot_script = nlohmann::json::parse(R"({"zone": {"names": {
      "late.lab.test": {"A": ["198.51.100.1"], "delay_ms": 120},
      "mute.lab.test": {"fault": "drop"}}}})");
  NamespaceLab lab(world);
  const Outcome late = lab.run({"curl", "-sS", "http://late.lab.test/"});
  EXPECT_EQ(late.out, "198.51.100.1\n") << late.describe();
  EXPECT_TRUE(answered_by_dot(lab.trace(), "late.lab.test"));
  const auto syns = lab.packets().syns();
  ASSERT_GE(syns.size(), 2U);
  EXPECT_EQ(syns.front().destination.to_string(), "198.51.100.53:853");
  EXPECT_GE(syns.back().sent - syns.front().sent, milliseconds(120));
  const Outcome mute = lab.run({"curl", "-sS", "http://mute.lab.test/"}, {},
                               std::chrono::seconds(20));
  EXPECT_FALSE(mute.good() || mute.timed_out) << mute.describe();
  EXPECT_EQ(lab.packets().count_port(53), 0U);
}

}  // namespace
}  // namespace happy::lab
