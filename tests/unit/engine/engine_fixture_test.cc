// The fixture of the engine's tests (engine_fixture.h).
#include "tests/unit/engine/engine_fixture.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <list>

namespace happy {
namespace {

using nlohmann::json;

const test::Identity& identity() {
  static const auto made = test::Identity::make({.dns_names = {"dot.example"}});
  return made;
}

}  // namespace

std::vector<std::string>& EngineTest::log() {
  static std::vector<std::string> lines;
  return lines;
}

std::vector<std::string>& EngineTest::warnings() {
  static std::vector<std::string> lines;
  return lines;
}

namespace {

std::vector<std::string>& opened() {
  static std::vector<std::string> endpoints;
  return endpoints;
}

}  // namespace

std::vector<std::string> EngineTest::opened_by_race(
    std::unique_ptr<Plan> plan) {
  opened().clear();
  int all_failed = 0;
  EXPECT_EQ(engine_->race_start(plan.release(), nullptr, -1, ECONNREFUSED,
                                false, &all_failed),
            0);
  EXPECT_EQ(all_failed, 1);
  return opened();
}

void EngineTest::SetUp() {
  log().clear();
  warnings().clear();
  // Search lists come from the environment here, not from this machine.
  setenv("LOCALDOMAIN", "corp.example", 1);
  host_.abi = HAPPY_ENGINE_ABI;
  host_.library_folder = HAPPY_BUILD_FOLDER;
  host_.policy_path = "policy.json";
  host_.log_level = HAPPY_LOG_ERROR;
  host_.log = [](int level, const char* line, size_t length) {
    if (level <= HAPPY_LOG_ERROR) log().emplace_back(line, length);
    if (level == HAPPY_LOG_WARN) warnings().emplace_back(line, length);
  };
  host_.trace = [](const char*, size_t) {};
  host_.attempt_open = [](void*, const sockaddr* address, socklen_t length,
                          int* error) {
    opened().push_back(Endpoint::from_sockaddr(address, length)->to_string());
    *error = ECONNREFUSED;
    return -1;
  };
  host_.enter_helper_thread = [] {};
  host_.own_descriptor = [](int descriptor) { return descriptor; };
  host_.keep_descriptor = host_.own_descriptor;
  host_.close_descriptor = [](int descriptor) { close(descriptor); };
}

void EngineTest::share_state(const std::string& folder) {
  state_folder_ = folder;
}

test::Entry EngineTest::with_a(const std::string& address) {
  test::Entry entry;
  entry.a(address);
  return entry;
}

test::DotServer& EngineTest::serve(const std::string& resolver,
                                   std::map<std::string, test::Entry> names) {
  test::DotScript script;
  script.zone.names = std::move(names);
  return serve_script(resolver, std::move(script));
}

test::DotServer& EngineTest::serve_script(const std::string& resolver,
                                          test::DotScript script) {
  if (script.chain.empty()) script.chain = {identity()};
  const test::Identity leaf = script.chain.front();
  servers_.push_back(std::make_unique<test::DotServer>(std::move(script)));
  resolvers_[resolver] = {
      {"addresses", json::array({servers_.back()->address()})},
      {"port", servers_.back()->port()},
      {"pins", json::array({leaf.key_pin()})}};
  return *servers_.back();
}

Engine& EngineTest::start(const nlohmann::json& rules) {
  return start_with_text(nlohmann::json{
      {"version", 1},
      {"resolvers", resolvers_},
      {"rules", rules}}.dump());
}

Engine& EngineTest::start_with_text(const std::string& policy) {
  // Engines are never destroyed; kept here, they are no leak.
  struct Kept {
    happy_host host;
    std::string text, state_folder;
    Engine* engine;
  };
  static auto& all = *new std::list<Kept>;
  Kept& kept = all.emplace_back(Kept{host_, policy, state_folder_, nullptr});
  kept.host.policy_text = kept.text.c_str();
  kept.host.policy_size = kept.text.size();
  if (!kept.state_folder.empty())
    kept.host.state_folder = kept.state_folder.c_str();
  engine_ = kept.engine = new Engine(&kept.host);
  engine_->set_chance([] { return 1u; });  // history is never set aside
  return *engine_;
}

LookedUp EngineTest::look_up(const std::string& name, int family) {
  happy_lookup* lookup = engine_->lookup_start(name.c_str(), family);
  for (int i = 0; i < 10000; ++i) {
    if (__atomic_load_n(&lookup->done, __ATOMIC_ACQUIRE) != 0) break;
    poll(nullptr, 0, 1);
  }
  LookedUp out;
  if (__atomic_load_n(&lookup->done, __ATOMIC_ACQUIRE) == 0) return out;
  out.status = lookup->status;
  out.eai = lookup->eai;
  out.canonical = lookup->names;
  for (size_t i = 0; i < lookup->count; ++i) {
    IpAddress address;
    const bool v4 = lookup->addresses[i].family == AF_INET;
    address.family = v4 ? Family::kIpv4 : Family::kIpv6;
    std::copy_n(lookup->addresses[i].bytes, v4 ? 4 : 16, address.bytes.begin());
    out.addresses.push_back(address.to_string());
  }
  static_cast<Lookup*>(lookup)->self.reset();
  return out;
}

void EngineTest::remember(const std::string& name,
                          const std::vector<std::string>& addresses,
                          int family) {
  std::vector<happy_address> list;
  for (const std::string& text : addresses) {
    const IpAddress address = *IpAddress::parse(text);
    happy_address out{};
    out.family = address.family == Family::kIpv4 ? AF_INET : AF_INET6;
    std::copy(address.bytes.begin(), address.bytes.end(), out.bytes);
    list.push_back(out);
  }
  engine_->remember(name.c_str(), family, list.data(), list.size());
}

std::unique_ptr<Plan> EngineTest::plan(const std::string& address,
                                       uint16_t port, unsigned families,
                                       const happy_wish* wish) {
  sockaddr_storage storage;
  const Endpoint endpoint{*IpAddress::parse(address), port};
  const socklen_t length = endpoint.to_sockaddr(&storage);
  return std::unique_ptr<Plan>(static_cast<Plan*>(
      engine_->plan(reinterpret_cast<const sockaddr*>(&storage), length,
                    families, wish, &why_)));
}

std::vector<std::string> EngineTest::planned(const std::string& address,
                                             unsigned families) {
  const auto made = plan(address, 80, families);
  std::vector<std::string> out;
  if (made == nullptr) return out;
  for (const Endpoint& candidate : made->begin.candidates) {
    out.push_back(candidate.address.to_string());
  }
  return out;
}

}  // namespace happy
