// Every assertion, holding and failing. A test's name begins with how it ends.
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tests/support/cmocka.h"

namespace {

const LargestIntegralType kSet[] = {1, 5, 9};
enum class Scoped { kOne = 1 };

void passes_truths(void**) {
  int x = 0;
  assert_true(1);
  assert_true(-1);
  assert_false(0);
  assert_non_null(&x);
  assert_null(nullptr);
  assert_ptr_equal(&x, &x);
  assert_ptr_not_equal(&x, nullptr);
}
void fails_true(void**) { assert_true(0); }
void fails_true_of_a_fraction(void**) { assert_true(0.5); }
void fails_false(void**) { assert_false(2); }
void fails_non_null(void**) { assert_non_null(nullptr); }
void fails_null(void**) { assert_null("x"); }
void fails_ptr_equal(void**) { assert_ptr_equal("x", nullptr); }
void fails_ptr_not_equal(void**) { assert_ptr_not_equal(nullptr, nullptr); }

void passes_ints(void**) {
  assert_int_equal(-1, -1L);
  assert_int_equal(Scoped::kOne, 1);
  assert_int_not_equal(1, 2);
  assert_int_not_equal(-1, 0xffffffffU);
}
void fails_int_equal(void**) { assert_int_equal(3, 4); }
void fails_int_equal_across_widths(void**) {
  assert_int_equal(-1, 0xffffffffU);
}
void fails_int_not_equal(void**) { assert_int_not_equal(7, 7); }

void passes_floats(void**) {
  assert_float_equal(1.0, 1.05, 0.1);
  assert_float_equal(16777216.0, 16777217.0, 0.0);
  assert_float_not_equal(1.0, 1.5, 0.1);
}
void fails_float_equal(void**) { assert_float_equal(1.0, 1.5, 0.1); }
void fails_float_not_equal(void**) { assert_float_not_equal(1.0, 1.05, 0.1); }

void passes_strings(void**) {
  assert_string_equal("abc", "abc");
  assert_string_not_equal("abc", "abd");
}
void fails_string_equal(void**) { assert_string_equal("abc", "abcd"); }
void fails_string_not_equal(void**) { assert_string_not_equal("a", "a"); }

void passes_memory(void**) {
  assert_memory_equal("ab\0c", "ab\0c", 4);
  assert_memory_equal("abX", "abY", 2);
  assert_memory_not_equal("ab\0c", "ab\0d", 4);
  assert_memory_equal("a", "b", 0);
}
void fails_memory_equal(void**) { assert_memory_equal("ab\0c", "ab\0d", 4); }
void fails_memory_not_equal(void**) { assert_memory_not_equal("ab", "ab", 2); }
void fails_memory_not_equal_of_nothing(void**) {
  assert_memory_not_equal("a", "b", 0);
}

void passes_ranges(void**) {
  assert_in_range(5, 5, 5);
  assert_in_range(5, 1, 9);
  assert_not_in_range(0, 1, 9);
  assert_not_in_range(10, 1, 9);
  assert_not_in_range(-1, 0, 9);
}
void fails_in_range_below(void**) { assert_in_range(0, 1, 9); }
void fails_in_range_above(void**) { assert_in_range(10, 1, 9); }
void fails_in_range_with_negative_minimum(void**) { assert_in_range(0, -1, 1); }
void fails_not_in_range(void**) { assert_not_in_range(9, 1, 9); }

void passes_sets(void**) {
  assert_in_set(5, kSet, 3);
  assert_not_in_set(9, kSet, 2);
}
void fails_in_set(void**) { assert_in_set(2, kSet, 3); }
void fails_not_in_set(void**) { assert_not_in_set(9, kSet, 3); }

void passes_return_codes(void**) {
  assert_return_code(0, 0);
  assert_return_code(INT32_MAX - 1, 0);
  assert_return_code(5L, 0);
}
void fails_return_code(void**) { assert_return_code(-1, ENOENT); }
void fails_return_code_without_errno(void**) { assert_return_code(-1, 0); }
void fails_return_code_of_a_long(void**) { assert_return_code(-1L, EIO); }
void fails_return_code_of_the_largest(void**) {
  assert_return_code(INT32_MAX, 0);
}

int lines_after = 0;
void fails_and_ends_there(void**) {
  assert_int_equal(1, 2);
  ++lines_after;
}
void passes_because_the_failure_ended_it(void**) {
  assert_int_equal(lines_after, 0);
}
void fails_by_fail(void**) { fail(); }
void fails_by_fail_msg(void**) { fail_msg("%d of %s", 7, "nine"); }
void fails_by_fail_msg_alone(void**) { fail_msg("no more"); }
void skips(void**) { skip(); }
void skips_after_a_failure_to_come(void**) {
  skip();
  fail();
}
void fails_by_a_crash(void**) { raise(SIGSEGV); }
void fails_by_an_arithmetic_crash(void**) { raise(SIGFPE); }
void passes_after_crashes(void**) { print_message("%s\n", "still here"); }

void positive(int value) {
  mock_assert(value > 0, "value > 0", __FILE__, __LINE__);
}
void passes_expected_asserts(void**) {
  expect_assert_failure(positive(-1));
  assert_string_equal(global_last_failed_assert, "value > 0");
  expect_assert_failure(positive(0));
  positive(1);
}
void fails_unexpected_assert(void**) { positive(-1); }
void fails_expected_assert_missing(void**) {
  expect_assert_failure(positive(1));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(passes_truths),
      cmocka_unit_test(fails_true),
      cmocka_unit_test(fails_true_of_a_fraction),
      cmocka_unit_test(fails_false),
      cmocka_unit_test(fails_non_null),
      cmocka_unit_test(fails_null),
      cmocka_unit_test(fails_ptr_equal),
      cmocka_unit_test(fails_ptr_not_equal),
      cmocka_unit_test(passes_ints),
      cmocka_unit_test(fails_int_equal),
      cmocka_unit_test(fails_int_equal_across_widths),
      cmocka_unit_test(fails_int_not_equal),
      cmocka_unit_test(passes_floats),
      cmocka_unit_test(fails_float_equal),
      cmocka_unit_test(fails_float_not_equal),
      cmocka_unit_test(passes_strings),
      cmocka_unit_test(fails_string_equal),
      cmocka_unit_test(fails_string_not_equal),
      cmocka_unit_test(passes_memory),
      cmocka_unit_test(fails_memory_equal),
      cmocka_unit_test(fails_memory_not_equal),
      cmocka_unit_test(fails_memory_not_equal_of_nothing),
      cmocka_unit_test(passes_ranges),
      cmocka_unit_test(fails_in_range_below),
      cmocka_unit_test(fails_in_range_above),
      cmocka_unit_test(fails_in_range_with_negative_minimum),
      cmocka_unit_test(fails_not_in_range),
      cmocka_unit_test(passes_sets),
      cmocka_unit_test(fails_in_set),
      cmocka_unit_test(fails_not_in_set),
      cmocka_unit_test(passes_return_codes),
      cmocka_unit_test(fails_return_code),
      cmocka_unit_test(fails_return_code_without_errno),
      cmocka_unit_test(fails_return_code_of_a_long),
      cmocka_unit_test(fails_return_code_of_the_largest),
      cmocka_unit_test(fails_and_ends_there),
      cmocka_unit_test(passes_because_the_failure_ended_it),
      cmocka_unit_test(fails_by_fail),
      cmocka_unit_test(fails_by_fail_msg),
      cmocka_unit_test(fails_by_fail_msg_alone),
      cmocka_unit_test(skips),
      cmocka_unit_test(skips_after_a_failure_to_come),
      cmocka_unit_test(fails_by_a_crash),
      cmocka_unit_test(fails_by_an_arithmetic_crash),
      cmocka_unit_test(passes_after_crashes),
      cmocka_unit_test(passes_expected_asserts),
      cmocka_unit_test(fails_unexpected_assert),
      cmocka_unit_test(fails_expected_assert_missing),
  };
  return cmocka_run_group_tests_name("asserts", tests, nullptr, nullptr);
}
