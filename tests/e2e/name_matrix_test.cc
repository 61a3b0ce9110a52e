// getaddrinfo() and the gethostbyname() family over DNS-over-TLS against libc's
// own over clear text: the same zone, hosts file and search list, ten thousand
// combinations of node, service and hints (programs/name_matrix.cc), every
// field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>

#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using nlohmann::json;

// What differs and may: docs/hooks.md has the same, with the reasons.
struct Difference {
  const char* mark;
  std::function<bool(const std::string& plain, const std::string& with)> is;
};

bool has(const std::string& line, const std::string& part) {
  return line.find(part) != std::string::npos;
}

const Difference kDifferences[] = {
    {"buffer-size",
     [](const std::string& plain, const std::string& with) {
       return has(plain, " in ") &&
              has(plain, "Numerical result out of range") &&
              has(with, "\tSuccess");
     }},
    {"dead-alias",
     [](const std::string& plain, const std::string& with) {
       return has(plain, "\"nowhere.chain") &&
              (has(plain, "none, h_errno 3") ||
               (has(plain, "family 2 ") && has(plain, "\tNo address"))) &&
              (has(with, "none, h_errno 1") ||
               has(with, "\tName or service not known"));
     }},
    {"leading-dash",
     [](const std::string& plain, const std::string& with) {
       return has(plain, "\"-dash.lab.test\"") &&
              has(plain, "\tNo address associated with hostname") &&
              has(with, "\tName or service not known");
     }},
    {"localhost-twice", [](const std::string& plain, const std::string& with) {
       return has(plain, "\"localhost\"") && plain.starts_with(with);
     }}};

const Difference kRawDifferences[] = {
    {"cut-answer",
     [](const std::string& plain, const std::string& with) {
       return has(plain, " in 40\twhole unreadable") &&
              has(with, "\tcut truncated");
     }},
    {"special-message", [](const std::string& plain, const std::string& with) {
       return has(plain, "res_send \"x.invalid\"") && has(with, "\t-1");
     }}};

template <size_t kSize>
void expect_same(const std::vector<std::string>& plain,
                 const std::vector<std::string>& with,
                 const Difference (&known)[kSize]) {
  ASSERT_GT(plain.size(), 1000U);
  ASSERT_EQ(plain.size(), with.size());
  std::map<std::string, int> seen;
  for (size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] == with[i]) continue;
    const auto one =
        std::find_if(std::begin(known), std::end(known),
                     [&](const auto& it) { return it.is(plain[i], with[i]); });
    if (one != std::end(known))
      ++seen[one->mark];
    else
      ADD_FAILURE() << "plain: " << plain[i] << "\nwith:  " << with[i];
  }
  const std::string document =
      lab::read_file(HAPPY_SOURCE_FOLDER "/docs/hooks.md");
  for (const Difference& one : known) {
    EXPECT_GT(seen[one.mark], 0) << one.mark << " is no difference any more";
    EXPECT_TRUE(has(document, std::string("\n| ") + one.mark + " | "))
        << "docs/hooks.md does not tell of " << one.mark;
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// A search list and a hosts file, for both alike.
constexpr const char* kFiles = R"(
folder=$(mktemp -d) && cd "$folder" &&
{ cat /etc/resolv.conf; echo "search lab.test"; } > resolv.conf &&
cat > hosts <<'END' &&
127.0.0.1 localhost
::1 localhost
192.0.2.77 hosts.lab.test nick
192.0.2.78 nick other HOSTS.lab.test
192.0.2.79 second.lab.test hosts.lab.test third
2001:db8:7::7 hosts.lab.test
END
mount --bind resolv.conf /etc/resolv.conf && mount --bind hosts /etc/hosts &&
cd / && rm -rf "$folder"
)";

TEST(NameMatrix, EveryFieldIsLibcs) {
  SKIP_WITHOUT_NAMESPACES();
  lab::NamespaceWish wish{
      .hosts = {},
      .names = {{"a.lab.test", {"198.51.100.1"}},
                {"aaaa.lab.test", {"2001:db8:5::1"}},
                {"both.lab.test", {"198.51.100.2", "2001:db8:5::2"}},
                {"many.lab.test",
                 {"198.51.100.11", "198.51.100.12", "198.51.100.13",
                  "2001:db8:5::11", "2001:db8:5::12"}},
                {"xn--bcher-kva.lab.test", {"198.51.100.3"}},
                {"under_score.lab.test", {"198.51.100.4"}},
                {"-dash.lab.test", {"198.51.100.5"}},
                {"hosts.lab.test", {"198.51.100.6"}}},
      .records = {"noaddress.lab.test. 300 IN TXT \"no address\"",
                  "8.100.51.198.in-addr.arpa. 300 IN PTR a.lab.test."},
      .chain = {"end.chain.lab.test. 300 IN A 198.51.100.21",
                "end.chain.lab.test. 300 IN AAAA 2001:db8:5::21",
                "alias.chain.lab.test. 300 IN CNAME end.chain.lab.test.",
                "farther.chain.lab.test. 300 IN CNAME alias.chain.lab.test.",
                "nowhere.chain.lab.test. 300 IN CNAME none.chain.lab.test."}};
  wish.resolver_rtt = Duration(0);
  lab::NamespaceLab lab(wish);
  ASSERT_TRUE(lab.run_plain({"sh", "-c", kFiles}).good());
  json policy = lab.policy();
  policy["rules"][0]["hosts"] = {"*"};
  lab.use_policy(policy.dump());
  const std::vector<std::string> command{HAPPY_BUILD_FOLDER "/e2e_name_matrix"};
  const auto limit = std::chrono::seconds(120);
  const auto plain = lines_of(lab.run_plain(command, {}, limit).out);
  const auto with =
      lines_of(lab.run(command, {{"HAPPY_TRACE", ""}}, limit).out);
  expect_same(plain, with, kDifferences);
}

// res_query() and its relatives, of any type.
TEST(RawMatrix, EveryAnswerIsTheResolvers) {
  SKIP_WITHOUT_NAMESPACES();
  std::string big = "big.lab.test. 300 IN TXT";
  for (int i = 0; i < 12; ++i) big += " \"" + std::string(250, 'x') + "\"";
  lab::NamespaceWish wish{
      .hosts = {},
      .names = {{"both.lab.test", {"198.51.100.2", "2001:db8:5::2"}},
                {"mail.lab.test", {"198.51.100.3"}}},
      .records = {"both.lab.test. 300 IN MX 10 mail.lab.test.",
                  "both.lab.test. 300 IN MX 20 both.lab.test.",
                  "both.lab.test. 300 IN TXT \"v=spf1 -all\" \"two\"",
                  "_http._tcp.lab.test. 300 IN SRV 1 2 80 both.lab.test.",
                  "host.lab.test. 300 IN SSHFP 4 2 "
                  "123456789abcdef67890123456789abcdef67890123456789abcdef12345"
                  "6789",
                  big}};
  wish.resolver_rtt = Duration(0);
  lab::NamespaceLab lab(wish);
  ASSERT_TRUE(lab.run_plain({"sh", "-c", kFiles}).good());
  json policy = lab.policy();
  policy["rules"][0]["hosts"] = {"*"};
  lab.use_policy(policy.dump());
  const std::vector<std::string> command{HAPPY_BUILD_FOLDER "/e2e_raw_matrix"};
  const auto limit = std::chrono::seconds(60);
  const auto plain = lines_of(lab.run_plain(command, {}, limit).out);
  const auto outcome = lab.run(command, {{"HAPPY_TRACE", ""}}, limit);
  const auto with = lines_of(outcome.out);
  EXPECT_EQ(lab.packets().count_port(53), 0U);
  expect_same(plain, with, kRawDifferences);
}

}  // namespace
}  // namespace happy::e2e
