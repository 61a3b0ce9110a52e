// libhappy-tls.so against the scripted server: who is taken for the resolver,
// who is not, and what is said about it.
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "core/base/ip.h"
#include "core/net/load_tls.h"
#include "tests/support/dot_server.h"

namespace happy {
namespace {

using test::DotScript;
using test::DotServer;
using test::Identity;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr time_t kDay = 86400;

const happy_tls* tls() {
  static const auto loaded =
      net::load_tls(HAPPY_BUILD_FOLDER, RTLD_NOW | RTLD_LOCAL);
  return loaded ? *loaded : nullptr;
}

happy_tls_pin key_pin(const Identity& identity) {
  happy_tls_pin pin{};
  memcpy(pin.sha256, identity.key_sha256().data(), sizeof pin.sha256);
  return pin;
}

happy_tls_pin certificate_pin(const Identity& identity) {
  happy_tls_pin pin{};
  pin.whole_certificate = 1;
  memcpy(pin.sha256, identity.certificate_sha256().data(), sizeof pin.sha256);
  return pin;
}

int connect_to(const DotServer& server) {
  sockaddr_storage place;
  const socklen_t size =
      Endpoint{*IpAddress::parse(server.address()), server.port()}.to_sockaddr(
          &place);
  const int descriptor = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(0, connect(descriptor, reinterpret_cast<sockaddr*>(&place), size));
  return descriptor;
}

DotScript presenting(std::vector<Identity> chain) {
  DotScript script;
  script.chain = std::move(chain);
  return script;
}

template <typename Field, typename Value>
DotScript with(DotScript script, Field DotScript::*field, Value value) {
  script.*field = value;
  return script;
}

struct Outcome {
  int state = HAPPY_TLS_FAILED;
  int failure = HAPPY_TLS_OK;
  std::string text;
  happy_tls_info info{};
};

class TlsSession : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(nullptr, tls()); }
  void TearDown() override {
    if (session_) tls()->close(session_);
    if (descriptor_ >= 0) close(descriptor_);
    if (!ca_file_.empty()) unlink(ca_file_.c_str());
  }

  // A PEM file with this CA alone.
  const char* trust(const Identity& ca) {
    char path[] = "/tmp/happy-ca-XXXXXX";
    close(mkstemp(path));
    ca_file_ = path;
    std::ofstream(ca_file_) << ca.certificate_pem();
    return ca_file_.c_str();
  }

  Outcome shake_hands(DotScript script, const char* auth_name,
                      const char* ca_file,
                      const std::vector<happy_tls_pin>& pins) {
    server_ = std::make_unique<DotServer>(std::move(script));
    descriptor_ = connect_to(*server_);
    fcntl(descriptor_, F_SETFL, O_NONBLOCK);
    const happy_tls_config config{auth_name, ca_file, pins.data(), pins.size(),
                                  0,         nullptr, 0,           nullptr};
    session_ = tls()->open(&config, descriptor_);
    Outcome out;
    if (!session_) return out;
    do {
      out.state = tls()->handshake(session_);
    } while (wait(out.state));
    out.failure = tls()->failure(session_);
    out.text = tls()->failure_text(session_);
    tls()->info(session_, &out.info);
    if (out.state == HAPPY_TLS_READY) {
      EXPECT_TRUE(server_->wait_until(
          [](const test::DotStatistics& it) { return it.handshakes == 1; }));
    }
    return out;
  }

  // True when it is worth another call.
  bool wait(int state) const {
    if (state != HAPPY_TLS_WANT_READ && state != HAPPY_TLS_WANT_WRITE)
      return false;
    pollfd one{
        descriptor_,
        static_cast<short>(state == HAPPY_TLS_WANT_READ ? POLLIN : POLLOUT), 0};
    return poll(&one, 1, 10'000) == 1;
  }

  const Identity ca_ = Identity::make({.common_name = "our CA", .is_ca = true});
  const Identity leaf_ = Identity::make({.dns_names = {"dot.example"}}, &ca_);
  std::unique_ptr<DotServer> server_;
  happy_tls_session* session_ = nullptr;
  int descriptor_ = -1;
  std::string ca_file_;
};

TEST_F(TlsSession, WithoutAnyAuthenticatorThereIsNone) {
  const happy_tls_config config{};
  EXPECT_EQ(nullptr, tls()->open(&config, 0));
}

TEST_F(TlsSession, PreparedItSendsNothingUntilTheHandshakeGoesOn) {
  int ends[2];
  ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
  const happy_tls_pin pin = key_pin(leaf_);
  const happy_tls_config config{nullptr, nullptr, &pin, 1,
                                0,       nullptr, 0,    nullptr};
  session_ = tls()->open(&config, ends[0]);
  ASSERT_NE(nullptr, session_);
  tls()->prepare(session_);
  uint8_t octet = 0;
  EXPECT_EQ(-1, recv(ends[1], &octet, 1, 0));
  EXPECT_EQ(EAGAIN, errno);
  EXPECT_EQ(HAPPY_TLS_WANT_READ, tls()->handshake(session_));
  EXPECT_EQ(1, recv(ends[1], &octet, 1, 0));
  EXPECT_EQ(22, octet) << "RFC 8446 section 5.1: a handshake record";
  for (const int end : ends) close(end);
}

TEST_F(TlsSession, APinOfTheLeafKeySuffices) {
  const Outcome got =
      shake_hands(presenting({leaf_}), nullptr, nullptr, {key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
  EXPECT_STREQ("pin", got.info.authenticated_by);
  EXPECT_STREQ("TLS1.3", got.info.version);
  EXPECT_EQ("dot", server_->statistics().alpn);
  EXPECT_EQ("", server_->statistics().server_name);
}

TEST_F(TlsSession, APinOfTheWholeCertificateSuffices) {
  const Outcome got = shake_hands(presenting({leaf_}), nullptr, nullptr,
                                  {certificate_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
}

TEST_F(TlsSession, ABackupPinIsTriedToo) {
  const Identity other = Identity::make({});
  const Outcome got = shake_hands(presenting({leaf_}), nullptr, nullptr,
                                  {key_pin(other), key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
}

TEST_F(TlsSession, AWrongPinIsNamedAndTheSeenOneReadyToCompare) {
  const Identity other = Identity::make({});
  const Outcome got =
      shake_hands(presenting({leaf_}), nullptr, nullptr, {key_pin(other)});
  EXPECT_EQ(HAPPY_TLS_FAILED, got.state);
  EXPECT_EQ(HAPPY_TLS_WRONG_PIN, got.failure);
  EXPECT_EQ("no pin matches the server's key " + leaf_.key_pin(), got.text);
}

TEST_F(TlsSession, AWrongCertificatePinShowsTheCertificateSeen) {
  const Identity other = Identity::make({});
  const Outcome got = shake_hands(presenting({leaf_}), nullptr, nullptr,
                                  {certificate_pin(other)});
  EXPECT_EQ(HAPPY_TLS_WRONG_PIN, got.failure);
  EXPECT_THAT(got.text, HasSubstr("cert-fp:SHA256:" +
                                  test::base64(leaf_.certificate_sha256())));
}

TEST_F(TlsSession, APinOfTheIssuerHoldsForWhatItIssued) {
  const Identity between =
      Identity::make({.common_name = "between", .is_ca = true}, &ca_);
  const Identity leaf = Identity::make({}, &between);
  const Outcome got = shake_hands(presenting({leaf, between, ca_}), nullptr,
                                  nullptr, {key_pin(ca_)});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
}

// RFC 7858 section 4.2: the chain has to verify up to the pinned key.
TEST_F(TlsSession, APinnedCertificateMerelySentAlongProvesNothing) {
  const Identity attacker = Identity::make({.dns_names = {"dot.example"}});
  for (const happy_tls_pin& pin :
       {key_pin(ca_), certificate_pin(ca_), key_pin(leaf_)}) {
    const Outcome got = shake_hands(presenting({attacker, leaf_, ca_}), nullptr,
                                    nullptr, {pin});
    EXPECT_EQ(HAPPY_TLS_WRONG_PIN, got.failure);
    EXPECT_THAT(got.text, HasSubstr("did not issue its own"));
    tls()->close(std::exchange(session_, nullptr));
    close(descriptor_);
  }
  descriptor_ = -1;
}

// The attacker names his issuer like the pinned CA; only signatures count.
TEST_F(TlsSession, AnIssuerOfTheSameNameIsNotThePinnedOne) {
  const Identity twin =
      Identity::make({.common_name = "our CA", .is_ca = true});
  const Identity attacker = Identity::make({}, &twin);
  const Outcome got = shake_hands(presenting({attacker, ca_}), nullptr, nullptr,
                                  {key_pin(ca_)});
  EXPECT_EQ(HAPPY_TLS_WRONG_PIN, got.failure);
}

// A server certificate under the pinned CA must not act as a CA itself.
TEST_F(TlsSession, ALeafCannotIssueBelowThePinnedCa) {
  const Identity attacker = Identity::make({}, &leaf_);
  const Outcome got = shake_hands(presenting({attacker, leaf_, ca_}), nullptr,
                                  nullptr, {key_pin(ca_)});
  EXPECT_EQ(HAPPY_TLS_WRONG_PIN, got.failure);
}

TEST_F(TlsSession, PinsAloneDoNotLookAtDates) {
  const Identity old = Identity::make({.valid_from = time(nullptr) - 9 * kDay,
                                       .valid_until = time(nullptr) - kDay},
                                      &ca_);
  const Outcome got =
      shake_hands(presenting({old, ca_}), nullptr, nullptr, {key_pin(ca_)});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
}

TEST_F(TlsSession, NameAndCaSuffice) {
  const Outcome got =
      shake_hands(presenting({leaf_}), "dot.example", trust(ca_), {});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
  EXPECT_STREQ("name and CA", got.info.authenticated_by);
  EXPECT_EQ("dot.example", server_->statistics().server_name);
}

TEST_F(TlsSession, NameCaAndPinTogetherMustAllHold) {
  const Outcome got = shake_hands(presenting({leaf_}), "dot.example",
                                  trust(ca_), {key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
  EXPECT_STREQ("name, CA and pin", got.info.authenticated_by);
}

TEST_F(TlsSession, ARightNameDoesNotMakeUpForAWrongPin) {
  const Outcome got = shake_hands(presenting({leaf_}), "dot.example",
                                  trust(ca_), {key_pin(ca_)});
  EXPECT_EQ(HAPPY_TLS_WRONG_PIN, got.failure);
}

TEST_F(TlsSession, ARightPinDoesNotMakeUpForAWrongName) {
  const Outcome got = shake_hands(presenting({leaf_}), "other.example",
                                  trust(ca_), {key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_WRONG_NAME, got.failure);
}

TEST_F(TlsSession, ARightPinDoesNotMakeUpForAnUnknownCa) {
  const Identity other = Identity::make({.is_ca = true});
  const Outcome got = shake_hands(presenting({leaf_}), "dot.example",
                                  trust(other), {key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_UNTRUSTED, got.failure);
}

TEST_F(TlsSession, AWrongNameIsToldWithTheNamesFound) {
  const Identity leaf =
      Identity::make({.dns_names = {"a.example", "b.example"}}, &ca_);
  const Outcome got =
      shake_hands(presenting({leaf}), "dot.example", trust(ca_), {});
  EXPECT_EQ(HAPPY_TLS_WRONG_NAME, got.failure);
  EXPECT_EQ("the certificate is for a.example, b.example, not for dot.example",
            got.text);
}

// RFC 8310 section 8.1: only the subjectAltName counts.
TEST_F(TlsSession, TheCommonNameIsNoName) {
  const Identity leaf = Identity::make({.common_name = "dot.example"}, &ca_);
  const Outcome got =
      shake_hands(presenting({leaf}), "dot.example", trust(ca_), {});
  EXPECT_EQ(HAPPY_TLS_WRONG_NAME, got.failure);
  EXPECT_THAT(got.text, HasSubstr("no DNS name"));
}

struct NameCase {
  const char *in_certificate, *wanted;
  bool matches;
};

class TlsNames : public TlsSession,
                 public ::testing::WithParamInterface<NameCase> {};

TEST_P(TlsNames, FollowRfc6125) {
  const Identity leaf =
      Identity::make({.dns_names = {GetParam().in_certificate}}, &ca_);
  const Outcome got =
      shake_hands(presenting({leaf}), GetParam().wanted, trust(ca_), {});
  EXPECT_EQ(GetParam().matches ? HAPPY_TLS_OK : HAPPY_TLS_WRONG_NAME,
            got.failure)
      << got.text;
}

INSTANTIATE_TEST_SUITE_P(
    All, TlsNames,
    ::testing::Values(NameCase{"DOT.Example", "dot.example", true},
                      NameCase{"*.dot.example", "a.dot.example", true},
                      NameCase{"*.dot.example", "dot.example", false},
                      NameCase{"*.dot.example", "b.a.dot.example", false},
                      NameCase{"*.example", "dot.example", false},
                      NameCase{"d*.dot.example", "da.dot.example", false},
                      NameCase{"dot.example.org", "dot.example", false}));

TEST_F(TlsSession, AnExpiredCertificateIsToldWithItsDate) {
  const Identity old =
      Identity::make({.dns_names = {"dot.example"},
                      .valid_from = 1700000000,
                      .valid_until = 1767312000},  // 2026-01-02
                     &ca_);
  const Outcome got =
      shake_hands(presenting({old}), "dot.example", trust(ca_), {});
  EXPECT_EQ(HAPPY_TLS_EXPIRED, got.failure);
  EXPECT_EQ("the certificate expired on 2026-01-02", got.text);
}

TEST_F(TlsSession, ACertificateOfTheFutureIsToldWithTheClock) {
  const Identity early =
      Identity::make({.dns_names = {"dot.example"},
                      .valid_from = time(nullptr) + 9 * kDay,
                      .valid_until = time(nullptr) + 99 * kDay},
                     &ca_);
  const Outcome got =
      shake_hands(presenting({early}), "dot.example", trust(ca_), {});
  EXPECT_EQ(HAPPY_TLS_EXPIRED, got.failure);
  EXPECT_THAT(got.text, StartsWith("the certificate is not valid before 20"));
  EXPECT_THAT(got.text, HasSubstr("clock says"));
}

// RFC 9325 section 4.5; SHA-1 is RFC 9155's to forbid.
TEST_F(TlsSession, AWeakKeyIsNoProof) {
  const Identity weak =
      Identity::make({.dns_names = {"dot.example"}, .rsa_bits = 1024}, &ca_);
  const Outcome got =
      shake_hands(presenting({weak}), "dot.example", trust(ca_), {});
  EXPECT_EQ(HAPPY_TLS_UNTRUSTED, got.failure);
  EXPECT_THAT(got.text, HasSubstr("too weak"));
}

TEST_F(TlsSession, AWeakSignatureIsNoProof) {
  const Identity weak =
      Identity::make({.dns_names = {"dot.example"}, .signed_sha1 = true}, &ca_);
  const Outcome got =
      shake_hands(presenting({weak}), "dot.example", trust(ca_), {});
  EXPECT_EQ(HAPPY_TLS_UNTRUSTED, got.failure);
  EXPECT_THAT(got.text, HasSubstr("too weak"));
}

TEST_F(TlsSession, ASelfSignedCertificateIsCalledThat) {
  const Identity alone = Identity::make({.dns_names = {"dot.example"}});
  const Outcome got =
      shake_hands(presenting({alone}), "dot.example", trust(ca_), {});
  EXPECT_EQ(HAPPY_TLS_UNTRUSTED, got.failure);
  EXPECT_THAT(got.text, HasSubstr("self-signed"));
}

// The system's bundle does not know our CA, wherever it has one.
TEST_F(TlsSession, AnUnknownIssuerIsNamed) {
  if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) != 0)
    GTEST_SKIP() << "no system bundle here";
  const Outcome got =
      shake_hands(presenting({leaf_}), "dot.example", nullptr, {});
  EXPECT_EQ(HAPPY_TLS_UNTRUSTED, got.failure);
  EXPECT_EQ("the certificate was issued by \"our CA\", which is no trusted CA",
            got.text);
}

TEST_F(TlsSession, AMissingCaFileIsNotTheServersFault) {
  const Outcome got = shake_hands(presenting({leaf_}), "dot.example",
                                  "/nonexistent/ca.pem", {});
  EXPECT_EQ(HAPPY_TLS_NO_TRUST_STORE, got.failure);
  EXPECT_EQ(
      "the CA file /nonexistent/ca.pem cannot be read: No such file or "
      "directory",
      got.text);
}

TEST_F(TlsSession, ACaFileWithoutCertificatesIsToldSo) {
  const Outcome got =
      shake_hands(presenting({leaf_}), "dot.example", "/dev/null", {});
  EXPECT_EQ(HAPPY_TLS_NO_TRUST_STORE, got.failure);
  EXPECT_THAT(got.text, HasSubstr("holds no certificate"));
}

TEST_F(TlsSession, Tls12IsEnough) {
  const Outcome got =
      shake_hands(with(presenting({leaf_}), &DotScript::priorities,
                       "NORMAL:-VERS-ALL:+VERS-TLS1.2"),
                  nullptr, nullptr, {key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
  EXPECT_STREQ("TLS1.2", got.info.version);
}

TEST_F(TlsSession, Tls11IsNot) {
  const Outcome got =
      shake_hands(with(presenting({leaf_}), &DotScript::priorities,
                       "NORMAL:-VERS-ALL:+VERS-TLS1.1"),
                  nullptr, nullptr, {key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_PROTOCOL, got.failure);
}

TEST_F(TlsSession, AServerWithoutAlpnIsAccepted) {
  const Outcome got =
      shake_hands(with(presenting({leaf_}), &DotScript::offer_alpn, false),
                  nullptr, nullptr, {key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_READY, got.state) << got.text;
}

TEST_F(TlsSession, APortWithoutTlsIsToldSo) {
  const Outcome got = shake_hands(with(DotScript(), &DotScript::plain, true),
                                  nullptr, nullptr, {key_pin(leaf_)});
  EXPECT_EQ(HAPPY_TLS_PROTOCOL, got.failure);
  EXPECT_THAT(got.text, HasSubstr("TLS"));
}

TEST_F(TlsSession, DataIsRefusedBeforeAuthentication) {
  const Outcome got =
      shake_hands(presenting({leaf_}), nullptr, nullptr, {key_pin(ca_)});
  ASSERT_EQ(HAPPY_TLS_FAILED, got.state);
  size_t moved = 1;
  EXPECT_EQ(HAPPY_TLS_FAILED, tls()->write(session_, "x", 1, &moved));
  EXPECT_EQ(0u, moved);
}

}  // namespace
}  // namespace happy
