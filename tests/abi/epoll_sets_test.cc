// shim/epoll_sets.h with libc's epoll_ctl mocked: which calls the kernel sees
// while the file behind a number is exchanged.
#include "shim/epoll_sets.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shim/real.h"
#include "tests/support/cmocka.h"

namespace {

namespace epoll_sets = happy::shim::epoll_sets;

constexpr int kFd = 5;
constexpr int kSet = 80;  // no such descriptor; only the mock hears of it
constexpr uint64_t kData = 0x1122334455667788;

int mocked_epoll_ctl(int set, int operation, int fd, epoll_event* event) {
  check_expected(set);
  check_expected(operation);
  check_expected(fd);
  // The kernel does not look at the event of a DEL.
  if (operation != EPOLL_CTL_DEL) {
    const uint32_t events = event->events;
    const uint64_t data = event->data.u64;
    check_expected(events);
    check_expected(data);
  }
  errno = mock_type(int);
  return errno == 0 ? 0 : -1;
}

int replace_libc(void**) {
  happy::real::load();
  happy::real::table.epoll_ctl = reinterpret_cast<void*>(mocked_epoll_ctl);
  return 0;
}

int forget_all(void**) {
  epoll_sets::forget(kFd);
  return 0;
}

void expect_change(int set, int operation, int fd, uint32_t events, int error) {
  expect_value(mocked_epoll_ctl, set, set);
  expect_value(mocked_epoll_ctl, operation, operation);
  expect_value(mocked_epoll_ctl, fd, fd);
  expect_value(mocked_epoll_ctl, events, events);
  expect_value(mocked_epoll_ctl, data, kData);
  will_return(mocked_epoll_ctl, error);
}

void expect_removal(int set, int fd, int error) {
  expect_value(mocked_epoll_ctl, set, set);
  expect_value(mocked_epoll_ctl, operation, EPOLL_CTL_DEL);
  expect_value(mocked_epoll_ctl, fd, fd);
  will_return(mocked_epoll_ctl, error);
}

int host_calls(int set, int operation, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = kData;
  return epoll_sets::control(set, operation, fd, &event);
}

void host_adds(int set, uint32_t events) {
  expect_change(set, EPOLL_CTL_ADD, kFd, events, 0);
  assert_int_equal(host_calls(set, EPOLL_CTL_ADD, kFd, events), 0);
}

void detached_and_attached_with_the_same_events_and_data(void**) {
  host_adds(kSet, EPOLLIN | EPOLLET);
  expect_removal(kSet, kFd, 0);
  epoll_sets::detach(kFd);
  expect_change(kSet, EPOLL_CTL_ADD, kFd, EPOLLIN | EPOLLET, 0);
  epoll_sets::attach(kFd);
}

void every_set_is_left_before_any_is_joined_again(void**) {
  host_adds(kSet, EPOLLIN);
  host_adds(kSet + 1, EPOLLOUT);
  // The latest registration is the first in the list.
  expect_removal(kSet + 1, kFd, 0);
  expect_removal(kSet, kFd, 0);
  epoll_sets::detach(kFd);
  expect_change(kSet + 1, EPOLL_CTL_ADD, kFd, EPOLLOUT, 0);
  expect_change(kSet, EPOLL_CTL_ADD, kFd, EPOLLIN, 0);
  epoll_sets::attach(kFd);
}

void the_latest_modification_counts(void**) {
  host_adds(kSet, EPOLLIN);
  expect_change(kSet, EPOLL_CTL_MOD, kFd, EPOLLOUT, 0);
  assert_int_equal(host_calls(kSet, EPOLL_CTL_MOD, kFd, EPOLLOUT), 0);
  expect_removal(kSet, kFd, 0);
  epoll_sets::detach(kFd);
  expect_change(kSet, EPOLL_CTL_ADD, kFd, EPOLLOUT, 0);
  epoll_sets::attach(kFd);
}

void a_refused_addition_is_not_recorded(void**) {
  expect_change(kSet, EPOLL_CTL_ADD, kFd, EPOLLIN, EPERM);
  assert_int_equal(host_calls(kSet, EPOLL_CTL_ADD, kFd, EPOLLIN), -1);
  assert_int_equal(errno, EPERM);
  epoll_sets::detach(kFd);
  epoll_sets::attach(kFd);
}

void a_refused_modification_changes_no_record(void**) {
  host_adds(kSet, EPOLLIN);
  expect_change(kSet, EPOLL_CTL_MOD, kFd, EPOLLOUT, EINVAL);
  assert_int_equal(host_calls(kSet, EPOLL_CTL_MOD, kFd, EPOLLOUT), -1);
  assert_int_equal(errno, EINVAL);
  expect_removal(kSet, kFd, 0);
  epoll_sets::detach(kFd);
  expect_change(kSet, EPOLL_CTL_ADD, kFd, EPOLLIN, 0);
  epoll_sets::attach(kFd);
}

void a_removed_registration_stays_removed(void**) {
  host_adds(kSet, EPOLLIN);
  expect_removal(kSet, kFd, 0);
  assert_int_equal(epoll_sets::control(kSet, EPOLL_CTL_DEL, kFd, nullptr), 0);
  epoll_sets::detach(kFd);
  epoll_sets::attach(kFd);
}

void one_of_two_sets_can_be_left(void**) {
  host_adds(kSet, EPOLLIN);
  host_adds(kSet + 1, EPOLLIN);
  expect_removal(kSet, kFd, 0);
  assert_int_equal(epoll_sets::control(kSet, EPOLL_CTL_DEL, kFd, nullptr), 0);
  expect_removal(kSet + 1, kFd, 0);
  epoll_sets::detach(kFd);
}

void a_set_that_is_gone_is_forgotten(void**) {
  const int errors[] = {ENOENT, EBADF, EINVAL};
  for (const int error : errors) {
    host_adds(kSet, EPOLLIN);
    expect_removal(kSet, kFd, error);
    epoll_sets::detach(kFd);
    epoll_sets::attach(kFd);
  }
}

void a_registration_already_there_is_modified(void**) {
  host_adds(kSet, EPOLLIN);
  expect_removal(kSet, kFd, 0);
  epoll_sets::detach(kFd);
  expect_change(kSet, EPOLL_CTL_ADD, kFd, EPOLLIN, EEXIST);
  expect_change(kSet, EPOLL_CTL_MOD, kFd, EPOLLIN, 0);
  epoll_sets::attach(kFd);
}

void another_failure_to_attach_is_left_alone(void**) {
  host_adds(kSet, EPOLLIN);
  expect_removal(kSet, kFd, 0);
  epoll_sets::detach(kFd);
  expect_change(kSet, EPOLL_CTL_ADD, kFd, EPOLLIN, ENOSPC);
  epoll_sets::attach(kFd);
}

void a_closed_number_has_no_registrations(void**) {
  host_adds(kSet, EPOLLIN);
  host_adds(kSet + 1, EPOLLIN);
  epoll_sets::forget(kFd);
  epoll_sets::detach(kFd);
  epoll_sets::attach(kFd);
}

void numbers_never_registered_cost_no_call(void**) {
  epoll_sets::forget(4711);
  epoll_sets::detach(4711);
  epoll_sets::attach(-1);
}

// A set of the kernel's with a one-shot registration: only its fdinfo says
// whether it has fired.
struct OneShot {
  int set = epoll_create1(EPOLL_CLOEXEC);
  int fd = eventfd(0, EFD_CLOEXEC);
};
constexpr uint32_t kOneShot = EPOLLIN | EPOLLONESHOT;

int open_one_shot(void** state) {
  static OneShot one_shot;
  one_shot = OneShot{};
  epoll_event event{};
  event.events = kOneShot;
  *state = &one_shot;
  return epoll_ctl(one_shot.set, EPOLL_CTL_ADD, one_shot.fd, &event);
}

int close_one_shot(void** state) {
  const auto* one_shot = static_cast<OneShot*>(*state);
  epoll_sets::forget(one_shot->fd);
  close(one_shot->set);
  close(one_shot->fd);
  return 0;
}

const OneShot& registered(void** state) {
  const auto& it = *static_cast<const OneShot*>(*state);
  expect_change(it.set, EPOLL_CTL_ADD, it.fd, kOneShot, 0);
  assert_int_equal(host_calls(it.set, EPOLL_CTL_ADD, it.fd, kOneShot), 0);
  return it;
}

const OneShot& fired_and_exchanged(void** state) {
  const OneShot& it = registered(state);
  epoll_event event{};
  assert_int_equal(eventfd_write(it.fd, 1), 0);
  assert_int_equal(epoll_wait(it.set, &event, 1, 0), 1);
  expect_removal(it.set, it.fd, 0);
  epoll_sets::detach(it.fd);
  epoll_sets::attach(it.fd);  // without a call: it stays fired
  return it;
}

void a_one_shot_that_waits_is_attached_again(void** state) {
  const OneShot& it = registered(state);
  expect_removal(it.set, it.fd, 0);
  epoll_sets::detach(it.fd);
  expect_change(it.set, EPOLL_CTL_ADD, it.fd, kOneShot, 0);
  epoll_sets::attach(it.fd);
}

void a_one_shot_that_has_fired_stays_fired(void** state) {
  const OneShot& it = fired_and_exchanged(state);
  epoll_sets::detach(it.fd);  // another exchange changes nothing
  epoll_sets::attach(it.fd);
}

void modifying_a_fired_one_shot_adds_it(void** state) {
  const OneShot& it = fired_and_exchanged(state);
  expect_change(it.set, EPOLL_CTL_ADD, it.fd, EPOLLOUT, 0);
  assert_int_equal(host_calls(it.set, EPOLL_CTL_MOD, it.fd, EPOLLOUT), 0);
  expect_removal(it.set, it.fd, 0);
  epoll_sets::detach(it.fd);
  expect_change(it.set, EPOLL_CTL_ADD, it.fd, EPOLLOUT, 0);
  epoll_sets::attach(it.fd);
}

void removing_a_fired_one_shot_succeeds_without_a_call(void** state) {
  const OneShot& it = fired_and_exchanged(state);
  assert_int_equal(epoll_sets::control(it.set, EPOLL_CTL_DEL, it.fd, nullptr),
                   0);
  expect_removal(it.set, it.fd, ENOENT);  // the second one is the kernel's
  assert_int_equal(epoll_sets::control(it.set, EPOLL_CTL_DEL, it.fd, nullptr),
                   -1);
  assert_int_equal(errno, ENOENT);
}

#define TEST_OF(f) cmocka_unit_test_teardown(f, forget_all)
#define ONE_SHOT(f) \
  cmocka_unit_test_setup_teardown(f, open_one_shot, close_one_shot)

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      TEST_OF(detached_and_attached_with_the_same_events_and_data),
      TEST_OF(every_set_is_left_before_any_is_joined_again),
      TEST_OF(the_latest_modification_counts),
      TEST_OF(a_refused_addition_is_not_recorded),
      TEST_OF(a_refused_modification_changes_no_record),
      TEST_OF(a_removed_registration_stays_removed),
      TEST_OF(one_of_two_sets_can_be_left),
      TEST_OF(a_set_that_is_gone_is_forgotten),
      TEST_OF(a_registration_already_there_is_modified),
      TEST_OF(another_failure_to_attach_is_left_alone),
      TEST_OF(a_closed_number_has_no_registrations),
      TEST_OF(numbers_never_registered_cost_no_call),
      ONE_SHOT(a_one_shot_that_waits_is_attached_again),
      ONE_SHOT(a_one_shot_that_has_fired_stays_fired),
      ONE_SHOT(modifying_a_fired_one_shot_adds_it),
      ONE_SHOT(removing_a_fired_one_shot_succeeds_without_a_call),
  };
  return cmocka_run_group_tests_name("EpollSets", tests, replace_libc, nullptr);
}
