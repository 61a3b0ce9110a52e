// Assertions, and the comparisons that they share with expectations.
#include <string.h>

#include <cfloat>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <limits>

#include "tests/support/cmocka_step.h"

namespace happy::cmocka {
namespace {

// Both as a signed number and in hex: the macros have lost the type.
std::string shown(LargestIntegralType value) {
  char text[64];
  snprintf(text, sizeof text, "%jd (%#jx)", static_cast<intmax_t>(value),
           value);
  return text;
}

std::string quoted(const char* text) {
  return text != nullptr ? '"' + std::string(text) + '"' : "NULL";
}

std::string hex(const void* memory, size_t at, size_t size) {
  std::string out;
  constexpr size_t kShown = 16;
  for (size_t i = at; i < size && i < at + kShown; ++i) {
    char text[8];
    snprintf(text, sizeof text, "%s%02x", out.empty() ? "" : " ",
             static_cast<const unsigned char*>(memory)[i]);
    out += text;
  }
  return out;
}

void expect_empty(Place place, const std::string& problem) {
  if (!problem.empty()) fail_step(place, problem);
}

void with_texts(Place place, const std::string& problem, const char* a,
                const char* b) {
  if (problem.empty()) return;
  fail_step(place, problem + "\n  of " + a + " and " + b);
}

// Values that end the range of what a non-negative int of this width may be;
// libcmocka takes the largest one for an error too.
LargestIntegralType first_bad_code(size_t width) {
  switch (width) {
    case 1:
      return std::numeric_limits<uint8_t>::max();
    case 2:
      return std::numeric_limits<int16_t>::max();
    case 4:
      return std::numeric_limits<int32_t>::max();
    default:
      return std::numeric_limits<int64_t>::max();
  }
}

}  // namespace

std::string compare_ints(LargestIntegralType a, LargestIntegralType b,
                         bool equal) {
  if ((a == b) == equal) return "";
  return shown(a) + (equal ? " != " : " == ") + shown(b);
}

std::string compare_strings(const char* a, const char* b, bool equal) {
  const bool same =
      a == b || (a != nullptr && b != nullptr && strcmp(a, b) == 0);
  if (same == equal) return "";
  return quoted(a) + (equal ? " != " : " == ") + quoted(b);
}

std::string compare_memory(const void* a, const void* b, size_t size,
                           bool equal) {
  const auto* left = static_cast<const unsigned char*>(a);
  const auto* right = static_cast<const unsigned char*>(b);
  size_t differences = 0, first = 0;
  for (size_t i = size; i-- > 0;) {
    if (left[i] == right[i]) continue;
    ++differences;
    first = i;
  }
  if ((differences == 0) == equal) return "";
  const std::string bytes = std::to_string(size) + " bytes";
  if (!equal) return bytes + " are the same: " + hex(a, 0, size);
  return std::to_string(differences) + " of " + bytes +
         " differ, from offset " + std::to_string(first) + ":\n  " +
         hex(a, first, size) + "\n  " + hex(b, first, size);
}

std::string compare_range(LargestIntegralType value,
                          LargestIntegralType minimum,
                          LargestIntegralType maximum, bool inside) {
  const bool is_inside = minimum <= value && value <= maximum;
  if (is_inside == inside) return "";
  return shown(value) + (inside ? " is not within " : " is within ") +
         shown(minimum) + " and " + shown(maximum);
}

std::string compare_set(LargestIntegralType value,
                        const LargestIntegralType* values, size_t count,
                        bool inside) {
  bool found = false;
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    found = found || values[i] == value;
    all += (i == 0 ? "" : ", ") + shown(values[i]);
  }
  if (found == inside) return "";
  return shown(value) + (inside ? " is not in {" : " is in {") + all + "}";
}

void require_truth(Place place, LargestIntegralType result,
                   const char* expression) {
  if (result == 0) fail_step(place, std::string(expression) + " does not hold");
}

void require_equal(Place place, LargestIntegralType a, LargestIntegralType b,
                   const char* a_text, const char* b_text) {
  with_texts(place, compare_ints(a, b, true), a_text, b_text);
}

void require_not_equal(Place place, LargestIntegralType a,
                       LargestIntegralType b, const char* a_text,
                       const char* b_text) {
  with_texts(place, compare_ints(a, b, false), a_text, b_text);
}

// Equal within epsilon, or as near as floats of that size can be.
void require_float_equal(Place place, float a, float b, float epsilon,
                         bool wanted) {
  const float difference = std::fabs(a - b);
  const float largest = std::fmax(std::fabs(a), std::fabs(b));
  const bool equal =
      difference <= epsilon || !(difference > largest * FLT_EPSILON);
  if (equal == wanted) return;
  fail_step(place, std::to_string(a) + (wanted ? " != " : " == ") +
                       std::to_string(b) + ", epsilon " +
                       std::to_string(epsilon));
}

void require_string(Place place, const char* a, const char* b, bool equal) {
  expect_empty(place, compare_strings(a, b, equal));
}

void require_memory(Place place, const void* a, const void* b, size_t size,
                    bool equal) {
  expect_empty(place, compare_memory(a, b, size, equal));
}

void require_range(Place place, LargestIntegralType value, const char* text,
                   LargestIntegralType minimum, LargestIntegralType maximum,
                   bool inside) {
  const auto problem = compare_range(value, minimum, maximum, inside);
  if (!problem.empty()) fail_step(place, text + (": " + problem));
}

void require_set(Place place, LargestIntegralType value, const char* text,
                 const LargestIntegralType* values, size_t count, bool inside) {
  const auto problem = compare_set(value, values, count, inside);
  if (!problem.empty()) fail_step(place, text + (": " + problem));
}

void require_return_code(Place place, LargestIntegralType result, size_t width,
                         LargestIntegralType error, const char* expression) {
  if (result < first_bad_code(width)) return;
  std::string message = expression + (" is " + shown(result));
  if (error != 0) {
    message += ", errno " + std::to_string(error) + ": " +
               strerror(static_cast<int>(error));
  }
  fail_step(place, message);
}

void fail_test(Place place, const char* format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fail_step(place, text);
}

}  // namespace happy::cmocka

int global_expecting_assert = 0;
jmp_buf global_expect_assert_env;
const char* global_last_failed_assert = nullptr;

void mock_assert(int result, const char* expression, const char* file,
                 int line) {
  if (result != 0) return;
  if (global_expecting_assert != 0) {
    global_last_failed_assert = expression;
    longjmp(global_expect_assert_env, 1);
  }
  happy::cmocka::fail_test({file, line}, "ASSERT: %s", expression);
}

void vprint_message(const char* format, va_list arguments) {
  vprintf(format, arguments);
  fflush(stdout);
}

void vprint_error(const char* format, va_list arguments) {
  vfprintf(stderr, format, arguments);
}

void print_message(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprint_message(format, arguments);
  va_end(arguments);
}

void print_error(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprint_error(format, arguments);
  va_end(arguments);
}
