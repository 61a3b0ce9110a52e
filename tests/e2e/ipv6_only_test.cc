// On a network of IPv6 only, with a translator to IPv4 (NAT64): names without
// an AAAA, and programs that know IPv4 alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using lab::NamespaceLab;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char *kGood = "198.51.100.1", *kDead = "198.51.100.3";
constexpr const char* kGood6 = "2001:db8:5::1";
constexpr const char *kTranslated = "64:ff9b::c633:6401",
                     *kDeadTranslated = "64:ff9b::c633:6403";
constexpr std::chrono::milliseconds kRtt{10};

lab::NamespaceWish world(lab::ClientNetwork client) {
  return {.hosts = {{kGood, {.rtt = kRtt}},
                    {kDead, {.black_hole = true}},
                    {kGood6, {.rtt = kRtt}}},
          .names = {{"a.lab.test", {kGood}},
                    {"aaaa.lab.test", {kGood6}},
                    {"both.lab.test", {kGood6, kGood}},
                    {"dead4.lab.test", {kDead, kGood}},
                    {"ipv4only.arpa",
                     {"64:ff9b::192.0.0.170", "64:ff9b::192.0.0.171"}}},
          .client = client,
          .nat64 = true};
}

class Ipv6OnlyTest : public testing::Test {
 protected:
  void SetUp() override { SKIP_WITHOUT_NAMESPACES(); }

  // The rule's keys besides hosts and resolvers.
  NamespaceLab& lab(const json& settings,
                    lab::ClientNetwork client = lab::ClientNetwork::kIpv6Only) {
    lab_ = std::make_unique<NamespaceLab>(world(client));
    json policy = lab_->policy();
    policy["rules"][0].update(settings);
    lab_->use_policy(policy.dump());
    return *lab_;
  }
  lab::Outcome python(const std::string& script,
                      const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> words{"/usr/bin/python3", "-c", script};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return lab_->run(words);
  }
  // The addresses that got a SYN of a connection to port 80, in order.
  std::vector<std::string> tried() {
    std::vector<std::string> out;
    for (const auto& attempt : lab_->packets().attempts())
      out.push_back(attempt.destination.address.to_string());
    return out;
  }
  // The sizes of the questions to port 53.
  std::vector<size_t> asked_in_clear() {
    std::vector<size_t> out;
    for (const auto& packet : lab_->packets().dns())
      if (packet.destination.port == 53) out.push_back(packet.payload);
    return out;
  }
  std::unique_ptr<NamespaceLab> lab_;
};

const json kPrefix = {{"nat64", "64:ff9b::/96"}};
const json kCrossing = {{"nat64", "64:ff9b::/96"},
                        {"race", {{"cross_family", true}}}};

constexpr const char* kDual = R"(
import socket, sys
s = socket.create_connection((sys.argv[1], 80), timeout=5)
print(s.family.name, s.getpeername()[0])
)";

TEST_F(Ipv6OnlyTest, ANameWithoutAaaaIsReachedThroughTheTranslator) {
  lab(kPrefix);
  const auto outcome = python(kDual, {"a.lab.test"});
  EXPECT_EQ(outcome.out, std::string("AF_INET6 ") + kTranslated + "\n")
      << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(kTranslated));
}

TEST_F(Ipv6OnlyTest, TranslatedAddressesAreRaced) {
  lab(kPrefix);
  const auto outcome = python(kDual, {"dead4.lab.test"});
  EXPECT_EQ(outcome.out, std::string("AF_INET6 ") + kTranslated + "\n")
      << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(kDeadTranslated, kTranslated));
}

// RFC 6147 section 5.1.1: an AAAA of its own is the better way.
TEST_F(Ipv6OnlyTest, ANameWithAaaaIsNotTranslated) {
  lab(kPrefix);
  const auto outcome = python(R"(
import socket
print(sorted({a[4][0] for a in socket.getaddrinfo("both.lab.test", 80)}))
)");
  EXPECT_EQ(outcome.out, "['198.51.100.1', '2001:db8:5::1']\n")
      << outcome.describe();
}

TEST_F(Ipv6OnlyTest, ALookUpForIpv6AloneFindsTheTranslatedAddressToo) {
  lab(kPrefix);
  const auto outcome = python(R"(
import socket
for name in "a.lab.test", "aaaa.lab.test":
  print({a[4][0] for a in socket.getaddrinfo(name, 80, socket.AF_INET6)})
)");
  EXPECT_EQ(outcome.out,
            std::string("{'") + kTranslated + "'}\n{'" + kGood6 + "'}\n")
      << outcome.describe();
}

TEST_F(Ipv6OnlyTest, WithoutTheKeyNothingIsTranslated) {
  lab(json::object());
  const auto outcome = python(kDual, {"a.lab.test"});
  EXPECT_THAT(outcome.err, HasSubstr("Network is unreachable"));
  EXPECT_THAT(tried(), IsEmpty());
}

TEST_F(Ipv6OnlyTest, WhereIpv4LeadsOutNothingIsTranslated) {
  lab(kPrefix, lab::ClientNetwork::kDual);
  const auto outcome = python(kDual, {"a.lab.test"});
  EXPECT_EQ(outcome.out, std::string("AF_INET ") + kGood + "\n")
      << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(kGood));
}

// RFC 7050, of the system's resolver. A strict name is not told to it.
TEST_F(Ipv6OnlyTest, ThePrefixIsDiscovered) {
  lab({{"nat64", "discover"}});
  const auto outcome = python(R"(
import socket
for i in range(2):
  s = socket.create_connection(("a.lab.test", 80), timeout=5)
  print(s.getpeername()[0])
)");
  EXPECT_EQ(outcome.out, std::string(kTranslated) + "\n" + kTranslated + "\n")
      << outcome.describe();
  // Of a header, 15 octets of ipv4only.arpa, type and class.
  EXPECT_THAT(asked_in_clear(), ElementsAre(12 + 15 + 4))
      << lab_->packets().describe();
}

TEST_F(Ipv6OnlyTest, WhereIpv4LeadsOutNothingIsDiscovered) {
  lab({{"nat64", "discover"}}, lab::ClientNetwork::kDual);
  const auto outcome = python(kDual, {"a.lab.test"});
  EXPECT_TRUE(outcome.good()) << outcome.describe();
  EXPECT_THAT(asked_in_clear(), IsEmpty());
}

// Resolves for IPv4 alone, and tells all that a socket says of itself.
constexpr const char* kIpv4Alone = R"(
import os, socket, sys
address = socket.gethostbyname(sys.argv[1])
s = socket.socket(socket.AF_INET)
s.settimeout(float(sys.argv[2]) or None)
s.connect((address, 80))
def tell(s):
  print(s.getpeername(), s.getsockname()[0],
        s.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN))
tell(s)
tell(socket.socket(fileno=os.dup(s.fileno())))
if os.fork() == 0:
  tell(s)
  sys.stdout.flush()
  os._exit(0)
os.wait()
s.connect_ex((address, 80))  # 0 once where the connection was waited for by poll
for call in (lambda: s.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY),
             lambda: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0),
             lambda: s.connect((address, 80))):
  try: call()
  except OSError as error: print(error.strerror)
s.sendall(b"GET / HTTP/1.0\r\n\r\n")
print(s.recv(12).decode())
)";

class Ipv4ProgramTest : public Ipv6OnlyTest,
                        public testing::WithParamInterface<const char*> {};

// As RFC 6535 has it, but in the process.
TEST_P(Ipv4ProgramTest, ReachesIpv6AndSeesIpv4) {
  lab(kCrossing);
  for (const auto& [name, address] :
       {std::pair("a.lab.test", kGood), std::pair("dead4.lab.test", kDead),
        std::pair("both.lab.test", kGood)}) {
    const auto outcome = python(kIpv4Alone, {name, GetParam()});
    const std::string told =
        std::string("('") + address + "', 80) 192.0.0.2 2\n";
    EXPECT_EQ(outcome.out,
              told + told + told +
                  "Protocol not available\nProtocol not available\n"
                  "Transport endpoint is already connected\nHTTP/1.1 200\n")
        << outcome.describe();
  }
}
INSTANTIATE_TEST_SUITE_P(Modes, Ipv4ProgramTest, testing::Values("0", "5"),
                         [](const auto& tested) {
                           return std::string(tested.param) == "0"
                                      ? "Blocking"
                                      : "NonBlocking";
                         });

TEST_F(Ipv6OnlyTest, WithoutCrossFamilyAnIpv4ProgramFailsAsBefore) {
  lab(kPrefix);
  const auto outcome = python(kIpv4Alone, {"both.lab.test", "0"});
  EXPECT_THAT(outcome.err, HasSubstr("Network is unreachable"));
  EXPECT_THAT(tried(), IsEmpty());
}

TEST_F(Ipv6OnlyTest, RealProgramsThatAreToldToUseIpv4) {
  lab(kCrossing);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"curl", "-4sS", "http://a.lab.test/"},
        {"wget", "-4qO-", "http://a.lab.test/"}}) {
    const auto outcome = lab_->run(command);
    EXPECT_THAT(outcome.out, HasSubstr(kGood)) << outcome.describe();
    EXPECT_THAT(tried(), ElementsAre(kTranslated));
  }
}

// The kernel's choice of a local address is what a bound socket forbids.
TEST_F(Ipv6OnlyTest, ABoundSocketStaysInItsFamily) {
  lab(kCrossing);
  const auto outcome = python(R"(
import socket
s = socket.socket(socket.AF_INET)
s.bind(("127.0.0.1", 0))
try: s.connect((socket.gethostbyname("both.lab.test"), 80))
except OSError as error: print(error.strerror)
)");
  EXPECT_EQ(outcome.out, "Network is unreachable\n") << outcome.describe();
  EXPECT_THAT(tried(), IsEmpty());
}

// Where both families lead out the program's own goes first, as everywhere.
TEST_F(Ipv6OnlyTest, OnADualNetworkIpv6BacksADeadIpv4Up) {
  lab_ = std::make_unique<NamespaceLab>(lab::NamespaceWish{
      .hosts = {{kDead, {.black_hole = true}}, {kGood6, {.rtt = kRtt}}},
      .names = {{"dead4.lab.test", {kDead, kGood6}}}});
  json policy = lab_->policy();
  policy["rules"][0]["race"] = {{"cross_family", true}};
  lab_->use_policy(policy.dump());
  const auto outcome = python(kIpv4Alone, {"dead4.lab.test", "5"});
  EXPECT_THAT(outcome.out, StartsWith("('198.51.100.3', 80) 192.0.0.2 2\n"))
      << outcome.describe();
  EXPECT_THAT(tried(), ElementsAre(kDead, kGood6));
}

}  // namespace
}  // namespace happy::e2e
