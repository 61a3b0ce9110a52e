// Blocks that a test must free. A test's name begins with how it ends.
#include <string.h>

#include "tests/support/cmocka.h"

namespace {

int allocate(void** state) {
  *state = test_malloc(16);
  return 0;
}
int give_back(void** state) {
  test_free(*state);
  return 0;
}
int keep(void**) { return 0; }

void passes_freed(void**) {
  auto* text = static_cast<char*>(test_calloc(4, 2));
  assert_memory_equal(text, "\0\0\0\0\0\0\0", 8);
  text[0] = 'x';
  text = static_cast<char*>(test_realloc(text, 100));
  assert_int_equal(text[0], 'x');
  test_free(text);
  test_free(nullptr);
}
void fails_leak(void**) { assert_non_null(test_malloc(3)); }
void fails_overrun(void**) {
  volatile auto* text = static_cast<char*>(test_malloc(3));
  text[3] = 'x';
  test_free(const_cast<char*>(text));
}
void fails_underrun(void**) {
  volatile auto* text = static_cast<char*>(test_malloc(3));
  text[-1] = 'x';
  test_free(const_cast<char*>(text));
}
void passes_freed_by_teardown(void** state) { memset(*state, 1, 16); }
void fails_kept_by_teardown(void**) {}

}  // namespace

int main() {
  const CMUnitTest memory[] = {
      cmocka_unit_test(passes_freed),
      cmocka_unit_test(fails_leak),
      cmocka_unit_test(fails_overrun),
      cmocka_unit_test(fails_underrun),
      cmocka_unit_test_setup_teardown(passes_freed_by_teardown, allocate,
                                      give_back),
      cmocka_unit_test_setup_teardown(fails_kept_by_teardown, allocate, keep),
  };
  return cmocka_run_group_tests(memory, nullptr, nullptr);
}
