#include <unistd.h>

#include <cstring>
#include <random>

#include "core/address_abi.h"
#include "core/engine_impl.h"

namespace happy {
namespace {

constinit Engine* the_engine = nullptr;

// How long the helper thread stays without anything to do.
constexpr std::chrono::milliseconds kIdleEnd{2000};

happy_lookup* lookup_start(const char* name, int family, int flags) {
  return the_engine->lookup_start(name, family, flags);
}

void lookup_release(happy_lookup* lookup) {
  // The loop may still hold it, for an answer that comes late.
  const auto last = std::move(static_cast<Lookup*>(lookup)->self);
}

int is_strict(const char* name) { return the_engine->is_strict(name) ? 1 : 0; }

int forbids_clear_text(const char* name) {
  return the_engine->forbids_clear_text(name) ? 1 : 0;
}

int is_strict_query(const unsigned char* message, size_t size) {
  return the_engine->is_strict_query({message, size}) ? 1 : 0;
}

int is_strict_address(const happy_address* address) {
  return the_engine->is_strict_address(from_abi(*address)) ? 1 : 0;
}

happy_query* query_start(const char* name, int type, int search) {
  return the_engine->query_start(name, type, search != 0);
}

happy_query* query_send_start(const unsigned char* message, size_t size) {
  return the_engine->query_start({message, size});
}

happy_query* names_start(const happy_address* address) {
  return the_engine->names_start(from_abi(*address));
}

void query_release(happy_query* query) {
  // The loop may still hold it.
  const auto last = std::move(static_cast<RawQuery*>(query)->self);
}

void remember(const char* name, int family, const happy_address* addresses,
              size_t count) {
  the_engine->remember(name, family, addresses, count);
}

int discovers_nat64() { return the_engine->discovers_nat64() ? 1 : 0; }

const char* nat64_probe(const char* name) {
  return the_engine->nat64_probe(name);
}

void nat64_probed(const happy_address* addresses, size_t count) {
  the_engine->nat64_probed(addresses, count);
}

int crosses_families(const char* name) {
  return the_engine->crosses_families(name) ? 1 : 0;
}

happy_plan* plan(const sockaddr* destination, socklen_t length,
                 unsigned families, const happy_wish* wish, const char** why) {
  return the_engine->plan(destination, length, families, wish, why);
}

void plan_release(happy_plan* plan) { delete static_cast<Plan*>(plan); }

uint64_t race_start(happy_plan* plan, void* context, int attempt, int error,
                    int mapped, int* all_failed) {
  return the_engine->race_start(plan, context, attempt, error, mapped != 0,
                                all_failed);
}

void race_cancel(uint64_t race) { the_engine->race_cancel(net::RaceId{race}); }

void race_stop(uint64_t race, happy_outcome* outcome) {
  the_engine->race_stop(net::RaceId{race}, outcome);
}

int watch(int descriptor, int output, void* context) {
  return the_engine->watch(descriptor, output != 0, context);
}

int unwatch(int descriptor, void* context) {
  return the_engine->unwatch(descriptor, context);
}

void trace_passed(const sockaddr* address, socklen_t length, const char* why) {
  const auto endpoint = Endpoint::from_sockaddr(address, length);
  if (endpoint) the_engine->trace().passed(*endpoint, why);
}

void pause_helper() { the_engine->pause_helper(); }
void before_fork() { the_engine->before_fork(); }
void after_fork_parent() { the_engine->after_fork_parent(); }
void after_fork_child() { the_engine->after_fork_child(); }

constexpr happy_engine kTable = {.abi = HAPPY_ENGINE_ABI,
                                 .lookup_start = lookup_start,
                                 .lookup_release = lookup_release,
                                 .is_strict = is_strict,
                                 .forbids_clear_text = forbids_clear_text,
                                 .is_strict_query = is_strict_query,
                                 .is_strict_address = is_strict_address,
                                 .query_start = query_start,
                                 .query_send_start = query_send_start,
                                 .names_start = names_start,
                                 .query_release = query_release,
                                 .remember = remember,
                                 .discovers_nat64 = discovers_nat64,
                                 .nat64_probe = nat64_probe,
                                 .nat64_probed = nat64_probed,
                                 .crosses_families = crosses_families,
                                 .plan = plan,
                                 .plan_release = plan_release,
                                 .race_start = race_start,
                                 .race_cancel = race_cancel,
                                 .race_stop = race_stop,
                                 .watch = watch,
                                 .unwatch = unwatch,
                                 .trace_passed = trace_passed,
                                 .pause_helper = pause_helper,
                                 .before_fork = before_fork,
                                 .after_fork_parent = after_fork_parent,
                                 .after_fork_child = after_fork_child};

// Chance only keeps clients from going the same way for ever.
uint32_t seed() {
  const auto now = net::monotonic_now().time_since_epoch().count();
  return static_cast<uint32_t>(now ^ getpid());
}

StateSettings state_settings(const happy_host* host) {
  return {.folder = host->state_folder,
          .descriptors = {host->keep_descriptor, host->close_descriptor},
          .warn = [host](const std::string& line) {
            host->log(HAPPY_LOG_WARN, line.data(), line.size());
          }};
}

std::string policy_name(const happy_host& host) {
  return host.policy_path != nullptr ? host.policy_path : "";
}

}  // namespace

Helper::Helper(Engine* engine)
    : watch(*new net::Watch(engine->host())),
      linger(*new Linger(engine->host())),
      loop(*new net::Loop(
          engine->host(),
          [this, engine](uv_loop_t* uv) { return engine->set_up(this, uv); },
          net::Loop::IdleEnd{kIdleEnd, [this] { return Engine::is_idle(this); },
                             [this] { return Engine::tear_down(this); }})) {}

Engine::Engine(const happy_host* host)
    : host_(host),
      trace_(host),
      chance_([random = std::minstd_rand(seed())]() mutable {
        return static_cast<uint32_t>(random());
      }) {
  helper_ = new Helper(this);
  read_policy();
  if (policy_ && policy_->shares_state && host->state_folder != nullptr) {
    shared_.emplace(state_settings(host));
    if (host->eager != 0) shared_->folder();
  }
}

// By the helper thread: to the program those are nobody's look-ups.
void Engine::prefetch() {
  if (!policy_ || policy_->prefetch.empty()) return;
  const auto posted = helper_->loop.post([this] {
    for (const std::string& name : policy_->prefetch)
      lookup_release(lookup_start(name.c_str(), AF_UNSPEC));
  });
  (void)posted;  // whoever needs an answer will ask
}

void Engine::read_policy() {
  const happy_host* const host = host_;
  if (host->policy_path == nullptr) {
    policy_ = config::embedded_default_policy();
    return;
  }
  if (host->policy_error != 0) {
    log(HAPPY_LOG_ERROR, policy_name(*host) + ": " +
                             strerrordesc_np(host->policy_error) +
                             "; host names fail");
    return;
  }
  auto policy = config::parse_policy({host->policy_text, host->policy_size});
  if (policy) {
    policy_ = std::move(*policy);
    if (host->races_all != 0) {
      const auto any = config::embedded_default_policy().rules.front();
      policy_->rules.push_back(any);
    }
    discovers_nat64_ = policy_->discovers_nat64();
    if (host->eager != 0) warm_resolvers(*policy_, host);
    return;
  }
  // One line: the rest is what `happyctl check` is for.
  const auto& errors = policy.error();
  std::string line = errors.front().to_string(policy_name(*host));
  if (errors.size() > 1) {
    line += " (and " + std::to_string(errors.size() - 1) + " more)";
  }
  log(HAPPY_LOG_ERROR, line + "; host names fail; see happyctl check");
}

int Engine::watch(int descriptor, bool output, void* context) {
  const int result = helper_->linger.add(descriptor, output, context);
  if (result == 0 || helper_->loop.on_loop_thread()) return result;
  // The helper has just ended, being idle.
  if (!helper_->loop.start()) return result;
  return helper_->linger.add(descriptor, output, context);
}

int Engine::unwatch(int descriptor, void* context) {
  return helper_->linger.remove(descriptor, context);
}

void Engine::pause_helper() {
  // More than a TLS handshake's arithmetic, less than anybody notices.
  constexpr std::chrono::milliseconds kPatience{50};
  helper_paused_ = helper_->loop.pause(kPatience);
}

void Engine::before_fork() {
  mutex_.lock();
  forking_thread_ = gettid();
}

void Engine::after_fork_parent() {
  mutex_.unlock();
  if (helper_paused_) helper_->loop.resume();
  helper_paused_ = false;
}

void Engine::after_fork_child() {
  mutex_.unlock();
  helper_paused_ = false;
  helper_->linger.abandon();
  helper_->watch.abandon();
  helper_->loop.abandon();
  helper_ = new Helper(this);  // no thread, no descriptor until needed
  ledger_ = nullptr;
  late_.clear();
  awaited_services_.clear();
  history_is_shared_ = true;  // what is not yet is the parent's to share
  names_.after_fork(forking_thread_, gettid());
}

}  // namespace happy

namespace {

// At exit(), or where a host unloads the library.
__attribute__((destructor)) void at_exit() {
  if (happy::the_engine != nullptr) happy::the_engine->at_exit();
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const happy_engine*
happy_engine_open(const happy_host* host) {
  if (host->abi != HAPPY_ENGINE_ABI) return nullptr;
  happy::the_engine = new happy::Engine(host);
  happy::the_engine->prefetch();
  return &happy::kTable;
}
