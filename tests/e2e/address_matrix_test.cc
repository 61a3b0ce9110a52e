// Names for addresses over DNS-over-TLS against libc's own over clear text: the
// same zone and hosts file, every field (programs/address_matrix.cc).
#include <gtest/gtest.h>

#include <sstream>

#include "tests/lab/namespace_lab.h"

namespace happy::e2e {
namespace {

using nlohmann::json;

constexpr const char* kHosts = R"(
file=$(mktemp) && printf '%s\n' '127.0.0.1 localhost' \
  '198.51.100.5 filed.lab.test nick other' > "$file" &&
mount --bind "$file" /etc/hosts && rm "$file"
)";

// libc wants room for its own use as well: docs/hooks.md, buffer-size.
bool wants_more_room(const std::string& plain) {
  return plain.starts_with("gethostbyaddr_r") &&
         plain.find("\t34 none h_errno -1") != plain.npos;
}

void expect_same(const std::string& plain, const std::string& with) {
  std::istringstream left(plain), right(with);
  std::string one, other;
  while (std::getline(left, one)) {
    ASSERT_TRUE(std::getline(right, other)) << one;
    if (!wants_more_room(one)) {
      EXPECT_EQ(one, other);
    }
  }
  EXPECT_FALSE(std::getline(right, other)) << other;
}

TEST(AddressMatrix, EveryFieldIsLibcs) {
  SKIP_WITHOUT_NAMESPACES();
  lab::NamespaceWish wish{
      .hosts = {},
      .names = {{"one.lab.test", {"198.51.100.1", "2001:db8:5::1"}},
                {"two.lab.test", {"198.51.100.2"}},
                {"none.lab.test", {"198.51.100.3"}},
                {"text.lab.test", {"198.51.100.4"}},
                {"inhosts.lab.test", {"198.51.100.5"}},
                {"bad.lab.test", {"198.51.100.6"}}},
      .records = {"1.100.51.198.in-addr.arpa. 300 IN PTR one.lab.test.",
                  "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.b.d.0.1.0."
                  "0.2.ip6.arpa. 300 IN PTR six.lab.test.",
                  "2.100.51.198.in-addr.arpa. 300 IN PTR two.lab.test.",
                  "2.100.51.198.in-addr.arpa. 300 IN PTR also.lab.test.",
                  "4.100.51.198.in-addr.arpa. 300 IN TXT \"no name\"",
                  "6.100.51.198.in-addr.arpa. 300 IN PTR -a!.lab.test."}};
  wish.resolver_rtt = Duration(0);
  lab::NamespaceLab lab(wish);
  ASSERT_TRUE(lab.run_plain({"sh", "-c", kHosts}).good());
  json policy = lab.policy();
  policy["rules"][0]["hosts"] = {"*"};
  lab.use_policy(policy.dump());
  const std::vector<std::string> command{HAPPY_BUILD_FOLDER
                                         "/e2e_address_matrix",
                                         "one.lab.test",
                                         "two.lab.test",
                                         "none.lab.test",
                                         "text.lab.test",
                                         "inhosts.lab.test",
                                         "bad.lab.test"};
  const auto limit = std::chrono::seconds(60);
  const auto plain = lab.run_plain(command, {}, limit);
  ASSERT_TRUE(plain.good()) << plain.describe();
  const auto with = lab.run(command, {}, limit);
  EXPECT_EQ(lab.packets().count_port(53), 0U);
  EXPECT_GT(plain.out.size(), 5000U);
  expect_same(plain.out, with.out);
}

}  // namespace
}  // namespace happy::e2e
