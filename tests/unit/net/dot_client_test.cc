// DotClient against scripted servers on loopback: reuse, pipelining, and each
// way not to get an answer with the sentence that it is told by.
#include "core/net/dot_client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>

#include "core/dns/message.h"
#include "core/net/clock.h"
#include "core/net/dot_connection.h"
#include "core/net/load_tls.h"
#include "tests/support/dot_server.h"

namespace happy::net {
namespace {

using test::DotScript;
using test::DotServer;
using test::Ending;
using test::Entry;
using test::Identity;
using test::ReplyFault;
using test::Stage;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr uint16_t kA = 1, kAaaa = 28;

const happy_tls* tls() {
  static const auto loaded = load_tls(HAPPY_BUILD_FOLDER, RTLD_NOW);
  return loaded ? *loaded : nullptr;
}

const Identity& server_identity() {
  static const Identity made = Identity::make({.dns_names = {"dot.example"}});
  return made;
}

config::Pin pin_of(const Identity& identity) {
  return {config::Pin::Kind::kKey, identity.key_sha256()};
}

DotScript script_with(std::map<std::string, Entry> names) {
  DotScript script;
  script.chain = {server_identity()};
  script.zone.names = std::move(names);
  return script;
}

Entry with_a(const std::string& address) {
  Entry entry;
  entry.a(address);
  return entry;
}

Entry faulty(ReplyFault fault) {
  Entry entry = with_a("192.0.2.66");
  entry.fault = fault;
  return entry;
}

int open_descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) ++count;
  closedir(folder);
  return count;
}

class DotClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(nullptr, tls());
    signal(SIGPIPE, SIG_DFL);  // an unguarded write would end the test
    ASSERT_EQ(0, uv_loop_init(&loop_));
  }
  void TearDown() override {
    client_.reset();
    uv_run(&loop_, UV_RUN_DEFAULT);
    EXPECT_EQ(0, uv_loop_close(&loop_));
  }

  void serve(DotScript script) {
    server_ = std::make_unique<DotServer>(std::move(script));
    resolver_.name = "home";
    resolver_.addresses = {*IpAddress::parse(server_->address())};
    resolver_.port = server_->port();
    resolver_.pins = {pin_of(server_identity())};
  }

  DotClient& client() {
    if (!client_) client_ = std::make_unique<DotClient>(&loop_, resolver_, tls);
    return *client_;
  }

  // Asks, not waiting; results_ grows in the order of the answers.
  void ask(const std::string& name, uint16_t type = kA,
           std::chrono::milliseconds within = 10s) {
    client().query(name, type, monotonic_now() + within,
                   [this, name](DotResult result) {
                     results_.emplace_back(name, std::move(result));
                   });
  }

  // Turns the loop until that many results are there; no longer than 20 s.
  void wait_for(size_t count) {
    const Time end = monotonic_now() + 20s;
    while (results_.size() < count && monotonic_now() < end) turn(10ms);
    ASSERT_EQ(count, results_.size());
  }

  void turn(std::chrono::milliseconds longest) {
    uv_timer_t tick;
    uv_timer_init(&loop_, &tick);
    uv_timer_start(
        &tick, [](uv_timer_t*) {}, static_cast<uint64_t>(longest.count()), 0);
    uv_run(&loop_, UV_RUN_ONCE);
    uv_close(reinterpret_cast<uv_handle_t*>(&tick), nullptr);
    uv_run(&loop_, UV_RUN_NOWAIT);
  }

  void turn_for(std::chrono::milliseconds duration) {
    const Time end = monotonic_now() + duration;
    while (monotonic_now() < end) turn(5ms);
  }

  DotResult ask_and_wait(const std::string& name, uint16_t type = kA,
                         std::chrono::milliseconds within = 10s) {
    results_.clear();
    ask(name, type, within);
    wait_for(1);
    if (results_.empty()) return tl::unexpected(DotError{});
    return results_.front().second;
  }

  // The failure's text without its `resolver "home" (127.0.0.1:1234): `.
  std::string cause(const DotResult& result) const {
    const std::string front = "resolver \"home\" (" +
                              resolver_.addresses.front().to_string() + ":" +
                              std::to_string(resolver_.port) + "): ";
    if (result) return "an answer";
    EXPECT_THAT(result.error().text, StartsWith(front));
    return result.error().text.substr(
        std::min(front.size(), result.error().text.size()));
  }

  uv_loop_t loop_;
  std::unique_ptr<DotServer> server_;
  config::Resolver resolver_;
  std::unique_ptr<DotClient> client_;
  std::vector<std::pair<std::string, DotResult>> results_;
};

std::string first_address(const DotResult& result) {
  if (!result) return result.error().text;
  const auto message = dns::decode(result->message);
  if (!message || message->answers.empty()) return "no answer";
  const auto* address = std::get_if<IpAddress>(&message->answers[0].data);
  return address ? address->to_string() : "no address";
}

// Nagle on the server's side holds the second of two replies until the first
// is acknowledged; a delayed ACK would make that 40 ms, every time.
TEST_F(DotClientTest, TheSecondOfTwoRepliesDoesNotWaitForADelayedAck) {
  DotScript script = script_with({{"a.example", with_a("192.0.2.1")}});
  script.no_delay = false;
  serve(std::move(script));
  ask_and_wait("a.example");
  std::vector<Duration> took;
  for (int round = 0; round < 15; ++round) {
    results_.clear();
    const Time before = monotonic_now();
    ask("a.example");
    ask("a.example", kAaaa);
    wait_for(2);
    took.push_back(monotonic_now() - before);
  }
  std::nth_element(took.begin(), took.begin() + 7, took.end());
  EXPECT_LT(took[7], 30ms);
}

TEST_F(DotClientTest, AnswersWithHowItCame) {
  serve(script_with({{"a.example", with_a("192.0.2.1")}}));
  const DotResult got = ask_and_wait("a.example");
  EXPECT_EQ("192.0.2.1", first_address(got));
  ASSERT_TRUE(got);
  EXPECT_FALSE(got->timings.reused);
  EXPECT_EQ("TLS1.3", got->timings.tls_version);
  EXPECT_EQ("pin", got->timings.authenticated_by);
  EXPECT_EQ("127.0.0.1:" + std::to_string(server_->port()),
            got->timings.address);
  EXPECT_GT(got->timings.connect.count(), 0);
  EXPECT_GT(got->timings.handshake.count(), 0);
}

TEST_F(DotClientTest, IsNeverCalledBackFromInsideQuery) {
  resolver_.name = "home";
  resolver_.addresses = {IpAddress::v4(127, 0, 0, 1)};
  ask("not..a name");
  EXPECT_TRUE(results_.empty());
  wait_for(1);
  EXPECT_EQ(DotFailure::kLocal, results_[0].second.error().failure);
}

// RFC 8467 section 4.1, RFC 7828 section 3.2.1, RFC 7871 section 7.1.2.
TEST_F(DotClientTest, QueriesArePaddedAndPrivate) {
  serve(script_with({{"a.example", with_a("192.0.2.1")}}));
  ASSERT_TRUE(ask_and_wait("a.example"));
  const auto asked = server_->statistics().asked;
  ASSERT_EQ(1u, asked.size());
  EXPECT_EQ(0u, asked[0].message_size % 128);
  EXPECT_TRUE(asked[0].keepalive);
  EXPECT_TRUE(asked[0].ecs_opt_out);
}

TEST_F(DotClientTest, OneConnectionCarriesManyQueries) {
  serve(script_with({{"a.example", with_a("192.0.2.1")}}));
  ASSERT_TRUE(ask_and_wait("a.example"));
  const DotResult again = ask_and_wait("a.example", kAaaa);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->timings.reused);
  EXPECT_EQ(1, server_->statistics().connections);
}

TEST_F(DotClientTest, RepliesMayComeInAnyOrder) {
  Entry slow = with_a("192.0.2.1");
  slow.delay = 200ms;
  serve(script_with(
      {{"slow.example", slow}, {"fast.example", with_a("192.0.2.2")}}));
  ask("slow.example");
  ask("fast.example");
  wait_for(2);
  EXPECT_EQ("fast.example", results_[0].first);
  EXPECT_EQ("192.0.2.2", first_address(results_[0].second));
  EXPECT_EQ("192.0.2.1", first_address(results_[1].second));
  EXPECT_EQ(1, server_->statistics().connections);
}

TEST_F(DotClientTest, MoreThanAHundredQueriesAtOnceAreAllAnswered) {
  std::map<std::string, Entry> names;
  for (int i = 0; i < 250; ++i) {
    Entry entry = with_a("192.0.2." + std::to_string(i));
    entry.delay = std::chrono::milliseconds(i % 7);
    names["n" + std::to_string(i) + ".example"] = entry;
  }
  serve(script_with(names));
  for (const auto& [name, entry] : names) ask(name);
  wait_for(250);
  for (const auto& [name, result] : results_)
    EXPECT_EQ("192.0.2." + name.substr(1, name.find('.') - 1),
              first_address(result));
  // One, but for a pause of this machine that looks like the server's silence.
  EXPECT_LE(server_->statistics().connections, 2);
  EXPECT_LE(server_->statistics().most_outstanding, 100);
}

TEST_F(DotClientTest, MessagesSplitOrTogetherAreTheSame) {
  DotScript split = script_with({{"a.example", with_a("192.0.2.1")}});
  split.split_prefix = true;
  serve(split);
  EXPECT_EQ("192.0.2.1", first_address(ask_and_wait("a.example")));
  client_.reset();

  DotScript together = script_with(
      {{"a.example", with_a("192.0.2.1")}, {"b.example", with_a("192.0.2.2")}});
  together.coalesce = true;
  serve(together);
  results_.clear();
  ask("a.example");
  ask("b.example");
  wait_for(2);
  EXPECT_TRUE(results_[0].second && results_[1].second);
}

TEST_F(DotClientTest, KeyUpdatesAreSwallowed) {
  DotScript script = script_with({{"a.example", with_a("192.0.2.1")}});
  script.key_update = true;
  serve(script);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ("192.0.2.1", first_address(ask_and_wait("a.example")));
  EXPECT_EQ(1, server_->statistics().connections);
}

TEST_F(DotClientTest, AServerThatClosesWhenIdleCostsNoQuery) {
  for (const bool close_notify : {true, false}) {
    DotScript script = script_with({{"a.example", with_a("192.0.2.1")}});
    script.idle_close = 50ms;
    script.close_notify = close_notify;
    serve(script);
    ASSERT_TRUE(ask_and_wait("a.example"));
    turn_for(200ms);
    const DotResult got = ask_and_wait("a.example");
    ASSERT_TRUE(got) << got.error().text;
    EXPECT_FALSE(got->timings.reused);
    EXPECT_EQ(2, server_->statistics().connections);
    client_.reset();
  }
}

// The FIN is unread when the query is made: it goes out and is sent once more.
TEST_F(DotClientTest, AQueryIntoAClosingConnectionIsSentOnceMore) {
  DotScript script = script_with({{"a.example", with_a("192.0.2.1")}});
  script.idle_close = 50ms;
  serve(script);
  ASSERT_TRUE(ask_and_wait("a.example"));
  usleep(200'000);  // the loop does not turn
  const DotResult got = ask_and_wait("a.example");
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(2, server_->statistics().connections);
}

TEST_F(DotClientTest, AConnectionThatBreaksUnderAQueryIsReplacedOnce) {
  DotScript script = script_with({{"a.example", with_a("192.0.2.1")}});
  script.close_on_query_first = 1;
  serve(script);
  EXPECT_EQ("192.0.2.1", first_address(ask_and_wait("a.example")));
  EXPECT_EQ(2, server_->statistics().connections);
}

TEST_F(DotClientTest, AQueryIsSentNoMoreThanTwice) {
  for (const ReplyFault fault :
       {ReplyFault::kCloseBefore, ReplyFault::kReset}) {
    serve(script_with({{"a.example", faulty(fault)}}));
    const DotResult got = ask_and_wait("a.example");
    ASSERT_FALSE(got);
    EXPECT_EQ(DotFailure::kReset, got.error().failure);
    EXPECT_THAT(cause(got), HasSubstr("connection"));
    EXPECT_EQ(2, server_->statistics().queries);
    client_.reset();
  }
}

// RFC 7828 section 3.4: a time-out of 0 asks to close after the replies.
TEST_F(DotClientTest, KeepaliveOfZeroClosesAfterTheReplies) {
  Entry slow = with_a("192.0.2.1");
  slow.delay = 100ms;
  DotScript script = script_with(
      {{"slow.example", slow}, {"fast.example", with_a("192.0.2.2")}});
  script.zone.keepalive = 0;
  serve(script);
  ask("slow.example");
  ask("fast.example");
  wait_for(2);
  EXPECT_TRUE(results_[0].second && results_[1].second);
  EXPECT_TRUE(server_->wait_until([](const auto& it) { return it.open == 0; }));
  ASSERT_TRUE(ask_and_wait("fast.example"));
  EXPECT_EQ(2, server_->statistics().connections);
}

TEST_F(DotClientTest, KeepaliveIsHonouredAndNoDescriptorIsHeldAfterIt) {
  const DotScript plain = script_with({{"a.example", with_a("192.0.2.1")}});
  DotScript script = plain;
  script.zone.keepalive = 2;  // 200 ms
  serve(script);
  const int before = open_descriptors();
  ASSERT_TRUE(ask_and_wait("a.example"));
  turn_for(400ms);
  EXPECT_TRUE(server_->wait_until([](const auto& it) { return it.open == 0; }));
  EXPECT_EQ(before, open_descriptors());
}

TEST_F(DotClientTest, TheFirstAddressThatAuthenticatesCarriesTheQuery) {
  DotScript silent = script_with({});
  silent.halt = test::Halt{Stage::kAccept, Ending::kSilence};
  serve(script_with({{"a.example", with_a("192.0.2.1")}}));
  DotScript other = silent;
  other.address = "127.0.0.2";
  other.port = server_->port();
  const DotServer staller(other);
  resolver_.addresses = {*IpAddress::parse("127.0.0.2"),
                         *IpAddress::parse("127.0.0.1")};
  const Time begin = monotonic_now();
  EXPECT_EQ("192.0.2.1", first_address(ask_and_wait("a.example")));
  EXPECT_GE(monotonic_now() - begin, 240ms);
  EXPECT_LT(monotonic_now() - begin, 2s);
}

TEST_F(DotClientTest, AFailedAddressIsFollowedAtOnce) {
  serve(script_with({{"a.example", with_a("192.0.2.1")}}));
  resolver_.addresses = {*IpAddress::parse("127.0.0.2"),  // nobody there
                         *IpAddress::parse("127.0.0.1")};
  const Time begin = monotonic_now();
  EXPECT_EQ("192.0.2.1", first_address(ask_and_wait("a.example")));
  EXPECT_LT(monotonic_now() - begin, 200ms);
}

TEST_F(DotClientTest, AnAddressWithAWrongPinIsPassedOver) {
  serve(script_with({{"a.example", with_a("192.0.2.1")}}));
  DotScript other = script_with({{"a.example", with_a("192.0.2.66")}});
  other.chain = {Identity::make({})};
  other.address = "127.0.0.2";
  other.port = server_->port();
  const DotServer impostor(other);
  resolver_.addresses = {*IpAddress::parse("127.0.0.2"),
                         *IpAddress::parse("127.0.0.1")};
  EXPECT_EQ("192.0.2.1", first_address(ask_and_wait("a.example")));
  EXPECT_EQ(0, impostor.statistics().queries);
}

TEST_F(DotClientTest, TheMostTellingOfSeveralFailuresIsTold) {
  serve(script_with({}));
  resolver_.pins = {pin_of(Identity::make({}))};
  resolver_.addresses = {*IpAddress::parse("127.0.0.1"),
                         *IpAddress::parse("127.0.0.2")};  // nobody there
  const DotResult got = ask_and_wait("a.example");
  ASSERT_FALSE(got);
  EXPECT_EQ(DotFailure::kWrongPin, got.error().failure);
  EXPECT_THAT(got.error().text, HasSubstr("(127.0.0.1:"));
}

TEST_F(DotClientTest, AWrongPinIsTold) {
  serve(script_with({}));
  resolver_.pins = {pin_of(Identity::make({}))};
  const DotResult got = ask_and_wait("a.example");
  EXPECT_EQ("no pin matches the server's key " + server_identity().key_pin(),
            cause(got));
  EXPECT_EQ(0, server_->statistics().queries);
}

TEST_F(DotClientTest, AnExpiredCertificateIsTold) {
  const Identity ca = Identity::make({.common_name = "CA", .is_ca = true});
  DotScript script = script_with({});
  script.chain = {Identity::make({.dns_names = {"dot.example"},
                                  .valid_from = 1700000000,
                                  .valid_until = 1767312000},
                                 &ca)};
  serve(script);
  char path[] = "/tmp/happy-ca-XXXXXX";
  close(mkstemp(path));
  std::ofstream(path) << ca.certificate_pem();
  resolver_.pins.clear();
  resolver_.auth_name = "dot.example";
  resolver_.ca_file = path;
  const DotResult expired = ask_and_wait("a.example");
  EXPECT_EQ("the certificate expired on 2026-01-02", cause(expired));
  EXPECT_EQ(DotFailure::kExpired, expired.error().failure);
  unlink(path);
}

TEST_F(DotClientTest, AWrongNameAndAnUnknownCaAreTold) {
  const Identity ca = Identity::make({.common_name = "CA", .is_ca = true});
  DotScript script = script_with({});
  script.chain = {Identity::make({.dns_names = {"dot.example"}}, &ca)};
  serve(script);
  char path[] = "/tmp/happy-ca-XXXXXX";
  close(mkstemp(path));
  std::ofstream(path) << ca.certificate_pem();
  resolver_.pins.clear();
  resolver_.auth_name = "other.example";
  resolver_.ca_file = path;
  const DotResult wrong = ask_and_wait("a.example");
  EXPECT_EQ("the certificate is for dot.example, not for other.example",
            cause(wrong));
  EXPECT_EQ(DotFailure::kWrongName, wrong.error().failure);
  unlink(path);
  client_.reset();

  resolver_.ca_file = "/nonexistent";
  const DotResult missing = ask_and_wait("a.example");
  EXPECT_EQ(DotFailure::kNoTrustStore, missing.error().failure);
}

TEST_F(DotClientTest, AClosedPortIsTold) {
  serve(script_with({}));
  server_.reset();
  const DotResult got = ask_and_wait("a.example");
  EXPECT_EQ("the connection was refused: nobody listens on that port",
            cause(got));
  EXPECT_EQ(DotFailure::kRefused, got.error().failure);
}

TEST_F(DotClientTest, NoRouteIsTold) {
  resolver_.name = "home";
  resolver_.addresses = {*IpAddress::parse("255.255.255.255")};
  resolver_.pins = {pin_of(server_identity())};
  const DotResult got = ask_and_wait("a.example");
  EXPECT_THAT(cause(got), StartsWith("it cannot be reached: "));
  EXPECT_EQ(DotFailure::kUnreachable, got.error().failure);
}

// A listener whose queue is full does not answer a SYN.
TEST_F(DotClientTest, ASilentPortIsTold) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  ASSERT_EQ(0, bind(listener, reinterpret_cast<sockaddr*>(&place), size));
  ASSERT_EQ(0, listen(listener, 0));
  getsockname(listener, reinterpret_cast<sockaddr*>(&place), &size);
  int fillers[3];
  for (int& filler : fillers) {
    filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)connect(filler, reinterpret_cast<sockaddr*>(&place), size);
  }
  resolver_.name = "home";
  resolver_.addresses = {IpAddress::v4(127, 0, 0, 1)};
  resolver_.port = ntohs(place.sin_port);
  resolver_.pins = {pin_of(server_identity())};
  const DotResult got = ask_and_wait("a.example", kA, 300ms);
  EXPECT_THAT(cause(got), StartsWith("the port is silent: no answer to connect "
                                     "within "));
  EXPECT_EQ(DotFailure::kSilent, got.error().failure);
  for (const int filler : fillers) close(filler);
  close(listener);
}

TEST_F(DotClientTest, SilenceInTheHandshakeIsTold) {
  DotScript script = script_with({});
  script.halt = test::Halt{Stage::kAccept, Ending::kSilence};
  serve(script);
  const DotResult got = ask_and_wait("a.example", kA, 200ms);
  EXPECT_THAT(cause(got), HasSubstr("did not go through with the TLS"));
  EXPECT_EQ(DotFailure::kSilent, got.error().failure);
}

TEST_F(DotClientTest, SilenceAfterTheQueryIsToldAndTheConnectionReplaced) {
  serve(script_with({{"drop.example", faulty(ReplyFault::kDrop)},
                     {"a.example", with_a("192.0.2.1")}}));
  const Time begin = monotonic_now();
  const DotResult got = ask_and_wait("drop.example", kA, 300ms);
  EXPECT_LT(monotonic_now() - begin, 2s);
  EXPECT_THAT(cause(got), StartsWith("no answer to the query within "));
  EXPECT_EQ(DotFailure::kSilent, got.error().failure);
  EXPECT_TRUE(ask_and_wait("a.example"));
  EXPECT_EQ(2, server_->statistics().connections);
}

TEST_F(DotClientTest, APortWithoutTlsIsTold) {
  DotScript script = script_with({});
  script.plain = true;
  serve(script);
  const DotResult got = ask_and_wait("a.example");
  EXPECT_EQ(DotFailure::kTls, got.error().failure) << cause(got);
}

TEST_F(DotClientTest, RepliesToOtherQuestionsAreIgnored) {
  for (const ReplyFault fault :
       {ReplyFault::kWrongId, ReplyFault::kWrongQuestion}) {
    serve(script_with({{"a.example", faulty(fault)}}));
    const DotResult got = ask_and_wait("a.example", kA, 200ms);
    ASSERT_FALSE(got);
    EXPECT_EQ(DotFailure::kSilent, got.error().failure);
    client_.reset();
  }
}

TEST_F(DotClientTest, ARepeatedReplyIsIgnored) {
  serve(script_with({{"a.example", faulty(ReplyFault::kTwice)},
                     {"b.example", with_a("192.0.2.2")}}));
  EXPECT_TRUE(ask_and_wait("a.example"));
  EXPECT_EQ("192.0.2.2", first_address(ask_and_wait("b.example")));
  EXPECT_EQ(1, server_->statistics().connections);
}

TEST_F(DotClientTest, BytesThatAreNotDnsAreTold) {
  serve(script_with({{"a.example", faulty(ReplyFault::kGarbage)}}));
  const DotResult got = ask_and_wait("a.example");
  EXPECT_EQ("the reply is not a DNS message", cause(got));
  EXPECT_EQ(DotFailure::kProtocol, got.error().failure);
}

TEST_F(DotClientTest, AResetAtOnceIsTold) {
  DotScript script = script_with({});
  script.reset_first = 9;
  serve(script);
  const DotResult got = ask_and_wait("a.example");
  EXPECT_EQ(DotFailure::kReset, got.error().failure) << cause(got);
}

TEST_F(DotClientTest, WithoutTheTlsObjectEveryQueryFailsLocally) {
  serve(script_with({}));
  client_ =
      std::make_unique<DotClient>(&loop_, resolver_, [] { return nullptr; });
  EXPECT_EQ(DotFailure::kLocal, ask_and_wait("a.example").error().failure);
}

TEST_F(DotClientTest, EndsInTheMiddleWithoutACallOrADescriptor) {
  DotScript script = script_with({});
  script.halt = test::Halt{Stage::kHandshake, Ending::kSilence};
  serve(script);
  const int before = open_descriptors();
  for (const auto delay : {0ms, 1ms, 5ms, 50ms}) {
    ask("a.example");
    turn_for(delay);
    client_.reset();
    turn(1ms);
  }
  EXPECT_TRUE(results_.empty());
  EXPECT_TRUE(server_->wait_until([](const auto& it) { return it.open == 0; }));
  EXPECT_EQ(before, open_descriptors());
}

TEST_F(DotClientTest, MayBeDestroyedByItsOwnCallback) {
  serve(script_with({{"a.example", with_a("192.0.2.1")}}));
  bool called = false;
  client().query("a.example", kA, monotonic_now() + 10s, [&](const DotResult&) {
    called = true;
    client_.reset();
  });
  ask("a.example", kAaaa);
  for (int i = 0; i < 1000 && !called; ++i) turn(10ms);
  EXPECT_TRUE(called);
}

TEST_F(DotClientTest, EveryDescriptorGoesThroughThePolicy) {
  serve(script_with({{"a.example", with_a("192.0.2.1")}}));
  std::set<int> owned;
  DescriptorPolicy policy;
  policy.own = [&](int descriptor) {
    const int high = fcntl(descriptor, F_DUPFD_CLOEXEC, 300);
    close(descriptor);
    owned.insert(high);
    return high;
  };
  policy.close = [&](int descriptor) {
    EXPECT_EQ(1u, owned.erase(descriptor));
    close(descriptor);
  };
  client_ = std::make_unique<DotClient>(&loop_, resolver_, tls, policy);
  EXPECT_TRUE(ask_and_wait("a.example"));
  EXPECT_EQ(1u, owned.size());
  client_.reset();
  EXPECT_TRUE(owned.empty());
}

}  // namespace
}  // namespace happy::net
