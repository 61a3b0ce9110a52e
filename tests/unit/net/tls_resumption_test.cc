// Tickets: a later connection to the same resolver resumes the session of an
// earlier one, and only where it was authenticated in the same way.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "core/net/clock.h"
#include "core/net/dot_client.h"
#include "core/net/load_tls.h"
#include "tests/support/dot_server.h"

namespace happy::net {
namespace {

using test::DotScript;
using test::DotServer;
using test::Identity;
using test::Tickets;
using namespace std::chrono_literals;

const happy_tls* tls() {
  static const auto loaded = load_tls(HAPPY_BUILD_FOLDER, RTLD_NOW);
  return loaded ? *loaded : nullptr;
}

const Identity& identity() {
  static const Identity made = Identity::make({.dns_names = {"dot.example"}});
  return made;
}

class Resumption : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(nullptr, tls());
    ASSERT_EQ(0, uv_loop_init(&loop_));
  }
  void TearDown() override { EXPECT_EQ(0, uv_loop_close(&loop_)); }

  // A server that asks to close after each reply (RFC 7828).
  DotServer& serve(Tickets tickets, const std::string& priorities = "",
                   uint16_t port = 0) {
    server_.reset();
    DotScript script;
    script.chain = {identity()};
    script.zone.names["a.example"].a("192.0.2.1");
    script.zone.keepalive = 0;
    script.tickets = tickets;
    script.priorities = priorities;
    script.port = port;
    server_ = std::make_unique<DotServer>(script);
    return *server_;
  }

  config::Resolver resolver() const {
    return {.name = "home",
            .addresses = {*IpAddress::parse("127.0.0.1")},
            .port = server_->port(),
            .pins = {{config::Pin::Kind::kKey, identity().key_sha256()}}};
  }

  // One query by a client of its own.
  DotResult ask(const config::Resolver& resolver) {
    DotResult out = tl::unexpected(DotError{});
    bool done = false;
    {
      DotClient client(&loop_, resolver, tls);
      client.query("a.example", 1, monotonic_now() + 20s,
                   [&](DotResult result) {
                     out = std::move(result);
                     done = true;
                   });
      while (!done) uv_run(&loop_, UV_RUN_ONCE);
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
    return out;
  }

  int resumed() const { return server_->statistics().resumed; }

  uv_loop_t loop_;
  std::unique_ptr<DotServer> server_;
};

TEST_F(Resumption, ATicketIsUsedByTheNextConnection) {
  for (const char* priorities :
       {"NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"}) {
    serve(Tickets::kAtOnce, priorities);
    EXPECT_TRUE(ask(resolver())) << priorities;
    EXPECT_EQ(0, resumed()) << priorities;
    const DotResult again = ask(resolver());
    ASSERT_TRUE(again) << priorities << again.error().text;
    EXPECT_EQ(1, resumed()) << priorities;
    EXPECT_EQ("pin", again->timings.authenticated_by);
  }
}

// It is taken while the connection is made, but used by what is sent.
TEST_F(Resumption, ATicketThatWasNotSentIsKept) {
  serve(Tickets::kAtOnce);
  const config::Resolver home = resolver();
  EXPECT_TRUE(ask(home));
  sockaddr_storage place;
  const socklen_t size =
      Endpoint{home.addresses[0], home.port}.to_sockaddr(&place);
  happy_tls_pin pin{};
  std::copy_n(home.pins[0].sha256.begin(), sizeof pin.sha256, pin.sha256);
  const happy_tls_config config{nullptr, nullptr, &pin, 1,
                                0,       &place,  size, nullptr};
  const int unconnected = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  happy_tls_session* const session = tls()->open(&config, unconnected);
  ASSERT_NE(nullptr, session);
  EXPECT_EQ(1, tls()->offered_ticket(session));
  tls()->prepare(session);
  tls()->close(session);
  close(unconnected);
  EXPECT_TRUE(ask(home));
  EXPECT_EQ(1, resumed());
}

TEST_F(Resumption, IsNotForAnotherWayOfAuthentication) {
  serve(Tickets::kAtOnce);
  EXPECT_TRUE(ask(resolver()));
  config::Resolver other = resolver();
  other.pins = {{config::Pin::Kind::kKey, Identity::make({}).key_sha256()}};
  const DotResult refused = ask(other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(DotFailure::kWrongPin, refused.error().failure);
  EXPECT_EQ(0, resumed());
}

// Its key is new, so that the ticket means nothing to it.
TEST_F(Resumption, AServerThatForgotShakesHandsInFull) {
  const uint16_t port = serve(Tickets::kAtOnce).port();
  EXPECT_TRUE(ask(resolver()));
  serve(Tickets::kAtOnce, "", port);
  const DotResult again = ask(resolver());
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(0, resumed());
}

// A ticket that makes the handshake fail costs one attempt.
TEST_F(Resumption, AHandshakeThatFailsWithATicketIsTriedWithout) {
  const uint16_t port = serve(Tickets::kAtOnce).port();
  EXPECT_TRUE(ask(resolver()));
  server_.reset();
  DotScript script;
  script.chain = {identity()};
  script.zone.names["a.example"].a("192.0.2.1");
  script.port = port;
  script.halt = test::Halt{test::Stage::kClientHello, test::Ending::kClose, 1};
  server_ = std::make_unique<DotServer>(script);
  const DotResult again = ask(resolver());
  EXPECT_TRUE(again) << again.error().text;
  EXPECT_EQ(2, server_->statistics().connections);
}

// The question goes with the first flight of a resumed session.
class EarlyData : public Resumption {
 protected:
  DotServer& serve_early(uint32_t room, uint16_t port = 0) {
    server_.reset();
    DotScript script;
    script.chain = {identity()};
    script.zone.names["a.example"].a("192.0.2.1");
    script.zone.keepalive = 0;
    script.tickets = Tickets::kAtOnce;
    script.early_data = room;
    script.port = port;
    server_ = std::make_unique<DotServer>(script);
    return *server_;
  }
  DotResult ask_early() {
    config::Resolver wanted = resolver();
    wanted.early_data = true;
    return ask(wanted);
  }
  // Connections, sessions resumed, first flights with a question.
  std::vector<int> seen() const {
    const auto all = server_->statistics();
    return {all.connections, all.resumed, all.early};
  }
};

TEST_F(EarlyData, CarriesTheQuestionOfAResumedSession) {
  serve_early(1024);
  ASSERT_TRUE(ask_early());
  EXPECT_EQ(seen(), (std::vector{1, 0, 0}));
  const DotResult again = ask_early();
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(seen(), (std::vector{2, 1, 1}));
  EXPECT_EQ("pin", again->timings.authenticated_by);
  EXPECT_EQ(server_->statistics().queries, 2) << "each was asked once";
}

TEST_F(EarlyData, IsNotSentUnlessThePolicySaysSo) {
  serve_early(1024);
  ASSERT_TRUE(ask(resolver()));
  ASSERT_TRUE(ask(resolver()));
  EXPECT_EQ(seen(), (std::vector{2, 1, 0}));
}

TEST_F(EarlyData, BeyondTheServersRoomGoesAfterTheHandshake) {
  serve_early(50);
  ASSERT_TRUE(ask_early());
  ASSERT_TRUE(ask_early());
  EXPECT_EQ(seen(), (std::vector{2, 1, 1}));
  EXPECT_EQ(server_->statistics().queries, 2);
}

// As servers of OpenSSL do; GnuTLS hands early data out with the Finished.
TEST_F(EarlyData, IsAnsweredBeforeTheHandshakeIsOver) {
  DotScript script;
  script.chain = {identity()};
  script.zone.names["a.example"].a("192.0.2.1");
  script.tickets = Tickets::kAtOnce;
  script.early_data = 1024;
  script.answers_early = true;
  server_ = std::make_unique<DotServer>(script);
  ASSERT_TRUE(ask_early());
  const DotResult again = ask_early();
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ("pin", again->timings.authenticated_by);
  // The answer was there before the server had the client's Finished.
  EXPECT_TRUE(server_->wait_until(
      [](const test::DotStatistics& it) { return it.resumed == 1; }));
  EXPECT_EQ(seen(), (std::vector{2, 1, 1}));
}

// Its key is new: it can read neither the ticket nor what came with it.
TEST_F(EarlyData, ThatIsRefusedIsSentAgain) {
  const uint16_t port = serve_early(1024).port();
  ASSERT_TRUE(ask_early());
  serve_early(1024, port);
  const DotResult again = ask_early();
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(seen(), (std::vector{1, 0, 0}));
  EXPECT_EQ(server_->statistics().queries, 1);
}

TEST_F(EarlyData, ToNobodyFailsAsAnyQuestion) {
  serve_early(1024);
  ASSERT_TRUE(ask_early());
  config::Resolver gone = resolver();
  gone.early_data = true;
  server_.reset();
  const DotResult failed = ask(gone);
  ASSERT_FALSE(failed);
  EXPECT_EQ(DotFailure::kRefused, failed.error().failure)
      << failed.error().text;
}

}  // namespace
}  // namespace happy::net
