// Linked statically: nothing can be preloaded into it. Ends with a status of
// its own, to show that it ran.
#include <stdio.h>

int main() {
  puts("ran");
  return 5;
}
