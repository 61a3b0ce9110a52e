// TLS tickets in the folder that processes share: a later process resumes the
// session of an earlier one, each ticket serves once, and only the resolver
// that gave it as it was authenticated then. Two engines stand for two
// processes: what is in the folder is nowhere else.
#include <filesystem>
#include <fstream>

#include "core/shared_state.h"
#include "tests/lab/temp_folder.h"
#include "tests/unit/engine/engine_fixture.h"

namespace happy {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SharedResolvers : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    test::DotScript script;
    script.tickets = test::Tickets::kAtOnce;
    script.zone.keepalive = 0;  // each question on a connection of its own
    for (int i = 0; i < 8; ++i)
      script.zone.names["n" + std::to_string(i) + ".example"] =
          with_a("192.0.2.1");
    server_ = &serve_script("home", std::move(script));
    share_state(state_);
  }

  // One question by a new process; the resolver's answer is not in the folder.
  void ask(const json& policy = {{"resolvers", {"home"}}}) {
    json rule = policy;
    rule["hosts"] = {"*"};
    start(json::array({rule}));
    const std::string name = "n" + std::to_string(asked_++) + ".example";
    EXPECT_THAT(look_up(name, AF_INET).addresses, ElementsAre("192.0.2.1"));
    EXPECT_TRUE(server_->wait_until(
        [&](const test::DotStatistics& seen) { return seen.open == 0; }));
  }
  std::vector<std::filesystem::path> tickets() const {
    std::vector<std::filesystem::path> out;
    for (const auto& file : std::filesystem::directory_iterator(state_))
      if (file.path().filename().string().starts_with("ticket."))
        out.push_back(file.path());
    return out;
  }
  int resumed() const { return server_->statistics().resumed; }

  const lab::TempFolder folder_;
  const std::string state_ = folder_.file("state");
  test::DotServer* server_ = nullptr;
  int asked_ = 0;
};

TEST_F(SharedResolvers, TicketsAreUsedByTheNextProcess) {
  ask();
  EXPECT_EQ(resumed(), 0);
  EXPECT_THAT(tickets(), SizeIs(1));
  ask();
  EXPECT_EQ(resumed(), 1);
  ask();
  EXPECT_EQ(resumed(), 2);
  EXPECT_THAT(tickets(), SizeIs(1)) << "one used, one given";
}

TEST_F(SharedResolvers, TicketsAreGoodForTheSameAuthenticationAlone) {
  ask();
  json& home = resolver("home");
  home["pins"].push_back("sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  ask();
  EXPECT_EQ(resumed(), 0);
  EXPECT_THAT(tickets(), SizeIs(2));
}

TEST_F(SharedResolvers, OfABrokenTicketOneLineTells) {
  ask();
  ASSERT_THAT(tickets(), SizeIs(1));
  std::ofstream(tickets()[0], std::ios::trunc) << "{";
  ask();
  EXPECT_EQ(resumed(), 0);
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("is broken and removed")));
}

// What GnuTLS makes nothing of is no ticket; the answer comes all the same.
TEST_F(SharedResolvers, AForgedTicketDoesNoHarm) {
  ask();
  ASSERT_THAT(tickets(), SizeIs(1));
  std::ifstream in(tickets()[0]);
  json record = json::parse(in);
  std::string forged = record["ticket"];
  for (size_t i = 0; i < forged.size(); i += 3)
    forged[i] = forged[i] == '0' ? '1' : '0';
  record["ticket"] = forged;
  std::ofstream(tickets()[0], std::ios::trunc) << record.dump();
  ask();
  EXPECT_EQ(resumed(), 0);
}

TEST_F(SharedResolvers, TicketsAreFewForOneKey) {
  SharedState shared({state_, {}, [](const std::string&) {}});
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(shared.keep_ticket("key", "ticket " + std::to_string(i)));
  EXPECT_THAT(tickets(), SizeIs(state::kTicketsOfOneKey));
  for (unsigned i = 0; i < state::kTicketsOfOneKey; ++i)
    EXPECT_FALSE(shared.take_ticket("key").empty());
  EXPECT_EQ(shared.take_ticket("key"), "");
  EXPECT_THAT(tickets(), IsEmpty());
}

TEST_F(SharedResolvers, WithoutAFolderTheProcessKeepsItsOwn) {
  share_state(folder_.file("no/such/place"));
  ask();
  ask();
  EXPECT_EQ(resumed(), 1);
}

// The first choice fails; the next process asks the second one first.
TEST_F(SharedResolvers, OneThatFailedIsAskedLaterByTheNextProcess) {
  test::DotScript script;
  script.reset_first = 1000;
  auto& broken = serve_script("broken", std::move(script));
  const json both = {{"resolvers", {"broken", "home"}}};
  ask(both);
  EXPECT_EQ(broken.statistics().connections, 1);
  ask(both);
  EXPECT_EQ(broken.statistics().connections, 1);
}

}  // namespace
}  // namespace happy
