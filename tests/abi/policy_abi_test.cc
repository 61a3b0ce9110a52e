// The C ABI of core/engine.h as the shim uses it, with a happy_host of mocks:
// what becomes of a policy, of look-ups under it, and of plans for connect().
// Nothing leaves the process.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "core/engine.h"
#include "tests/support/cmocka.h"

// An engine is leaked on purpose: hosts call in during atexit. The sanitizer's
// library looks this function up.
extern "C" __attribute__((visibility("default"))) const char*
__lsan_default_suppressions();
const char* __lsan_default_suppressions() { return "leak:happy_engine_open\n"; }

namespace {

constexpr unsigned kIpv4 = 1, kIpv6 = 2, kBoth = 3;

const std::thread::id test_thread = std::this_thread::get_id();
std::mutex helper_mutex;
std::string helper_lines;

// Lines of the helper thread are collected: mocks are the test's own.
void host_log(int level, const char* line, size_t length) {
  if (std::this_thread::get_id() != test_thread) {
    const std::lock_guard lock(helper_mutex);
    helper_lines.append(line, length).append("\n");
    return;
  }
  char text[512] = {};
  assert_in_range(length, 1, sizeof text - 1);
  memcpy(text, line, length);
  check_expected(level);
  check_expected_ptr(text);
}

void host_trace(const char*, size_t) { fail_msg("no trace was asked for"); }
void host_enter_helper_thread() {}
int host_own_descriptor(int descriptor) { return descriptor; }
void host_close_descriptor(int descriptor) { close(descriptor); }

// Engines keep their hosts for good.
happy_host* new_host() {
  auto* host = new happy_host{};
  host->abi = HAPPY_ENGINE_ABI;
  host->library_folder = "/nonexistent";
  host->log_level = HAPPY_LOG_DEBUG;
  host->log = host_log;
  host->trace = host_trace;
  host->enter_helper_thread = host_enter_helper_thread;
  host->own_descriptor = host_own_descriptor;
  host->keep_descriptor = host_own_descriptor;
  host->close_descriptor = host_close_descriptor;
  return host;
}

const happy_engine* open_engine(const happy_host* host) {
  const happy_engine* engine = happy_engine_open(host);
  assert_non_null(engine);
  assert_int_equal(engine->abi, HAPPY_ENGINE_ABI);
  return engine;
}

const happy_engine* engine_with(const char* policy) {
  happy_host* host = new_host();
  host->policy_path = "policy.json";
  host->policy_text = policy;
  host->policy_size = strlen(policy);
  return open_engine(host);
}

void expect_log(int level, const char* line) {
  expect_value(host_log, level, level);
  expect_string(host_log, text, line);
}

void assert_lookup(const happy_engine* engine, const char* name, int family,
                   int status, int eai) {
  happy_lookup* lookup = engine->lookup_start(name, family, 0);
  assert_non_null(lookup);
  assert_int_equal(lookup->done, 1);
  assert_int_equal(lookup->status, status);
  assert_int_equal(lookup->eai, eai);
  assert_non_null(lookup->names);
  engine->lookup_release(lookup);
}

happy_address address_of(const char* text) {
  happy_address out{};
  out.family = strchr(text, ':') != nullptr ? AF_INET6 : AF_INET;
  assert_int_equal(inet_pton(out.family, text, out.bytes), 1);
  return out;
}

// "a b c" was libc's answer for the name.
void remember(const happy_engine* engine, const char* name, const char* list) {
  happy_address addresses[8];
  size_t count = 0;
  char copy[256] = {};
  strncpy(copy, list, sizeof copy - 1);
  char* rest = nullptr;
  for (char* word = strtok_r(copy, " ", &rest); word != nullptr;
       word = strtok_r(nullptr, " ", &rest)) {
    addresses[count++] = address_of(word);
  }
  engine->remember(name, AF_UNSPEC, addresses, count);
}

happy_plan* plan(const happy_engine* engine, const char* text,
                 unsigned families, const char** why) {
  sockaddr_storage storage{};
  const happy_address address = address_of(text);
  storage.ss_family = address.family;
  if (address.family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    in->sin_port = htons(443);
    memcpy(&in->sin_addr, address.bytes, sizeof in->sin_addr);
  } else {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    in6->sin6_port = htons(443);
    memcpy(&in6->sin6_addr, address.bytes, sizeof in6->sin6_addr);
  }
  *why = "untouched";
  return engine->plan(reinterpret_cast<sockaddr*>(&storage), sizeof storage,
                      families, nullptr, why);
}

// Without a plan: the reason, or NULL.
const char* refusal(const happy_engine* engine, const char* address) {
  const char* why = nullptr;
  assert_null(plan(engine, address, kBoth, &why));
  return why;
}

size_t candidates(const happy_engine* engine, const char* address,
                  unsigned families) {
  const char* why = nullptr;
  happy_plan* it = plan(engine, address, families, &why);
  assert_non_null(it);
  assert_null(why);
  const size_t count = it->candidates;
  engine->plan_release(it);
  return count;
}

constexpr char kStrict[] = R"({
  "version": 1,
  "resolvers": {
    "own": { "addresses": ["127.0.0.1"], "auth_name": "dns.example" }
  },
  "rules": [
    { "hosts": ["*.four.example"], "resolvers": ["own"],
      "families": ["ipv4"] },
    { "hosts": ["*.example", "*.invalid", "*.onion", "localhost"],
      "resolvers": ["own"], "timeouts": { "resolve_ms": 1000 } },
    { "hosts": ["*"] }
  ]
})";

constexpr char kRaces[] = R"({
  "version": 1,
  "rules": [
    { "hosts": ["off.example"], "race": { "enabled": false } },
    { "hosts": ["timed.example"],
      "timeouts": { "attempt_ms": 700, "connect_ms": 9000 } },
    { "hosts": ["six.example"], "families": ["ipv6"] },
    { "hosts": ["*.example"] }
  ]
})";

// Policies.

void a_good_policy_is_silent(void**) { engine_with(kStrict); }

void another_abi_is_refused(void**) {
  happy_host host{};
  host.abi = HAPPY_ENGINE_ABI + 1;
  assert_null(happy_engine_open(&host));
}

void a_bad_policy_is_told_with_its_place(void**) {
  expect_log(HAPPY_LOG_ERROR,
             "policy.json:1:14: version: must be 1, not 2; host names fail; "
             "see happyctl check");
  engine_with(R"({ "version": 2, "rules": [] })");
}

void further_errors_are_counted(void**) {
  expect_value(host_log, level, HAPPY_LOG_ERROR);
  expect_check(
      host_log, text,
      [](const LargestIntegralType text, const LargestIntegralType part) {
        return strstr(reinterpret_cast<const char*>(text),
                      reinterpret_cast<const char*>(part)) != nullptr
                   ? 1
                   : 0;
      },
      " (and 2 more); host names fail");
  engine_with(R"({ "version": 2, "colour": 1, "rules": [ { "hosts": 7 } ] })");
}

void fails_closed(const happy_engine* engine) {
  assert_int_equal(engine->is_strict("www.example"), 1);
  assert_int_equal(engine->is_strict("anything"), 1);
  assert_lookup(engine, "www.example", AF_UNSPEC, HAPPY_LOOKUP_FAILED,
                EAI_FAIL);
  remember(engine, "www.example", "192.0.2.1 192.0.2.2");
  assert_null(refusal(engine, "192.0.2.1"));
}

void under_a_bad_policy_names_fail_and_connect_is_libcs(void**) {
  expect_value(host_log, level, HAPPY_LOG_ERROR);
  expect_any(host_log, text);
  fails_closed(engine_with("{"));
}

void under_an_empty_policy_file_names_fail(void**) {
  expect_value(host_log, level, HAPPY_LOG_ERROR);
  expect_any(host_log, text);
  fails_closed(engine_with(""));
}

void an_unreadable_policy_file_is_told_and_names_fail(void**) {
  happy_host* host = new_host();
  host->policy_path = "/etc/libhappy/policy.json";
  host->policy_error = EACCES;
  expect_log(HAPPY_LOG_ERROR,
             "/etc/libhappy/policy.json: Permission denied; host names fail");
  fails_closed(open_engine(host));
}

void without_a_policy_names_are_libcs_and_races_run(void**) {
  const happy_engine* engine = open_engine(new_host());
  assert_int_equal(engine->is_strict("www.example"), 0);
  assert_lookup(engine, "www.example", AF_UNSPEC, HAPPY_LOOKUP_SYSTEM, 0);
  remember(engine, "www.example", "192.0.2.1 192.0.2.2");
  assert_int_equal(candidates(engine, "192.0.2.1", kBoth), 1);
}

void without_a_policy_loopback_is_not_raced(void**) {
  const happy_engine* engine = open_engine(new_host());
  remember(engine, "here.example", "127.0.1.1 127.0.1.2");
  assert_string_equal(refusal(engine, "127.0.1.1"), "a loopback address");
}

// Look-ups.

void only_names_of_an_encrypted_rule_are_strict(void**) {
  const happy_engine* engine = engine_with(kStrict);
  assert_int_equal(engine->is_strict("www.example"), 1);
  assert_int_equal(engine->is_strict("WWW.Example."), 1);
  assert_int_equal(engine->is_strict("www.example.org."), 0);
  assert_lookup(engine, "www.example.org.", AF_UNSPEC, HAPPY_LOOKUP_SYSTEM, 0);
}

void localhost_is_answered_at_once(void**) {
  const happy_engine* engine = engine_with(kStrict);
  happy_lookup* lookup = engine->lookup_start("localhost.", AF_INET, 0);
  assert_int_equal(lookup->done, 1);
  assert_int_equal(lookup->status, HAPPY_LOOKUP_ANSWER);
  assert_int_equal(lookup->eai, 0);
  assert_int_equal(lookup->count, 1);
  const happy_address loopback = address_of("127.0.0.1");
  assert_int_equal(lookup->addresses[0].family, AF_INET);
  assert_memory_equal(lookup->addresses[0].bytes, loopback.bytes, 4);
  engine->lookup_release(lookup);
}

void a_name_that_is_never_asked_tells_why(void**) {
  const happy_engine* engine = engine_with(kStrict);
  expect_log(HAPPY_LOG_INFO,
             "cannot resolve \"www.invalid.\": .invalid names never exist (RFC "
             "6761)");
  assert_lookup(engine, "www.invalid.", AF_UNSPEC, HAPPY_LOOKUP_FAILED,
                EAI_NONAME);
  expect_log(HAPPY_LOG_INFO,
             "cannot resolve \"www.onion.\": .onion names are never sent to "
             "DNS (RFC 7686)");
  assert_lookup(engine, "www.onion.", AF_UNSPEC, HAPPY_LOOKUP_FAILED,
                EAI_NONAME);
}

void a_family_that_the_rule_leaves_out_has_no_data(void**) {
  const happy_engine* engine = engine_with(kStrict);
  assert_lookup(engine, "www.four.example.", AF_INET6, HAPPY_LOOKUP_FAILED,
                EAI_NODATA);
}

void without_the_tls_object_a_strict_name_is_not_libcs(void**) {
  const happy_engine* engine = engine_with(kStrict);
  happy_lookup* lookup = engine->lookup_start("www.example.", AF_INET, 0);
  for (int i = 0;
       i < 500 && __atomic_load_n(&lookup->done, __ATOMIC_ACQUIRE) == 0; ++i) {
    usleep(10'000);
  }
  assert_int_equal(lookup->done, 1);
  assert_int_equal(lookup->status, HAPPY_LOOKUP_FAILED);
  assert_int_equal(lookup->eai, EAI_AGAIN);
  engine->lookup_release(lookup);
  const std::lock_guard lock(helper_mutex);
  assert_non_null(strstr(helper_lines.c_str(), "cannot load /nonexistent"));
  assert_non_null(
      strstr(helper_lines.c_str(), "cannot resolve \"www.example.\": "));
}

// Plans.

void an_address_of_no_name_has_no_plan_and_no_reason(void**) {
  const happy_engine* engine = engine_with(kRaces);
  assert_null(refusal(engine, "192.0.2.9"));
}

void other_addresses_of_the_name_are_candidates(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "www.example", "192.0.2.1 192.0.2.2 2001:db8::1");
  assert_int_equal(candidates(engine, "192.0.2.1", kBoth), 2);
  assert_int_equal(candidates(engine, "2001:db8::1", kBoth), 2);
  assert_int_equal(candidates(engine, "192.0.2.2", kIpv4), 1);
}

void what_the_socket_cannot_use_is_no_candidate(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "www.example", "192.0.2.1 2001:db8::1");
  const char* why = nullptr;
  assert_null(plan(engine, "192.0.2.1", kIpv4, &why));
  assert_string_equal(why, "one address and no time-out");
  assert_null(plan(engine, "2001:db8::1", kIpv6, &why));
  assert_string_equal(why, "one address and no time-out");
}

void a_mapped_destination_is_its_ipv4_address(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "www.example", "192.0.2.1 192.0.2.2");
  assert_int_equal(candidates(engine, "::ffff:192.0.2.1", kBoth), 1);
}

void one_address_without_a_timeout_is_libcs(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "www.example", "192.0.2.1");
  assert_string_equal(refusal(engine, "192.0.2.1"),
                      "one address and no time-out");
}

void one_address_with_a_timeout_has_a_plan(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "timed.example", "192.0.2.1");
  const char* why = nullptr;
  happy_plan* it = plan(engine, "192.0.2.1", kBoth, &why);
  assert_non_null(it);
  assert_int_equal(it->candidates, 0);
  assert_int_equal(it->attempt_ms, 700);
  assert_int_equal(it->connect_ms, 9000);
  assert_int_equal(it->fail_with, 0);
  engine->plan_release(it);
}

void a_rule_can_disable_races(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "off.example", "192.0.2.1 192.0.2.2");
  assert_string_equal(refusal(engine, "192.0.2.1"),
                      "races are disabled by the policy");
}

void a_rule_can_leave_out_a_family(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "six.example", "192.0.2.1 2001:db8::1 2001:db8::2");
  assert_int_equal(candidates(engine, "2001:db8::1", kBoth), 1);
}

void a_later_answer_replaces_the_first(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "www.example", "192.0.2.1 192.0.2.2 192.0.2.3");
  remember(engine, "www.example", "192.0.2.1 192.0.2.4");
  assert_int_equal(candidates(engine, "192.0.2.1", kBoth), 1);
}

void a_policy_may_race_loopback(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "here.example", "127.0.1.1 127.0.1.2");
  assert_int_equal(candidates(engine, "127.0.1.1", kBoth), 1);
}

void a_name_under_no_rule_is_not_remembered(void**) {
  const happy_engine* engine = engine_with(kRaces);
  remember(engine, "www.example.org", "192.0.2.1 192.0.2.2");
  assert_null(refusal(engine, "192.0.2.1"));
}

void no_internet_address_has_no_plan(void**) {
  const happy_engine* engine = engine_with(kRaces);
  sockaddr address{};
  address.sa_family = AF_UNIX;
  const char* why = "untouched";
  assert_null(engine->plan(&address, sizeof address, kBoth, nullptr, &why));
  assert_null(why);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_good_policy_is_silent),
      cmocka_unit_test(another_abi_is_refused),
      cmocka_unit_test(a_bad_policy_is_told_with_its_place),
      cmocka_unit_test(further_errors_are_counted),
      cmocka_unit_test(under_a_bad_policy_names_fail_and_connect_is_libcs),
      cmocka_unit_test(under_an_empty_policy_file_names_fail),
      cmocka_unit_test(an_unreadable_policy_file_is_told_and_names_fail),
      cmocka_unit_test(without_a_policy_names_are_libcs_and_races_run),
      cmocka_unit_test(without_a_policy_loopback_is_not_raced),
      cmocka_unit_test(only_names_of_an_encrypted_rule_are_strict),
      cmocka_unit_test(localhost_is_answered_at_once),
      cmocka_unit_test(a_name_that_is_never_asked_tells_why),
      cmocka_unit_test(a_family_that_the_rule_leaves_out_has_no_data),
      cmocka_unit_test(without_the_tls_object_a_strict_name_is_not_libcs),
      cmocka_unit_test(an_address_of_no_name_has_no_plan_and_no_reason),
      cmocka_unit_test(other_addresses_of_the_name_are_candidates),
      cmocka_unit_test(what_the_socket_cannot_use_is_no_candidate),
      cmocka_unit_test(a_mapped_destination_is_its_ipv4_address),
      cmocka_unit_test(one_address_without_a_timeout_is_libcs),
      cmocka_unit_test(one_address_with_a_timeout_has_a_plan),
      cmocka_unit_test(a_rule_can_disable_races),
      cmocka_unit_test(a_rule_can_leave_out_a_family),
      cmocka_unit_test(a_later_answer_replaces_the_first),
      cmocka_unit_test(a_policy_may_race_loopback),
      cmocka_unit_test(a_name_under_no_rule_is_not_remembered),
      cmocka_unit_test(no_internet_address_has_no_plan),
  };
  return cmocka_run_group_tests_name("PolicyAbi", tests, nullptr, nullptr);
}
