// One step of a cmocka test (set-up, test or tear-down) on GoogleTest: how it
// ends, and what must be used up when it does.
#pragma once

#include <string>

#include "tests/support/cmocka.h"

namespace happy::cmocka {

struct Step {
  CMUnitTestFunction test = nullptr;
  CMFixtureFunction fixture = nullptr;
  void** state = nullptr;
  // Blocks allocated since then must be freed; none for set-ups.
  const size_t* check_point = nullptr;
};
// 0, what the fixture returned, or -1 where an assertion has ended it; that is
// reported already.
int run_step(const Step& step);

// Tells GoogleTest, and ends the step.
[[noreturn]] void fail_step(Place place, const std::string& message);
// Tells GoogleTest; the step goes on.
void report(Place place, const std::string& message);
[[noreturn]] void end_step();

// cmocka_values.cc. Each step begins without values; what it leaves unused is
// reported (false).
void forget_values();
bool all_values_used();

// cmocka_memory.cc. Reports and frees blocks allocated after the check point.
size_t memory_check_point();
bool all_blocks_freed(size_t check_point);

// cmocka_assert.cc. Empty, or what is wrong.
std::string compare_ints(LargestIntegralType a, LargestIntegralType b,
                         bool equal);
std::string compare_strings(const char* a, const char* b, bool equal);
std::string compare_memory(const void* a, const void* b, size_t size,
                           bool equal);
std::string compare_range(LargestIntegralType value,
                          LargestIntegralType minimum,
                          LargestIntegralType maximum, bool inside);
std::string compare_set(LargestIntegralType value,
                        const LargestIntegralType* values, size_t count,
                        bool inside);

}  // namespace happy::cmocka
