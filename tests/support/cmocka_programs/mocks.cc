// What mocks return, are given, and in which order they are called. A test's
// name begins with how it ends.
#include <string.h>

#include "tests/support/cmocka.h"

namespace {

const LargestIntegralType kSet[] = {1, 5, 9};

int number() { return mock_type(int); }
const char* text() { return mock_ptr_type(const char*); }
void take(int value) { check_expected(value); }
void take_two(int first, const char* second) {
  check_expected(first);
  check_expected_ptr(second);
}
void take_ptr(const void* pointer) { check_expected_ptr(pointer); }
void first() { function_called(); }
void second() { function_called(); }
void third() { function_called(); }
int is_even(const LargestIntegralType value, const LargestIntegralType) {
  return value % 2 == 0;
}
int is_multiple(const LargestIntegralType value, const LargestIntegralType of) {
  return value % of == 0;
}

void passes_returns_in_order(void**) {
  will_return(number, 1);
  will_return(number, -2);
  will_return(text, "three");
  assert_int_equal(number(), 1);
  assert_string_equal(text(), "three");
  assert_int_equal(number(), -2);
}
void passes_counted_returns(void**) {
  will_return_count(number, 4, 2);
  will_return(number, 5);
  assert_int_equal(number() + number() + number(), 13);
}
void passes_always(void**) {
  will_return_always(number, 6);
  for (int i = 0; i < 5; ++i) assert_int_equal(number(), 6);
}
void passes_maybe_unused(void**) { will_return_maybe(number, 1); }
void passes_maybe_used(void**) {
  will_return_maybe(number, 1);
  assert_int_equal(number() + number(), 2);
}
void passes_limited_then_always(void**) {
  will_return(number, 1);
  will_return_always(number, 2);
  assert_int_equal(number() + number() + number(), 5);
}
void fails_mock_without_value(void**) { number(); }
void fails_mock_once_too_often(void**) {
  will_return(number, 1);
  number();
  number();
}
void fails_value_left(void**) { will_return(number, 1); }
void fails_one_of_two_left(void**) {
  will_return_count(number, 1, 2);
  number();
}
void fails_always_unused(void**) { will_return_always(number, 1); }
void fails_behind_an_always(void**) {
  will_return_always(number, 1);
  will_return(number, 2);
  number();
  number();
}
void fails_behind_a_maybe(void**) {
  will_return_maybe(number, 1);
  will_return(number, 2);
  number();
}
void fails_two_always(void**) {
  will_return_always(number, 1);
  will_return_always(number, 2);
  number();
}
void fails_count_of_zero(void**) { will_return_count(number, 1, 0); }
void passes_without_values_of_others(void**) { assert_true(1); }

void passes_expected_values(void**) {
  expect_value(take, value, 3);
  expect_not_value(take, value, 3);
  expect_value_count(take, value, -7, 2);
  expect_any(take, value);
  take(3);
  take(4);
  take(-7);
  take(-7);
  take(99);
}
void fails_value(void**) {
  expect_value(take, value, 3);
  take(4);
}
void fails_not_value(void**) {
  expect_not_value(take, value, 3);
  take(3);
}
void fails_not_value_count(void**) {
  expect_not_value_count(take, value, 3, 2);
  take(4);
  take(3);
}
void fails_parameter_unexpected(void**) { take(1); }
void fails_expectation_left(void**) { expect_value(take, value, 3); }
void fails_any_left(void**) {
  expect_any_count(take, value, 2);
  take(1);
}
void passes_any_always(void**) {
  expect_any_always(take, value);
  for (int i = 0; i < 3; ++i) take(i);
}
void fails_any_always_unused(void**) { expect_any_always(take, value); }
void fails_value_always_then_wrong(void**) {
  expect_value_count(take, value, 1, -1);
  take(1);
  take(1);
  take(2);
}
void passes_value_maybe(void**) { expect_value_count(take, value, 1, -2); }
void passes_two_parameters(void**) {
  expect_value(take_two, first, 1);
  expect_string(take_two, second, "b");
  take_two(1, "b");
}
void fails_second_parameter(void**) {
  expect_value(take_two, first, 1);
  expect_string(take_two, second, "b");
  take_two(1, "c");
}
void fails_second_parameter_left(void**) {
  expect_value(take, value, 1);
  expect_string(take_two, second, "b");
  take(1);
}

void passes_strings_and_memory(void**) {
  expect_string(take_ptr, pointer, "abc");
  expect_string_count(take_ptr, pointer, "abd", 1);
  expect_not_string(take_ptr, pointer, "abc");
  expect_memory(take_ptr, pointer, "a\0c", 3);
  expect_not_memory(take_ptr, pointer, "a\0c", 3);
  take_ptr("abc");
  take_ptr("abd");
  take_ptr("abd");
  take_ptr("a\0c");
  take_ptr("a\0d");
}
void passes_memory_is_copied(void**) {
  char expected[] = "abc";
  expect_memory(take_ptr, pointer, expected, 3);
  expected[0] = 'x';
  take_ptr("abc");
}
void passes_strings_are_not_copied(void**) {
  char expected[] = "abc";
  expect_string(take_ptr, pointer, expected);
  expected[0] = 'x';
  take_ptr("xbc");
}
void fails_string(void**) {
  expect_string(take_ptr, pointer, "abc");
  take_ptr("abd");
}
void fails_not_string(void**) {
  expect_not_string(take_ptr, pointer, "abc");
  take_ptr("abc");
}
void fails_memory(void**) {
  expect_memory(take_ptr, pointer, "a\0c", 3);
  take_ptr("a\0d");
}
void fails_not_memory(void**) {
  expect_not_memory(take_ptr, pointer, "a\0c", 2);
  take_ptr("a\0d");
}
void passes_ranges_and_sets(void**) {
  expect_in_range(take, value, 1, 3);
  expect_not_in_range(take, value, 1, 3);
  expect_in_set(take, value, kSet);
  expect_not_in_set(take, value, kSet);
  expect_in_set_count(take, value, kSet, 2);
  take(3);
  take(4);
  take(5);
  take(6);
  take(1);
  take(9);
}
void fails_in_range(void**) {
  expect_in_range(take, value, 1, 3);
  take(4);
}
void fails_not_in_range(void**) {
  expect_not_in_range(take, value, 1, 3);
  take(1);
}
void fails_in_set(void**) {
  expect_in_set(take, value, kSet);
  take(2);
}
void fails_not_in_set(void**) {
  expect_not_in_set(take, value, kSet);
  take(9);
}
void passes_checks(void**) {
  expect_check(take, value, is_even, 0);
  expect_check(take, value, is_multiple, 7);
  take(2);
  take(21);
}
void fails_check(void**) {
  expect_check(take, value, is_even, 0);
  take(3);
}
void fails_check_by_its_data(void**) {
  expect_check(take, value, is_multiple, 7);
  take(22);
}

void passes_calls_in_order(void**) {
  expect_function_call(first);
  expect_function_calls(second, 2);
  expect_function_call(first);
  first();
  second();
  second();
  first();
}
void fails_calls_out_of_order(void**) {
  expect_function_call(first);
  expect_function_call(second);
  second();
  first();
}
void fails_call_missing(void**) {
  expect_function_calls(first, 2);
  first();
}
void fails_call_too_many(void**) {
  expect_function_call(first);
  first();
  first();
}
void fails_call_unexpected(void**) { first(); }
void passes_ignored_calls(void**) {
  ignore_function_calls(third);
  expect_function_call(first);
  third();
  first();
  third();
}
void passes_ignored_calls_absent(void**) { ignore_function_calls(third); }
void fails_ignored_calls_declared_later(void**) {
  expect_function_call(first);
  ignore_function_calls(third);
  third();
  first();
}
void passes_any_number_of_calls(void**) {
  expect_function_call_any(first);
  expect_function_call(second);
  first();
  first();
  second();
}
void fails_any_number_but_none(void**) {
  expect_function_call_any(first);
  expect_function_call(second);
  second();
}
void fails_any_number_left(void**) { expect_function_call_any(first); }

}  // namespace

int main() {
  const CMUnitTest returns[] = {
      cmocka_unit_test(passes_returns_in_order),
      cmocka_unit_test(passes_counted_returns),
      cmocka_unit_test(passes_always),
      cmocka_unit_test(passes_maybe_unused),
      cmocka_unit_test(passes_maybe_used),
      cmocka_unit_test(passes_limited_then_always),
      cmocka_unit_test(fails_mock_without_value),
      cmocka_unit_test(fails_mock_once_too_often),
      cmocka_unit_test(fails_value_left),
      cmocka_unit_test(fails_one_of_two_left),
      cmocka_unit_test(fails_always_unused),
      cmocka_unit_test(fails_behind_an_always),
      cmocka_unit_test(fails_behind_a_maybe),
      cmocka_unit_test(fails_two_always),
      cmocka_unit_test(fails_count_of_zero),
      cmocka_unit_test(passes_without_values_of_others),
  };
  const CMUnitTest parameters[] = {
      cmocka_unit_test(passes_expected_values),
      cmocka_unit_test(fails_value),
      cmocka_unit_test(fails_not_value),
      cmocka_unit_test(fails_not_value_count),
      cmocka_unit_test(fails_parameter_unexpected),
      cmocka_unit_test(fails_expectation_left),
      cmocka_unit_test(fails_any_left),
      cmocka_unit_test(passes_any_always),
      cmocka_unit_test(fails_any_always_unused),
      cmocka_unit_test(fails_value_always_then_wrong),
      cmocka_unit_test(passes_value_maybe),
      cmocka_unit_test(passes_two_parameters),
      cmocka_unit_test(fails_second_parameter),
      cmocka_unit_test(fails_second_parameter_left),
      cmocka_unit_test(passes_strings_and_memory),
      cmocka_unit_test(passes_memory_is_copied),
      cmocka_unit_test(passes_strings_are_not_copied),
      cmocka_unit_test(fails_string),
      cmocka_unit_test(fails_not_string),
      cmocka_unit_test(fails_memory),
      cmocka_unit_test(fails_not_memory),
      cmocka_unit_test(passes_ranges_and_sets),
      cmocka_unit_test(fails_in_range),
      cmocka_unit_test(fails_not_in_range),
      cmocka_unit_test(fails_in_set),
      cmocka_unit_test(fails_not_in_set),
      cmocka_unit_test(passes_checks),
      cmocka_unit_test(fails_check),
      cmocka_unit_test(fails_check_by_its_data),
  };
  const CMUnitTest order[] = {
      cmocka_unit_test(passes_calls_in_order),
      cmocka_unit_test(fails_calls_out_of_order),
      cmocka_unit_test(fails_call_missing),
      cmocka_unit_test(fails_call_too_many),
      cmocka_unit_test(fails_call_unexpected),
      cmocka_unit_test(passes_ignored_calls),
      cmocka_unit_test(passes_ignored_calls_absent),
      cmocka_unit_test(fails_ignored_calls_declared_later),
      cmocka_unit_test(passes_any_number_of_calls),
      cmocka_unit_test(fails_any_number_but_none),
      cmocka_unit_test(fails_any_number_left),
  };
  int failed = cmocka_run_group_tests(returns, nullptr, nullptr);
  failed += cmocka_run_group_tests(parameters, nullptr, nullptr);
  return failed + cmocka_run_group_tests(order, nullptr, nullptr);
}
