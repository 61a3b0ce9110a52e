// An engine without a shim, on scripted DoT servers: what its look-ups answer,
// and what it would race.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/engine_impl.h"
#include "tests/support/dot_server.h"

namespace happy {

struct LookedUp {
  int status = -1;
  int eai = 0;
  std::vector<std::string> addresses;
  std::string canonical;
};

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override;

  // A server for the zone and its entry "NAME" in the policy's resolvers.
  test::DotServer& serve(const std::string& resolver,
                         std::map<std::string, test::Entry> names);
  test::DotServer& serve_script(const std::string& resolver,
                                test::DotScript script);
  // What the policy says of the resolver, to be changed before start().
  nlohmann::json& resolver(const std::string& name) { return resolvers_[name]; }
  // The engine with these rules; engines live for the process.
  Engine& start(const nlohmann::json& rules);
  Engine& start_with_text(const std::string& policy);
  // From the next start() on: the folder that it shares with others.
  void share_state(const std::string& folder);

  // Waits for the look-up, at most ten seconds.
  LookedUp look_up(const std::string& name, int family = AF_UNSPEC);
  void remember(const std::string& name,
                const std::vector<std::string>& addresses,
                int family = AF_UNSPEC);
  // The candidates of a connect() to `address`, the destination first; empty
  // where there is no plan, and `why_` then says why.
  std::vector<std::string> planned(const std::string& address,
                                   unsigned families = 3);

  // The same whole; nullptr where there is none.
  std::unique_ptr<Plan> plan(const std::string& address, uint16_t port = 80,
                             unsigned families = 3,
                             const happy_wish* wish = nullptr);

  static test::Entry with_a(const std::string& address);
  static std::vector<std::string>& log();  // errors
  static std::vector<std::string>& warnings();
  // What a race would connect to, were it not all refused at once, after the
  // caller's own attempt has been.
  std::vector<std::string> opened_by_race(std::unique_ptr<Plan> plan);

  const char* why_ = nullptr;
  Engine* engine_ = nullptr;

 private:
  happy_host host_{};
  std::string state_folder_;
  nlohmann::json resolvers_ = nlohmann::json::object();
  std::vector<std::unique_ptr<test::DotServer>> servers_;
};

}  // namespace happy
