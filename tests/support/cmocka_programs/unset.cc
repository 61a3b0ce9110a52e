// A group whose set-up fails: no test of it is run, but its tear-down is.
#include "tests/support/cmocka.h"

namespace {

int refuse(void**) { return 1; }

int tear_down(void**) {
  print_message("torn down\n");
  return 0;
}

void is_not_run(void**) { print_message("executed\n"); }

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(is_not_run)};
  return cmocka_run_group_tests(tests, refuse, tear_down);
}
