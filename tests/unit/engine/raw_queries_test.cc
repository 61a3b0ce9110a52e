// Questions of any type, and names for addresses, through the engine.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using test::Entry;
using ::testing::ElementsAre;

constexpr uint16_t kTxt = 16, kPtr = 12;

class RawQueriesTest : public EngineTest {
 protected:
  // Waits for it; the message is that of `query_` until the next one.
  int finished(happy_query* query) {
    EXPECT_NE(query, nullptr);
    if (query == nullptr) return -2;
    while (__atomic_load_n(&query->done, __ATOMIC_ACQUIRE) == 0)
      syscall(SYS_futex, &query->done, FUTEX_WAIT_PRIVATE, 0, nullptr);
    const auto last = std::move(static_cast<RawQuery*>(query)->self);
    message_.assign(query->message, query->message + query->size);
    return query->host_error;
  }
  std::vector<std::string> names_of(const IpAddress& address) {
    std::vector<std::string> out;
    if (finished(engine_->names_start(address)) != NETDB_SUCCESS) return out;
    for (auto at = message_.begin(); at != message_.end(); ++at) {
      const auto end = std::find(at, message_.end(), 0);
      out.emplace_back(at, end);
      at = end;
    }
    return out;
  }
  void start_strict() {
    start(json::array({{{"hosts", {"*.example"}}, {"resolvers", {"home"}}}}));
  }

  std::vector<uint8_t> message_;
};

const IpAddress kAddress = IpAddress::v4(192, 0, 2, 1);

TEST_F(RawQueriesTest, TheMessageIsTheResolvers) {
  Entry text;
  text.txt("hello");
  serve("home", {{"www.example", text}});
  start_strict();
  EXPECT_EQ(finished(engine_->query_start("www.example", kTxt, false)),
            NETDB_SUCCESS);
  const auto decoded = dns::decode(message_);
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->answers.size(), 1U);
  EXPECT_EQ(std::get<dns::RawData>(decoded->answers[0].data).octets,
            (std::vector<uint8_t>{5, 'h', 'e', 'l', 'l', 'o'}));
}

TEST_F(RawQueriesTest, FailuresHaveTheirHostErrors) {
  Entry text, broken, refused;
  text.txt("hello");
  broken.rcode = 2;
  refused.rcode = 5;
  serve("home", {{"www.example", text},
                 {"broken.example", broken},
                 {"refused.example", refused}});
  start_strict();
  const auto error_of = [this](const char* name) {
    return finished(engine_->query_start(name, 15, false));
  };
  EXPECT_EQ(error_of("www.example"), NO_DATA);
  EXPECT_EQ(error_of("missing.example"), HOST_NOT_FOUND);
  EXPECT_EQ(error_of("broken.example"), TRY_AGAIN);
  EXPECT_EQ(error_of("refused.example"), NO_RECOVERY);
}

TEST_F(RawQueriesTest, OtherNamesAreLibcs) {
  auto& server = serve("home", {});
  start_strict();
  EXPECT_EQ(engine_->query_start("www.test", kTxt, false), nullptr);
  EXPECT_EQ(engine_->names_start(kAddress), nullptr);
  EXPECT_EQ(server.statistics().connections, 0);
}

TEST_F(RawQueriesTest, AnAddressHasItsFirstName) {
  Entry reverse;
  reverse.records[kPtr] = {test::encode_name("www.example"),
                           test::encode_name("also.example")};
  serve("home", {{"www.example", with_a("192.0.2.1")},
                 {"1.2.0.192.in-addr.arpa", reverse}});
  start_strict();
  look_up("www.example", AF_INET);
  EXPECT_THAT(names_of(kAddress), ElementsAre("www.example"));
  EXPECT_THAT(names_of(kAddress.mapped()), ElementsAre("www.example"));
}

TEST_F(RawQueriesTest, ANetworkMayBeDelegatedByAliases) {
  Entry alias, reverse;
  alias.cname = "1.net.example";
  reverse.records[kPtr] = {test::encode_name("www.example")};
  serve("home", {{"www.example", with_a("192.0.2.1")},
                 {"1.2.0.192.in-addr.arpa", alias},
                 {"1.net.example", reverse}});
  start_strict();
  look_up("www.example", AF_INET);
  EXPECT_THAT(names_of(kAddress), ElementsAre("www.example"));
}

TEST_F(RawQueriesTest, ANameThatNoHostMayHaveIsNone) {
  Entry reverse;
  reverse.records[kPtr] = {test::encode_name("$(id).example")};
  serve("home", {{"www.example", with_a("192.0.2.1")},
                 {"1.2.0.192.in-addr.arpa", reverse}});
  start_strict();
  look_up("www.example", AF_INET);
  EXPECT_EQ(finished(engine_->names_start(kAddress)), NO_RECOVERY);
}

}  // namespace
}  // namespace happy
