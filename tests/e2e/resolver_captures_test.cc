// Each fault of a resolver as an unchanged program and the wire see it: what
// getaddrinfo() returned, when, and what was captured. Nothing goes out in
// clear text, whatever fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <map>
#include <sstream>

#include "tests/lab/namespace_lab.h"
#include "tests/support/resolver_faults.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using nlohmann::json;
using std::chrono::milliseconds;
using test::Ender;
using test::ResolverFault;

// The longer one where the answer, whatever it is, must not be the limit's.
constexpr milliseconds kRtt{10}, kLimit{1000}, kLongLimit{20000};
milliseconds slack() { return milliseconds(lab::sanitized() ? 4000 : 1500); }

// Of each connection to the resolver: whose FIN or RST came first. The client's
// own at the end of the program counts.
std::vector<Ender> enders(const lab::PacketLog& log) {
  std::map<uint16_t, std::optional<Ender>> first;  // by the client's port
  for (const lab::Packet& packet : log.all()) {
    const auto& client =
        packet.from_client ? packet.source : packet.destination;
    const auto& server =
        packet.from_client ? packet.destination : packet.source;
    if (server.port != 853) continue;
    auto& ender = first[client.port];
    if (ender || !(packet.fin || packet.rst)) continue;
    ender = packet.from_client ? Ender::kClient
            : packet.rst       ? Ender::kServerReset
                               : Ender::kServerFin;
  }
  std::vector<Ender> out;
  for (const auto& [port, ender] : first)
    out.push_back(ender.value_or(Ender::kClient));
  return out;
}

struct Answer {
  std::string what;  // an address, or the error's name
  milliseconds after{};
};

// By an unchanged program.
Answer ask(NamespaceLab& lab) {
  const auto outcome = lab.run({"python3", "-c", R"(
import socket, sys, time
began = time.monotonic()
try:
    found = [entry[4][0] for entry in socket.getaddrinfo(
        sys.argv[1], 80, socket.AF_INET, socket.SOCK_STREAM)]
except socket.gaierror as error:
    found = [error.errno]
print(round(1000 * (time.monotonic() - began)), *found)
)",
                                test::kFaultyName});
  std::istringstream words(outcome.out);
  int took = -1;
  Answer out;
  words >> took;
  std::getline(words >> std::ws, out.what);
  out.after = milliseconds(took);
  return out;
}

class ResolverCaptures : public testing::TestWithParam<ResolverFault> {};

TEST_P(ResolverCaptures, ShowThis) {
  SKIP_WITHOUT_NAMESPACES();
  const ResolverFault& fault = GetParam();
  NamespaceLab lab({.hosts = {{test::kFaultyAddress, {.rtt = kRtt}}},
                    .names = {},
                    .dot_script = fault.script});
  json policy = lab.policy();
  json& resolver = policy["resolvers"]["lab"];
  resolver.merge_patch(
      test::as_trusted(fault.trust, resolver["pins"][0], lab.authority_file()));
  const milliseconds limit = fault.at_limit ? kLimit : kLongLimit;
  policy["rules"][0]["timeouts"]["resolve_ms"] = limit.count();
  lab.use_policy(policy.dump());

  const Answer answer = ask(lab);
  const auto& packets = lab.packets();
  EXPECT_EQ(answer.what,
            fault.eai == 0 ? test::kFaultyAddress : std::to_string(fault.eai));
  const milliseconds due = fault.at_limit ? limit - milliseconds(40) : kRtt;
  EXPECT_GE(answer.after, due);
  EXPECT_LE(answer.after, due + slack());
  std::vector<Ender> expected(static_cast<size_t>(fault.connections),
                              fault.ender);
  // What answered on another connection stays open.
  if (fault.eai == 0 && fault.connections > 1) expected.back() = Ender::kClient;
  EXPECT_EQ(enders(packets), expected) << packets.describe();
  EXPECT_EQ(packets.count_port(53), 0U) << packets.describe();
  EXPECT_EQ(packets.dns().size(), packets.count_port(853));
}

INSTANTIATE_TEST_SUITE_P(All, ResolverCaptures,
                         testing::ValuesIn(test::resolver_faults()),
                         [](const auto& it) { return it.param.name; });

// The port itself, by the path to it.
struct PortFault {
  const char* name;
  lab::Path path;
  bool at_limit;
  size_t resets, unreachables;
};
void PrintTo(const PortFault& fault, std::ostream* out) { *out << fault.name; }

class PortCaptures : public testing::TestWithParam<PortFault> {};

TEST_P(PortCaptures, ShowThis) {
  SKIP_WITHOUT_NAMESPACES();
  NamespaceLab lab({.hosts = {{test::kFaultyAddress, {.rtt = kRtt}}},
                    .names = {{test::kFaultyName, {test::kFaultyAddress}}}});
  lab.change(NamespaceLab::kResolver, GetParam().path);
  json policy = lab.policy();
  policy["rules"][0]["timeouts"]["resolve_ms"] = kLimit.count();
  lab.use_policy(policy.dump());
  const Answer answer = ask(lab);
  const auto& packets = lab.packets();
  EXPECT_EQ(answer.what, std::to_string(EAI_AGAIN));
  const milliseconds due =
      GetParam().at_limit ? kLimit - milliseconds(40) : milliseconds(0);
  EXPECT_GE(answer.after, due);
  EXPECT_LE(answer.after, due + slack());
  EXPECT_EQ(enders(packets).size(), 1U) << packets.describe();
  EXPECT_EQ(packets.resets().size(), GetParam().resets) << packets.describe();
  EXPECT_EQ(packets.unreachables().size(), GetParam().unreachables)
      << packets.describe();
  EXPECT_EQ(packets.count_port(53), 0U) << packets.describe();
}

INSTANTIATE_TEST_SUITE_P(
    All, PortCaptures,
    testing::Values(PortFault{"Filtered", {.black_hole = true}, true, 0, 0},
                    PortFault{"Refused",
                              {.rtt = kRtt, .refusal = lab::Refusal::kReset},
                              false,
                              1,
                              0},
                    PortFault{"Prohibited",
                              {.rtt = kRtt,
                               .refusal = lab::Refusal::kAdminProhibited},
                              false,
                              0,
                              1},
                    PortFault{"ResetInTheHandshake",
                              {.rtt = kRtt, .reset_after = 200},
                              false,
                              2,
                              0}),
    [](const auto& it) { return std::string(it.param.name); });

}  // namespace
}  // namespace happy::e2e
