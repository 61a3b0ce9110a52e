// The functions behind the macros of cmocka.h, which includes this; nobody else
// calls them.
#pragma once

#include <functional>
#include <string>

namespace happy::cmocka {

// Where a macro stands in the test.
struct Place {
  const char* file;
  int line;
};

// Empty where the value is as it should be, else what is wrong with it.
using Check = std::function<std::string(LargestIntegralType)>;

// Assertions end the test where they fail.
void require_truth(Place, LargestIntegralType result, const char* expression);
void require_equal(Place, LargestIntegralType a, LargestIntegralType b,
                   const char* a_text, const char* b_text);
void require_not_equal(Place, LargestIntegralType a, LargestIntegralType b,
                       const char* a_text, const char* b_text);
void require_float_equal(Place, float a, float b, float epsilon, bool wanted);
void require_string(Place, const char* a, const char* b, bool equal);
void require_memory(Place, const void* a, const void* b, size_t size,
                    bool equal);
void require_range(Place, LargestIntegralType value, const char* text,
                   LargestIntegralType minimum, LargestIntegralType maximum,
                   bool inside);
void require_set(Place, LargestIntegralType value, const char* text,
                 const LargestIntegralType* values, size_t count, bool inside);
void require_return_code(Place, LargestIntegralType result, size_t width,
                         LargestIntegralType error, const char* expression);
[[noreturn]] void fail_test(Place, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
[[noreturn]] void skip_test(Place);

// Queues of what mocks return and are given. `count`: how often, or -1: at
// least once, or -2: any number of times, also none.
void will_return_value(Place, const char* function, LargestIntegralType value,
                       int count);
LargestIntegralType mocked(Place, const char* function);
void expect(Place, const char* function, const char* parameter, int count,
            Check check);
void check_parameter(Place, const char* function, const char* parameter,
                     LargestIntegralType value);
void expect_call(Place, const char* function, int count);
void called(Place, const char* function);

Check check_nothing();
Check check_by(CheckParameterValue check, LargestIntegralType data);
Check check_value(LargestIntegralType expected, bool equal);
// The string is not copied, the others are.
Check check_string(const char* expected, bool equal);
Check check_memory(const void* expected, size_t size, bool equal);
Check check_range(LargestIntegralType minimum, LargestIntegralType maximum,
                  bool inside);
Check check_set(const LargestIntegralType* values, size_t count, bool inside);

void* allocate(Place, size_t size);
void* allocate_zeroed(Place, size_t number, size_t size);
void* reallocate(Place, void* pointer, size_t size);
void release(Place, void* pointer);

// Registers the tests and runs them. Returns how many have failed.
int run_group(Place, const char* name, const CMUnitTest* tests, size_t count,
              CMFixtureFunction setup, CMFixtureFunction teardown);

}  // namespace happy::cmocka
