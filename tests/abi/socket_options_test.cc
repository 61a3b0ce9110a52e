// shim/socket_options.h with libc's getsockopt, setsockopt, getsockname and
// fcntl mocked: what is read from the caller's socket and given to the others.
#include "shim/socket_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "shim/real.h"
#include "tests/support/cmocka.h"

namespace {

namespace options = happy::shim::socket_options;
namespace real = happy::real;

constexpr int kFd = 7;        // the caller's socket
constexpr int kAttempt = 19;  // another attempt
constexpr int kEvery = -1;

// The option that is not as a fresh socket has it; kEvery: all of them.
int odd_level = 0;
int odd_name = 0;
sockaddr_storage local_address;

// What another attempt answers.
int attempts_value = 0;

bool is_odd(int level, int name) {
  const bool asked_alone =
      level == SOL_SOCKET && (name == SO_GET_FILTER || name == SO_NETNS_COOKIE);
  if (odd_name == kEvery) return !asked_alone;
  return level == odd_level && name == odd_name;
}

// Fresh sockets have 0 everywhere. For the odd option: result, then its value
// or errno.
int mocked_getsockopt(int fd, int level, int name, void* value,
                      socklen_t* length) {
  const bool filter = level == SOL_SOCKET && name == SO_GET_FILTER;
  int content = fd == kAttempt ? attempts_value : 0;
  if (fd == kFd && is_odd(level, name)) {
    const int result = mock_type(int);
    content = mock_type(int);
    if (result != 0) {
      errno = content;
      return result;
    }
  }
  *length = filter ? static_cast<socklen_t>(content) : sizeof content;
  if (value != nullptr) memcpy(value, &content, sizeof content);
  return 0;
}

int mocked_setsockopt(int fd, int level, int name, const void* value,
                      socklen_t length) {
  int content = 0;
  assert_int_equal(length, sizeof content);
  memcpy(&content, value, sizeof content);
  check_expected(fd);
  check_expected(level);
  check_expected(name);
  check_expected(content);
  errno = mock_type(int);
  return errno == 0 ? 0 : -1;
}

int mocked_getsockname(int, sockaddr* address, socklen_t* length) {
  memcpy(address, &local_address, sizeof local_address);
  *length = sizeof(sockaddr_in);
  return mock_type(int);
}

int mocked_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const intptr_t argument = va_arg(arguments, intptr_t);
  va_end(arguments);
  check_expected(fd);
  check_expected(command);
  if (command == F_SETFL || command == F_SETSIG) {
    check_expected(static_cast<int>(argument));
  }
  return mock_type(int);
}

int fresh_getsockopt(int, int, int, void* value, socklen_t* length) {
  *length = value != nullptr ? sizeof(int) : 0;
  if (value != nullptr) memset(value, 0, sizeof(int));
  return 0;
}
// NOLINTNEXTLINE(readability-non-const-parameter): as libc's
int fresh_getsockname(int, sockaddr* address, socklen_t* length) {
  memset(address, 0, *length);
  return 0;
}

template <typename Function>
void* entry(Function* function) {
  return reinterpret_cast<void*>(function);
}

// The defaults of fresh sockets are read once per process and family.
int replace_libc(void**) {
  real::load();
  real::table.getsockopt = entry(fresh_getsockopt);
  real::table.getsockname = entry(fresh_getsockname);
  options::Snapshot unused;
  assert_null(options::take(kFd, AF_INET, IPPROTO_TCP, &unused));
  assert_null(options::take(kFd, AF_INET6, IPPROTO_TCP, &unused));
  real::table.getsockopt = entry(mocked_getsockopt);
  real::table.setsockopt = entry(mocked_setsockopt);
  real::table.getsockname = entry(mocked_getsockname);
  real::table.fcntl = entry(mocked_fcntl);
  return 0;
}

int fresh_socket(void**) {
  odd_level = odd_name = 0;
  attempts_value = 0x7fffffff;
  memset(&local_address, 0, sizeof local_address);
  return 0;
}

void expect_setsockopt(int level, int name, int value, int error) {
  expect_value(mocked_setsockopt, fd, kAttempt);
  expect_value(mocked_setsockopt, level, level);
  expect_value(mocked_setsockopt, name, name);
  expect_value(mocked_setsockopt, content, value);
  will_return(mocked_setsockopt, error);
}

// A buffer's size is followed by whether the kernel tunes it: here it does.
void expect_lock() { expect_setsockopt(SOL_SOCKET, SO_BUF_LOCK, 0, 0); }

// What the next take() finds.
void caller_has(int level, int name, int value) {
  odd_level = level;
  odd_name = name;
  will_return(mocked_getsockopt, 0);
  will_return(mocked_getsockopt, value);
}

options::Snapshot taken(int family) {
  options::Snapshot out;
  will_return(mocked_getsockname, 0);
  assert_null(options::take(kFd, family, IPPROTO_TCP, &out));
  out.owner = options::Snapshot::kNone;  // the descriptors are none
  return out;
}

options::Snapshot taken_with(int family, int level, int name, int value) {
  caller_has(level, name, value);
  return taken(family);
}

bool take_fails() {
  options::Snapshot out;
  return options::take(kFd, AF_INET, IPPROTO_TCP, &out) != nullptr;
}

void a_fresh_socket_gives_nothing(void**) {
  const auto snapshot = taken(AF_INET6);
  assert_int_equal(snapshot.count, 0);
  assert_false(snapshot.bound);
  assert_true(options::give(snapshot, kAttempt, snapshot.speaks_ipv4));
}

void the_receive_buffer_is_given_halved(void**) {
  const auto snapshot = taken_with(AF_INET, SOL_SOCKET, SO_RCVBUF, 425984);
  expect_setsockopt(SOL_SOCKET, SO_RCVBUF, 212992, 0);
  expect_lock();
  assert_true(options::give(snapshot, kAttempt, snapshot.speaks_ipv4));
}

void the_send_buffer_is_given_halved(void**) {
  const auto snapshot = taken_with(AF_INET6, SOL_SOCKET, SO_SNDBUF, 4608);
  expect_setsockopt(SOL_SOCKET, SO_SNDBUF, 2304, 0);
  expect_lock();
  assert_true(options::give(snapshot, kAttempt, snapshot.speaks_ipv4));
}

void a_buffer_beyond_the_limit_is_forced(void**) {
  const auto snapshot = taken_with(AF_INET, SOL_SOCKET, SO_RCVBUF, 900000);
  attempts_value = 425984;  // the limit, doubled
  expect_setsockopt(SOL_SOCKET, SO_RCVBUF, 450000, 0);
  expect_setsockopt(SOL_SOCKET, SO_RCVBUFFORCE, 450000, 0);
  expect_lock();
  assert_true(options::give(snapshot, kAttempt, snapshot.speaks_ipv4));
}

void a_rare_option_is_asked_for_once_the_process_has_set_one(void**) {
  odd_level = IPPROTO_TCP;
  odd_name = TCP_INQ;
  assert_int_equal(taken(AF_INET).count, 0);
  options::mark_set(IPPROTO_TCP, TCP_INQ);
  const auto snapshot = taken_with(AF_INET, IPPROTO_TCP, TCP_INQ, 1);
  assert_int_equal(snapshot.count, 1);
}

void a_copied_option_may_fail(void**) {
  const auto snapshot = taken_with(AF_INET, IPPROTO_TCP, TCP_NODELAY, 1);
  expect_setsockopt(IPPROTO_TCP, TCP_NODELAY, 1, ENOPROTOOPT);
  assert_true(options::give(snapshot, kAttempt, snapshot.speaks_ipv4));
}

struct Named {
  int level;
  int name;
};

void without_an_option_that_steers_there_is_no_attempt(void**) {
  constexpr Named kSteering[] = {
      {SOL_SOCKET, SO_MARK},         {SOL_SOCKET, SO_BINDTOIFINDEX},
      {SOL_SOCKET, SO_DONTROUTE},    {IPPROTO_IP, IP_TRANSPARENT},
      {IPPROTO_IP, IP_FREEBIND},     {IPPROTO_IP, IP_OPTIONS},
      {IPPROTO_IPV6, IPV6_V6ONLY},   {IPPROTO_IPV6, IPV6_UNICAST_IF},
      {IPPROTO_IPV6, IPV6_FREEBIND}, {IPPROTO_IPV6, IPV6_TRANSPARENT}};
  for (const Named& option : kSteering) {
    options::mark_set(option.level, option.name);
    const auto snapshot = taken_with(AF_INET6, option.level, option.name, 5);
    expect_setsockopt(option.level, option.name, 5, EPERM);
    assert_false(options::give(snapshot, kAttempt, snapshot.speaks_ipv4));
    assert_int_equal(errno, EPERM);
  }
}

void ipv6_options_are_not_read_on_ipv4_sockets(void**) {
  odd_level = IPPROTO_IPV6;
  odd_name = IPV6_TCLASS;
  assert_int_equal(taken(AF_INET).count, 0);
}

void a_mapped_attempt_gets_the_ipv4_twin_too(void**) {
  const auto snapshot = taken_with(AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, 0x28);
  expect_setsockopt(IPPROTO_IPV6, IPV6_TCLASS, 0x28, 0);
  expect_setsockopt(IPPROTO_IP, IP_TOS, 0x28, 0);
  assert_true(options::give(snapshot, kAttempt, true));
}

void a_native_attempt_gets_the_ipv6_form_alone(void**) {
  const auto snapshot =
      taken_with(AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
  expect_setsockopt(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9, 0);
  assert_true(options::give(snapshot, kAttempt, snapshot.speaks_ipv4));
}

void an_option_unknown_to_the_kernel_is_left_out(void**) {
  odd_level = SOL_SOCKET;
  odd_name = SO_PRIORITY;
  will_return(mocked_getsockopt, -1);
  will_return(mocked_getsockopt, ENOPROTOOPT);
  assert_int_equal(taken(AF_INET).count, 0);
}

void a_filter_forbids_a_race(void**) {
  caller_has(SOL_SOCKET, SO_GET_FILTER, 3);
  assert_true(take_fails());
}

void a_filter_that_cannot_be_read_forbids_a_race(void**) {
  odd_level = SOL_SOCKET;
  odd_name = SO_GET_FILTER;
  will_return(mocked_getsockopt, -1);
  will_return(mocked_getsockopt, EACCES);
  assert_true(take_fails());
}

void too_many_changes_forbid_a_race(void**) {
  odd_name = kEvery;
  for (int i = 0; i <= options::kMaxChanged; ++i) {
    will_return(mocked_getsockopt, 0);
    will_return(mocked_getsockopt, 1);
  }
  assert_true(take_fails());
}

void a_socket_without_a_name_forbids_a_race(void**) {
  will_return(mocked_getsockname, -1);
  assert_true(take_fails());
}

void a_bound_address_is_given(void**) {
  auto* local = reinterpret_cast<sockaddr_in*>(&local_address);
  local->sin_family = AF_INET;
  local->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto snapshot = taken(AF_INET);
  assert_true(snapshot.bound);

  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in got{};
  socklen_t length = sizeof got;
  const bool given = options::give(snapshot, fd, snapshot.speaks_ipv4);
  const int named = getsockname(fd, reinterpret_cast<sockaddr*>(&got), &length);
  close(fd);
  assert_true(given);
  assert_int_equal(named, 0);
  assert_int_equal(ntohl(got.sin_addr.s_addr), INADDR_LOOPBACK);
}

bool noted(int level, int name, int value, options::Snapshot* snapshot) {
  return options::note_change(level, name, &value, sizeof value, snapshot);
}

void what_changes_during_the_race_is_given_to_the_winner(void**) {
  auto snapshot = taken_with(AF_INET, IPPROTO_TCP, TCP_NODELAY, 1);
  assert_true(noted(SOL_SOCKET, SO_KEEPALIVE, 1, &snapshot));
  assert_int_equal(snapshot.count, 2);
  expect_setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1, 0);
  options::give_changed(snapshot, kAttempt);
}

void a_second_change_replaces_the_first(void**) {
  auto snapshot = taken_with(AF_INET, SOL_SOCKET, SO_RCVBUF, 8192);
  assert_int_equal(snapshot.count, 2);
  assert_true(noted(SOL_SOCKET, SO_RCVBUF, 8192, &snapshot));
  assert_int_equal(snapshot.count, 2);
  expect_setsockopt(SOL_SOCKET, SO_RCVBUF, 8192, 0);
  options::give_changed(snapshot, kAttempt);
}

void a_change_that_has_no_room_is_told(void**) {
  options::Snapshot snapshot;
  snapshot.count = options::kMaxChanged;
  assert_false(noted(IPPROTO_TCP, TCP_NODELAY, 1, &snapshot));
}

void a_value_longer_than_any_is_cut(void**) {
  const uint8_t much[100] = {1};
  options::Snapshot snapshot;
  assert_true(options::note_change(IPPROTO_TCP, TCP_NODELAY, much, sizeof much,
                                   &snapshot));
  assert_int_equal(snapshot.changed[0].length, options::kMaxValue);
}

void expect_fcntl(int fd, int command, int result) {
  expect_value(mocked_fcntl, fd, fd);
  expect_value(mocked_fcntl, command, command);
  will_return(mocked_fcntl, result);
}

#define expect_fcntl_argument(value) \
  expect_value(mocked_fcntl, static_cast<int>(argument), value)

// SIGURG goes to the owner whether or not the file is asynchronous.
void expect_owner_and_signal(int signal) {
  expect_fcntl(kFd, F_GETOWN_EX, 0);
  expect_fcntl(kAttempt, F_SETOWN_EX, 0);
  expect_fcntl(kFd, F_GETSIG, signal);
  expect_fcntl(kAttempt, F_SETSIG, 0);
  expect_fcntl_argument(signal);
}

void the_file_status_is_copied(void**) {
  expect_fcntl(kFd, F_GETFL, O_RDWR | O_NONBLOCK);
  expect_owner_and_signal(0);
  expect_fcntl(kAttempt, F_SETFL, 0);
  expect_fcntl_argument(O_RDWR | O_NONBLOCK);
  options::copy_file_status(kFd, kAttempt);
}

void an_asynchronous_file_keeps_owner_and_signal(void**) {
  expect_fcntl(kFd, F_GETFL, O_RDWR | O_ASYNC);
  expect_owner_and_signal(34);
  expect_fcntl(kAttempt, F_SETFL, 0);
  expect_fcntl_argument(O_RDWR | O_ASYNC);
  options::copy_file_status(kFd, kAttempt);
}

void a_closed_descriptor_has_no_status_to_copy(void**) {
  expect_fcntl(kFd, F_GETFL, -1);
  options::copy_file_status(kFd, kAttempt);
}

#define TEST_OF(f) cmocka_unit_test_setup(f, fresh_socket)

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      TEST_OF(a_fresh_socket_gives_nothing),
      TEST_OF(the_receive_buffer_is_given_halved),
      TEST_OF(the_send_buffer_is_given_halved),
      TEST_OF(a_buffer_beyond_the_limit_is_forced),
      TEST_OF(a_rare_option_is_asked_for_once_the_process_has_set_one),
      TEST_OF(a_copied_option_may_fail),
      TEST_OF(without_an_option_that_steers_there_is_no_attempt),
      TEST_OF(ipv6_options_are_not_read_on_ipv4_sockets),
      TEST_OF(a_mapped_attempt_gets_the_ipv4_twin_too),
      TEST_OF(a_native_attempt_gets_the_ipv6_form_alone),
      TEST_OF(an_option_unknown_to_the_kernel_is_left_out),
      TEST_OF(a_filter_forbids_a_race),
      TEST_OF(a_filter_that_cannot_be_read_forbids_a_race),
      TEST_OF(too_many_changes_forbid_a_race),
      TEST_OF(a_socket_without_a_name_forbids_a_race),
      TEST_OF(a_bound_address_is_given),
      TEST_OF(what_changes_during_the_race_is_given_to_the_winner),
      TEST_OF(a_second_change_replaces_the_first),
      TEST_OF(a_change_that_has_no_room_is_told),
      TEST_OF(a_value_longer_than_any_is_cut),
      TEST_OF(the_file_status_is_copied),
      TEST_OF(an_asynchronous_file_keeps_owner_and_signal),
      TEST_OF(a_closed_descriptor_has_no_status_to_copy),
  };
  return cmocka_run_group_tests_name("SocketOptions", tests, replace_libc,
                                     nullptr);
}
