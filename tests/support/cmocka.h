// cmocka's vocabulary (1.1.5) on GoogleTest: the same words, counts and order
// rules, each test a case of its own for --gtest_filter and ctest. With
// HAPPY_LIBCMOCKA defined it is libcmocka's own header instead, so that one
// file is built and run both ways.
//
// Include it last: mock(), fail() and skip() are macros. As with cmocka, a
// failed assertion leaves the test by longjmp, past destructors, and belongs on
// the test's own thread.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef HAPPY_LIBCMOCKA
extern "C" {
#include <cmocka.h>
}
#else

using LargestIntegralType = uintmax_t;
using CMUnitTestFunction = void (*)(void** state);
using CMFixtureFunction = int (*)(void** state);
// Non-zero where the value is as it should be.
using CheckParameterValue = int (*)(const LargestIntegralType value,
                                    const LargestIntegralType check_data);

struct CMUnitTest {
  const char* name;
  CMUnitTestFunction test_func;
  CMFixtureFunction setup_func;
  CMFixtureFunction teardown_func;
  void* initial_state;
};

enum cm_message_output {
  CM_OUTPUT_STDOUT,
  CM_OUTPUT_SUBUNIT,
  CM_OUTPUT_TAP,
  CM_OUTPUT_XML
};

extern int global_expecting_assert;
extern jmp_buf global_expect_assert_env;
extern const char* global_last_failed_assert;

void print_message(const char* format, ...)
    __attribute__((format(printf, 1, 2)));
void print_error(const char* format, ...) __attribute__((format(printf, 1, 2)));
void vprint_message(const char* format, va_list arguments)
    __attribute__((format(printf, 1, 0)));
void vprint_error(const char* format, va_list arguments)
    __attribute__((format(printf, 1, 0)));
// What code under test has in assert()'s place.
void mock_assert(int result, const char* expression, const char* file,
                 int line);
// Patterns of test names with * and ?; nullptr: none.
void cmocka_set_test_filter(const char* pattern);
void cmocka_set_skip_filter(const char* pattern);
// Ignored: GoogleTest's flags say what is written.
void cmocka_set_message_output(cm_message_output output);

#include "tests/support/cmocka_calls.h"

#define WILL_RETURN_ALWAYS -1
#define WILL_RETURN_ONCE -2

#define cast_to_largest_integral_type(value) ((LargestIntegralType)(value))
#define cast_to_pointer_integral_type(value) ((uintptr_t)((size_t)(value)))
#define cast_ptr_to_largest_integral_type(value) \
  cast_to_largest_integral_type(cast_to_pointer_integral_type(value))

// The place of a macro's use, and how the macros call what is behind them.
#define CMOCKA_HERE \
  ::happy::cmocka::Place { __FILE__, __LINE__ }
#define CMOCKA_INT(value) cast_to_largest_integral_type(value)
#define CMOCKA_PTR(value) cast_ptr_to_largest_integral_type(value)
#define CMOCKA_ASSERT(name, ...) \
  ::happy::cmocka::require_##name(CMOCKA_HERE, __VA_ARGS__)
#define CMOCKA_EXPECT(function, parameter, count, check) \
  ::happy::cmocka::expect(CMOCKA_HERE, #function, #parameter, count, check)

// Assertions.
#define assert_true(c) CMOCKA_ASSERT(truth, CMOCKA_INT(c), #c)
#define assert_false(c) CMOCKA_ASSERT(truth, !CMOCKA_INT(c), "!(" #c ")")
#define assert_non_null(c) CMOCKA_ASSERT(truth, CMOCKA_PTR(c), #c " != NULL")
#define assert_null(c) CMOCKA_ASSERT(truth, !CMOCKA_PTR(c), #c " == NULL")
#define assert_int_equal(a, b) \
  CMOCKA_ASSERT(equal, CMOCKA_INT(a), CMOCKA_INT(b), #a, #b)
#define assert_int_not_equal(a, b) \
  CMOCKA_ASSERT(not_equal, CMOCKA_INT(a), CMOCKA_INT(b), #a, #b)
#define assert_ptr_equal(a, b) \
  CMOCKA_ASSERT(equal, CMOCKA_PTR(a), CMOCKA_PTR(b), #a, #b)
#define assert_ptr_not_equal(a, b) \
  CMOCKA_ASSERT(not_equal, CMOCKA_PTR(a), CMOCKA_PTR(b), #a, #b)
#define assert_float_equal(a, b, epsilon) \
  CMOCKA_ASSERT(float_equal, (float)(a), (float)(b), (float)(epsilon), true)
#define assert_float_not_equal(a, b, epsilon) \
  CMOCKA_ASSERT(float_equal, (float)(a), (float)(b), (float)(epsilon), false)
#define assert_string_equal(a, b) \
  CMOCKA_ASSERT(string, (const char*)(a), (const char*)(b), true)
#define assert_string_not_equal(a, b) \
  CMOCKA_ASSERT(string, (const char*)(a), (const char*)(b), false)
#define assert_memory_equal(a, b, size) \
  CMOCKA_ASSERT(memory, (const void*)(a), (const void*)(b), size, true)
#define assert_memory_not_equal(a, b, size) \
  CMOCKA_ASSERT(memory, (const void*)(a), (const void*)(b), size, false)
#define assert_in_range(value, minimum, maximum)                       \
  CMOCKA_ASSERT(range, CMOCKA_INT(value), #value, CMOCKA_INT(minimum), \
                CMOCKA_INT(maximum), true)
#define assert_not_in_range(value, minimum, maximum)                   \
  CMOCKA_ASSERT(range, CMOCKA_INT(value), #value, CMOCKA_INT(minimum), \
                CMOCKA_INT(maximum), false)
#define assert_in_set(value, values, count) \
  CMOCKA_ASSERT(set, value, #value, values, count, true)
#define assert_not_in_set(value, values, count) \
  CMOCKA_ASSERT(set, value, #value, values, count, false)
#define assert_return_code(rc, error) \
  CMOCKA_ASSERT(return_code, CMOCKA_INT(rc), sizeof(rc), CMOCKA_INT(error), #rc)
#define fail() ::happy::cmocka::fail_test(CMOCKA_HERE, "fail()")
#define fail_msg(...) ::happy::cmocka::fail_test(CMOCKA_HERE, __VA_ARGS__)
#define skip() ::happy::cmocka::skip_test(CMOCKA_HERE)

// What mocks return.
#define mock() ::happy::cmocka::mocked(CMOCKA_HERE, __func__)
#define mock_type(type) ((type)mock())
#define mock_ptr_type(type) ((type)(uintptr_t)mock())
#define will_return_count(function, value, count)            \
  ::happy::cmocka::will_return_value(CMOCKA_HERE, #function, \
                                     CMOCKA_INT(value), count)
#define will_return(function, value) will_return_count(function, value, 1)
#define will_return_always(function, value) \
  will_return_count(function, value, WILL_RETURN_ALWAYS)
#define will_return_maybe(function, value) \
  will_return_count(function, value, WILL_RETURN_ONCE)

// What mocks are given.
#define check_expected(parameter)                                     \
  ::happy::cmocka::check_parameter(CMOCKA_HERE, __func__, #parameter, \
                                   CMOCKA_INT(parameter))
#define check_expected_ptr(parameter)                                 \
  ::happy::cmocka::check_parameter(CMOCKA_HERE, __func__, #parameter, \
                                   CMOCKA_PTR(parameter))
#define expect_check(function, parameter, check, data) \
  CMOCKA_EXPECT(function, parameter, 1,                \
                ::happy::cmocka::check_by(check, CMOCKA_INT(data)))
#define expect_any_count(function, parameter, count) \
  CMOCKA_EXPECT(function, parameter, count, ::happy::cmocka::check_nothing())
#define expect_any(function, parameter) expect_any_count(function, parameter, 1)
#define expect_any_always(function, parameter) \
  expect_any_count(function, parameter, WILL_RETURN_ALWAYS)
#define expect_value_count(function, parameter, value, count) \
  CMOCKA_EXPECT(function, parameter, count,                   \
                ::happy::cmocka::check_value(CMOCKA_INT(value), true))
#define expect_value(function, parameter, value) \
  expect_value_count(function, parameter, value, 1)
#define expect_not_value_count(function, parameter, value, count) \
  CMOCKA_EXPECT(function, parameter, count,                       \
                ::happy::cmocka::check_value(CMOCKA_INT(value), false))
#define expect_not_value(function, parameter, value) \
  expect_not_value_count(function, parameter, value, 1)
#define expect_string_count(function, parameter, string, count) \
  CMOCKA_EXPECT(function, parameter, count,                     \
                ::happy::cmocka::check_string((const char*)(string), true))
#define expect_string(function, parameter, string) \
  expect_string_count(function, parameter, string, 1)
#define expect_not_string_count(function, parameter, string, count) \
  CMOCKA_EXPECT(function, parameter, count,                         \
                ::happy::cmocka::check_string((const char*)(string), false))
#define expect_not_string(function, parameter, string) \
  expect_not_string_count(function, parameter, string, 1)
#define expect_memory_count(function, parameter, memory, size, count) \
  CMOCKA_EXPECT(                                                      \
      function, parameter, count,                                     \
      ::happy::cmocka::check_memory((const void*)(memory), size, true))
#define expect_memory(function, parameter, memory, size) \
  expect_memory_count(function, parameter, memory, size, 1)
#define expect_not_memory_count(function, parameter, memory, size, count) \
  CMOCKA_EXPECT(                                                          \
      function, parameter, count,                                         \
      ::happy::cmocka::check_memory((const void*)(memory), size, false))
#define expect_not_memory(function, parameter, memory, size) \
  expect_not_memory_count(function, parameter, memory, size, 1)
#define expect_in_range_count(function, parameter, minimum, maximum, count) \
  CMOCKA_EXPECT(function, parameter, count,                                 \
                ::happy::cmocka::check_range(minimum, maximum, true))
#define expect_in_range(function, parameter, minimum, maximum) \
  expect_in_range_count(function, parameter, minimum, maximum, 1)
#define expect_not_in_range_count(function, parameter, minimum, maximum, \
                                  count)                                 \
  CMOCKA_EXPECT(function, parameter, count,                              \
                ::happy::cmocka::check_range(minimum, maximum, false))
#define expect_not_in_range(function, parameter, minimum, maximum) \
  expect_not_in_range_count(function, parameter, minimum, maximum, 1)
#define CMOCKA_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define expect_in_set_count(function, parameter, values, count) \
  CMOCKA_EXPECT(                                                \
      function, parameter, count,                               \
      ::happy::cmocka::check_set(values, CMOCKA_LENGTH(values), true))
#define expect_in_set(function, parameter, values) \
  expect_in_set_count(function, parameter, values, 1)
#define expect_not_in_set_count(function, parameter, values, count) \
  CMOCKA_EXPECT(                                                    \
      function, parameter, count,                                   \
      ::happy::cmocka::check_set(values, CMOCKA_LENGTH(values), false))
#define expect_not_in_set(function, parameter, values) \
  expect_not_in_set_count(function, parameter, values, 1)

// In which order mocks are called.
#define function_called() ::happy::cmocka::called(CMOCKA_HERE, __func__)
#define expect_function_calls(function, times) \
  ::happy::cmocka::expect_call(CMOCKA_HERE, #function, times)
#define expect_function_call(function) expect_function_calls(function, 1)
#define expect_function_call_any(function) expect_function_calls(function, -1)
#define ignore_function_calls(function) expect_function_calls(function, -2)

// Code under test that ends in mock_assert().
#define expect_assert_failure(call)                                            \
  {                                                                            \
    const int cmocka_asserted = setjmp(global_expect_assert_env);              \
    global_expecting_assert = 1;                                               \
    if (cmocka_asserted) {                                                     \
      global_expecting_assert = 0;                                             \
    } else {                                                                   \
      call;                                                                    \
      global_expecting_assert = 0;                                             \
      ::happy::cmocka::fail_test(CMOCKA_HERE, "Expected assert in %s", #call); \
    }                                                                          \
  }

// Memory that must be gone when a test ends.
#define test_malloc(size) ::happy::cmocka::allocate(CMOCKA_HERE, size)
#define test_calloc(number, size) \
  ::happy::cmocka::allocate_zeroed(CMOCKA_HERE, number, size)
#define test_realloc(pointer, size) \
  ::happy::cmocka::reallocate(CMOCKA_HERE, pointer, size)
#define test_free(pointer) ::happy::cmocka::release(CMOCKA_HERE, pointer)
#ifdef UNIT_TESTING
#define malloc test_malloc
#define realloc test_realloc
#define calloc test_calloc
#define free test_free
#endif

// Tests and groups of them. A group is a suite of GoogleTest, named like it.
#define cmocka_unit_test(f) \
  { #f, f, nullptr, nullptr, nullptr }
#define cmocka_unit_test_setup(f, setup) \
  { #f, f, setup, nullptr, nullptr }
#define cmocka_unit_test_teardown(f, teardown) \
  { #f, f, nullptr, teardown, nullptr }
#define cmocka_unit_test_setup_teardown(f, setup, teardown) \
  { #f, f, setup, teardown, nullptr }
#define cmocka_unit_test_prestate(f, state) \
  { #f, f, nullptr, nullptr, state }
#define cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, state) \
  { #f, f, setup, teardown, state }
#define cmocka_run_group_tests_name(name, tests, setup, teardown)            \
  ::happy::cmocka::run_group(CMOCKA_HERE, name, tests, CMOCKA_LENGTH(tests), \
                             setup, teardown)
#define cmocka_run_group_tests(tests, setup, teardown) \
  cmocka_run_group_tests_name(#tests, tests, setup, teardown)

#endif  // HAPPY_LIBCMOCKA
