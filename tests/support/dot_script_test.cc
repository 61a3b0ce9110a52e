// Each key of the scripted DoT server's JSON, by what a client of its own finds
// on the wire: raw messages, and how the connection ended.
#include "tests/support/dot_script.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gnutls/x509.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace happy::test {
namespace {

using testing::HasSubstr;

// One TLS connection of a client that believes everything.
class Client {
 public:
  explicit Client(uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to),
              0);
    gnutls_certificate_allocate_credentials(&credentials_);
    gnutls_init(&session_, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_set_default_priority(session_);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_);
    unsigned char dot[] = {'d', 'o', 't'};
    const gnutls_datum_t alpn{dot, sizeof dot};
    gnutls_alpn_set_protocols(session_, &alpn, 1, 0);
    gnutls_transport_set_int(session_, descriptor_);
    gnutls_handshake_set_timeout(session_, 300);
    handshake_ = gnutls_handshake(session_);
  }
  ~Client() {
    gnutls_deinit(session_);
    gnutls_certificate_free_credentials(credentials_);
    close(descriptor_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int handshake() const { return handshake_; }
  gnutls_session_t session() { return session_; }

  void ask(const std::string& name, uint16_t id = 0x1234) {
    Octets query{static_cast<uint8_t>(id >> 8),
                 static_cast<uint8_t>(id),
                 1,
                 0,
                 0,
                 1,
                 0,
                 0,
                 0,
                 0,
                 0,
                 0};
    const Octets encoded = encode_name(name);
    query.insert(query.end(), encoded.begin(), encoded.end());
    query.insert(query.end(), {0, 1, 0, 1});
    query.insert(query.begin(), {static_cast<uint8_t>(query.size() >> 8),
                                 static_cast<uint8_t>(query.size())});
    gnutls_record_send(session_, query.data(), query.size());
  }

  // Reads until the end; `how` is "FIN", "RST", "cut" (FIN without
  // close_notify), or "silence" after 200 ms.
  Octets read_all(std::string* how) {
    Octets all;
    gnutls_record_set_timeout(session_, 200);
    while (true) {
      uint8_t data[16384];
      const ssize_t got = gnutls_record_recv(session_, data, sizeof data);
      if (got > 0) {
        all.insert(all.end(), data, data + got);
        continue;
      }
      if (got == GNUTLS_E_INTERRUPTED || got == GNUTLS_E_AGAIN) continue;
      *how = got == 0                                ? "FIN"
             : got == GNUTLS_E_TIMEDOUT              ? "silence"
             : got == GNUTLS_E_PREMATURE_TERMINATION ? "cut"
                                                     : "RST";
      return all;
    }
  }

 private:
  const int descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gnutls_certificate_credentials_t credentials_ = nullptr;
  gnutls_session_t session_ = nullptr;
  int handshake_ = -1;
};

std::vector<Octets> messages(const Octets& stream) {
  std::vector<Octets> out;
  size_t at = 0;
  while (at + 2 <= stream.size()) {
    const size_t size = size_t{stream[at]} << 8 | stream[at + 1];
    const size_t end = std::min(at + 2 + size, stream.size());
    out.emplace_back(stream.begin() + static_cast<long>(at + 2),
                     stream.begin() + static_cast<long>(end));
    at = end;
  }
  return out;
}

std::string script(const std::string& entry, const std::string& more = "") {
  return R"({"zone": {"names": {"a.example": {"A": ["192.0.2.1"])" + entry +
         "}}}" + more + "}";
}

struct Seen {
  std::vector<Octets> replies;
  std::string end;
};

Seen ask(const std::string& json) {
  DotServer server(load_script(json).script);
  Client client(server.port());
  EXPECT_EQ(client.handshake(), 0) << gnutls_strerror(client.handshake());
  client.ask("a.example");
  Seen seen;
  seen.replies = messages(client.read_all(&seen.end));
  return seen;
}

// Header, question, and one A whose owner is written out.
constexpr size_t kWhole = 12 + 15 + 25;

TEST(DotScript, ARightReplyAndThenSilence) {
  const Seen seen = ask(script(""));
  ASSERT_EQ(seen.replies.size(), 1U);
  EXPECT_EQ(seen.replies[0].size(), kWhole);
  EXPECT_EQ(seen.replies[0][0], 0x12);
  EXPECT_EQ(seen.end, "silence");
}

struct FaultCase {
  const char* fault;
  std::vector<size_t> sizes;  // of the messages
  const char* end;
};

void PrintTo(const FaultCase& it, std::ostream* out) { *out << it.fault; }

class FaultTest : public testing::TestWithParam<FaultCase> {};

TEST_P(FaultTest, IsOnTheWire) {
  const Seen seen =
      ask(script(std::string(R"(, "fault": ")") + GetParam().fault + "\""));
  std::vector<size_t> sizes;
  for (const auto& reply : seen.replies) sizes.push_back(reply.size());
  EXPECT_EQ(sizes, GetParam().sizes);
  EXPECT_EQ(seen.end, GetParam().end);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, FaultTest,
    testing::Values(FaultCase{"drop", {}, "silence"},
                    FaultCase{"wrong_id", {kWhole}, "silence"},
                    FaultCase{"wrong_question", {kWhole}, "silence"},
                    FaultCase{"twice", {kWhole, kWhole}, "silence"},
                    FaultCase{"truncated", {27}, "silence"},
                    FaultCase{"short_rdata", {kWhole - 2}, "silence"},
                    FaultCase{"garbage", {2}, "silence"},
                    FaultCase{"empty", {0}, "silence"},
                    FaultCase{"one_octet", {1}, "silence"},
                    FaultCase{"largest", {65535}, "silence"},
                    FaultCase{"close_before", {}, "FIN"},
                    FaultCase{"close_inside", {kWhole / 2}, "FIN"},
                    FaultCase{"close_after", {kWhole}, "FIN"},
                    FaultCase{"half_close", {kWhole}, "FIN"},
                    FaultCase{"reset", {}, "RST"},
                    FaultCase{"reset_inside", {kWhole / 2}, "RST"}),
    [](const auto& tested) { return std::string(tested.param.fault); });

TEST(DotScript, AnUnsolicitedReplyComesBeforeTheRightOne) {
  const Seen seen = ask(script(R"(, "fault": "unsolicited")"));
  ASSERT_EQ(seen.replies.size(), 2U);
  EXPECT_NE(seen.replies[0][0], 0x12);
  EXPECT_EQ(seen.replies[1][0], 0x12);
}

TEST(DotScript, ASplitStreamIsTheSameStream) {
  const Seen seen = ask(script("", R"(, "stream": {"split_prefix": true})"));
  ASSERT_EQ(seen.replies.size(), 1U);
  EXPECT_EQ(seen.replies[0].size(), kWhole);
}

TEST(DotScript, DelaysPutRepliesOutOfOrder) {
  DotServer server(load_script(R"({"zone": {"names": {
      "slow.example": {"delay_ms": 60}, "fast.example": {}}}})")
                       .script);
  Client client(server.port());
  client.ask("slow.example", 0x0101);
  client.ask("fast.example", 0x0202);
  std::string end;
  const auto replies = messages(client.read_all(&end));
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0][0], 2);
  EXPECT_EQ(replies[1][0], 1);
}

TEST(DotScript, HaltsBeforeOrInTheHandshake) {
  for (const char* after : {"accept", "client_hello"})
    for (const char* how : {"silence", "close", "reset"}) {
      DotServer server(load_script(R"({"stream": {"halt": {"after": ")" +
                                   std::string(after) + R"(", "how": ")" + how +
                                   "\"}}}")
                           .script);
      Client client(server.port());
      EXPECT_LT(client.handshake(), 0) << after << how;
      EXPECT_EQ(client.handshake() == GNUTLS_E_TIMEDOUT,
                std::string(how) == "silence")
          << after << how << gnutls_strerror(client.handshake());
    }
}

TEST(DotScript, HaltsAfterTheHandshakeOrTheQueryForTheFirstConnections) {
  for (const char* after : {"handshake", "query"})
    for (const auto& [how, end] : {std::pair{"silence", "silence"},
                                   {"close", "FIN"},
                                   {"reset", "RST"}}) {
      DotServer server(
          load_script(script("", R"(, "stream": {"halt": {"connections": 1,
              "after": ")" + std::string(after) +
                                     R"(", "how": ")" + how + "\"}}"))
              .script);
      for (const bool halted : {true, false}) {
        Client client(server.port());
        ASSERT_EQ(client.handshake(), 0);
        if (!halted || after == std::string("query")) client.ask("a.example");
        std::string seen;
        EXPECT_EQ(messages(client.read_all(&seen)).size(), halted ? 0U : 1U);
        EXPECT_EQ(seen, halted ? end : "silence") << after << how;
      }
    }
}

TEST(DotScript, TlsIsAsItSays) {
  DotServer server(load_script(R"({"tls": {"version": "1.2", "alpn": false},
      "certificate": {"names": ["dot.example"], "days": -1,
                      "chain": "decorated"}})")
                       .script);
  Client client(server.port());
  ASSERT_EQ(client.handshake(), 0);
  EXPECT_EQ(gnutls_protocol_get_version(client.session()), GNUTLS_TLS1_2);
  gnutls_datum_t alpn{};
  EXPECT_NE(gnutls_alpn_get_selected_protocol(client.session(), &alpn), 0);
  unsigned count = 0;
  const auto* certificates =
      gnutls_certificate_get_peers(client.session(), &count);
  ASSERT_EQ(count, 4U);
  gnutls_x509_crt_t leaf = nullptr;
  gnutls_x509_crt_init(&leaf);
  gnutls_x509_crt_import(leaf, certificates, GNUTLS_X509_FMT_DER);
  EXPECT_LT(gnutls_x509_crt_get_expiration_time(leaf), time(nullptr));
  EXPECT_NE(gnutls_x509_crt_check_hostname(leaf, "dot.example"), 0);
  EXPECT_EQ(gnutls_x509_crt_check_hostname(leaf, "other.example"), 0);
  gnutls_x509_crt_deinit(leaf);
}

TEST(DotScript, LateTicketsComeAfterTheFirstReply) {
  for (const bool late : {true, false}) {
    DotServer server(
        load_script(script("", late ? R"(, "tls": {"tickets": "late"})"
                                    : R"(, "tls": {"tickets": "none"})"))
            .script);
    Client client(server.port());
    std::string end;
    EXPECT_TRUE(client.read_all(&end).empty());
    const auto flags = [&] {
      return gnutls_session_get_flags(client.session()) &
             GNUTLS_SFLAGS_SESSION_TICKET;
    };
    EXPECT_EQ(flags(), 0U);
    client.ask("a.example");
    client.read_all(&end);
    EXPECT_EQ(flags() != 0, late);
  }
}

TEST(DotScript, WithoutCloseNotifyTheEndIsCutOff) {
  const Seen seen = ask(script(R"(, "fault": "close_after")",
                               R"(, "tls": {"close_notify": false})"));
  EXPECT_EQ(seen.end, "cut");
}

TEST(DotScript, UnknownKeysAndValuesAreNamed) {
  for (const auto& [text, part] :
       {std::pair{R"({"zones": {}})", "unknown key zones"},
        {R"({"tls": {"apln": true}})", "tls: unknown key apln"},
        {R"({"stream": {"halt": {"how": "bye"}}})", "unknown value \"bye\""},
        {R"({"zone": {"names": {"a": {"fault": "odd"}}}})", "no fault: odd"}}) {
    try {
      load_script(text);
      ADD_FAILURE() << text;
    } catch (const std::exception& error) {
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
}

}  // namespace
}  // namespace happy::test
