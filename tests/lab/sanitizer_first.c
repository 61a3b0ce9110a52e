// Preloaded behind a sanitizer's runtime into hosts that have none: makes it
// start before every other library's constructor. It would else start at the
// first allocation, which may be newlocale()'s under libc's lock for locales;
// its start-up calls dlerror(), which unlocks that, and curl then hangs in
// setlocale(). Linked with -z initfirst.
#include <stdlib.h>

__attribute__((constructor)) static void start(void) {
  void *volatile memory = malloc(1);
  free(memory);
}
