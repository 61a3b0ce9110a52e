// No text, however broken, does more than give errors with a place in it.
#include <gtest/gtest.h>

#include <algorithm>

#include "config/policy.h"

namespace happy::config {
namespace {

const std::string kPolicy = R"({ // a comment
  "version": 1, /* another
  */ "resolvers": { "own": { "addresses": ["192.0.2.1", "2001:db8::1"],
      "auth_name": "dot.example", "port": 8853, "ca_file": "/etc/own.pem",
      "pins": ["sha256//INSZEZpDoWKiavosV2/xVT8O83vk/RRwS+LTiL+IpHs="] } },
  "defaults": { "families": ["ipv4"], "race": { "enabled": true } },
  "rules": [ { "hosts": ["a.example", "*.b\u002eexample", "*"],
      "resolvers": ["own"], "profile": "strict",
      "race": { "attempt_delay_ms": 10, "max_in_flight": 3 },
      "timeouts": { "attempt_ms": 5000, "connect_ms": 10000 } } ] })";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

// Places in order, each on an octet of the text or right behind a line.
void expect_sound(const std::string& text,
                  const std::vector<PolicyError>& errors) {
  ASSERT_FALSE(errors.empty());
  const auto lines = lines_of(text);
  std::pair<int, int> last{1, 1};
  for (const PolicyError& error : errors) {
    const std::pair<int, int> at{error.line, error.column};
    EXPECT_LE(last, at);
    ASSERT_LE(error.line, static_cast<int>(lines.size()));
    EXPECT_LE(error.column, static_cast<int>(lines[error.line - 1].size()) + 1);
    EXPECT_FALSE(error.message.empty());
    last = at;
  }
}

TEST(PolicyRobustness, TheWholePolicyIsGood) {
  EXPECT_TRUE(parse_policy(kPolicy).has_value());
}

TEST(PolicyRobustness, EveryTruncationIsAnErrorWithAPlace) {
  for (size_t length = 0; length < kPolicy.size(); ++length) {
    SCOPED_TRACE(length);
    const std::string text = kPolicy.substr(0, length);
    const auto policy = parse_policy(text);
    ASSERT_FALSE(policy);
    ASSERT_EQ(policy.error().size(), 1u);
    expect_sound(text, policy.error());
  }
}

// A sanitizer makes parsing ten times dearer: there each place gets a fifth of
// the octets, another fifth than its neighbour.
#ifdef __SANITIZE_ADDRESS__
constexpr int kStep = 5;
#else
constexpr int kStep = 1;
#endif

TEST(PolicyRobustness, EveryMutationOfOneOctetIsSound) {
  for (size_t at = 0; at < kPolicy.size(); ++at) {
    for (int octet = static_cast<int>(at) % kStep; octet < 256;
         octet += kStep) {
      std::string text = kPolicy;
      text[at] = static_cast<char>(octet);
      const auto policy = parse_policy(text);
      if (!policy) expect_sound(text, policy.error());
    }
    if (HasFailure()) FAIL() << "at octet " << at;
  }
}

TEST(PolicyRobustness, EveryMissingAndDoubledOctetIsSound) {
  for (size_t at = 0; at < kPolicy.size(); ++at) {
    for (const size_t copies : {0u, 2u}) {
      std::string text = kPolicy;
      text.replace(at, 1, copies, kPolicy[at]);
      const auto policy = parse_policy(text);
      if (!policy) expect_sound(text, policy.error());
    }
    if (HasFailure()) FAIL() << "at octet " << at;
  }
}

// A JSON value of any kind in the place of any other.
TEST(PolicyRobustness, EveryValueReplacedByAnotherKindIsSound) {
  const std::vector<std::string> values = {
      "null", "true",   "-1", "1.5",  "\"\"",         "\"system\"",
      "[]",   "[null]", "{}", "[{}]", R"({"own": 1})"};
  for (size_t at = 0; at < kPolicy.size(); ++at) {
    if (kPolicy[at] != ':' && kPolicy[at] != '[') continue;
    const size_t end = kPolicy.find_first_of(",]}", at);
    for (const std::string& value : values) {
      std::string text = kPolicy;
      text.replace(at + 1, end - at - 1, value);
      const auto policy = parse_policy(text);
      if (!policy) expect_sound(text, policy.error());
    }
  }
}

}  // namespace
}  // namespace happy::config
