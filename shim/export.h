// How a hook is exported: visible, and under libc's own name.
#pragma once

#define HAPPY_EXPORT extern "C" __attribute__((visibility("default")))
// A second exported name of the same hook.
#define HAPPY_ALIAS(second, target)                \
  extern "C" __attribute__((visibility("default"), \
                            alias(#target))) decltype(target) second
