// Nothing but passing tests: the status is 0. A test's name begins with how it
// ends.
#include <string.h>

#include "tests/support/cmocka.h"

namespace {

int number() { return mock_type(int); }

void passes_one(void**) {
  will_return(number, 1);
  assert_int_equal(number(), 1);
}
void passes_two(void**) { print_error("to stderr\n"); }
void skips(void**) { skip(); }

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(passes_one),
      cmocka_unit_test(passes_two),
      cmocka_unit_test(skips),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
