// Set-ups, tear-downs, states and filters. A test's name begins with how it
// ends.
#include "tests/support/cmocka.h"

namespace {

int group_value = 10;
int own_value = 20;
int given_value = 30;
int teardowns = 0;

int number() { return mock_type(int); }

int set_group(void** state) {
  *state = &group_value;
  return 0;
}
int check_group(void** state) {
  assert_ptr_equal(*state, &group_value);
  return 0;
}
int set_own(void** state) {
  *state = &own_value;
  return 0;
}
int see_own(void** state) {
  assert_ptr_equal(*state, &own_value);
  ++teardowns;
  return 0;
}
int count_teardown(void**) {
  ++teardowns;
  return 0;
}
int give_one(void**) { return 1; }
int assert_it(void**) {
  assert_true(0);
  return 0;
}
int skip_it(void**) {
  skip();
  return 0;
}
int leave_value(void**) {
  will_return(number, 1);
  return 0;
}

void passes_with_the_groups_state(void** state) {
  assert_ptr_equal(*state, &group_value);
  *state = nullptr;
}
void passes_with_the_groups_state_again(void** state) {
  assert_ptr_equal(*state, &group_value);
}
void passes_with_own_state(void** state) {
  assert_ptr_equal(*state, &own_value);
}
void passes_torn_down_once(void**) { assert_int_equal(teardowns, 1); }
void fails_but_is_torn_down(void**) { fail(); }
void passes_torn_down_twice(void**) { assert_int_equal(teardowns, 2); }
void skips_but_is_torn_down(void**) { skip(); }
void passes_torn_down_thrice(void**) { assert_int_equal(teardowns, 3); }
void fails_by_setups_return(void**) {}
void fails_by_setups_assertion(void**) {}
void fails_by_setups_leftover(void**) { number(); }
void passes_not_torn_down_without_set_up(void**) {
  assert_int_equal(teardowns, 3);
}
void fails_by_teardowns_return(void**) {}
void fails_by_teardowns_assertion(void**) {}
void fails_by_teardowns_leftover(void**) {}
void fails_by_setups_skip(void**) {}

void passes_with_given_state(void** state) {
  assert_ptr_equal(*state, &given_value);
}
void passes_without_state(void** state) { assert_null(*state); }

}  // namespace

int main() {
  const CMUnitTest fixtures[] = {
      cmocka_unit_test(passes_with_the_groups_state),
      cmocka_unit_test(passes_with_the_groups_state_again),
      cmocka_unit_test_prestate(passes_with_the_groups_state, &given_value),
      cmocka_unit_test_setup_teardown(passes_with_own_state, set_own, see_own),
      cmocka_unit_test(passes_torn_down_once),
      cmocka_unit_test_teardown(fails_but_is_torn_down, count_teardown),
      cmocka_unit_test(passes_torn_down_twice),
      cmocka_unit_test_teardown(skips_but_is_torn_down, count_teardown),
      cmocka_unit_test(passes_torn_down_thrice),
      cmocka_unit_test_setup_teardown(fails_by_setups_return, give_one,
                                      count_teardown),
      cmocka_unit_test_setup_teardown(fails_by_setups_assertion, assert_it,
                                      count_teardown),
      cmocka_unit_test_setup(fails_by_setups_leftover, leave_value),
      cmocka_unit_test(passes_not_torn_down_without_set_up),
      cmocka_unit_test_teardown(fails_by_teardowns_return, give_one),
      cmocka_unit_test_teardown(fails_by_teardowns_assertion, assert_it),
      cmocka_unit_test_teardown(fails_by_teardowns_leftover, leave_value),
  };
  const CMUnitTest states[] = {
      cmocka_unit_test_prestate(passes_with_given_state, &given_value),
      cmocka_unit_test(passes_without_state),
      cmocka_unit_test_prestate_setup_teardown(passes_with_own_state, set_own,
                                               see_own, &given_value),
  };
  const CMUnitTest last[] = {
      cmocka_unit_test_setup(fails_by_setups_skip, skip_it),
  };
  int failed = cmocka_run_group_tests(fixtures, set_group, check_group);
  failed += cmocka_run_group_tests(states, nullptr, nullptr);
  failed += cmocka_run_group_tests_name("last", last, nullptr, nullptr);
  cmocka_set_test_filter("passes_with*_?tate");
  cmocka_set_skip_filter("*own*");
  return failed +
         cmocka_run_group_tests_name("filtered", states, nullptr, nullptr);
}
