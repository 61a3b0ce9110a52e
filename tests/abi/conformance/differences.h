// What a program can tell apart under the library, each with its reason. The
// same table stands in docs/hooks.md under "Known differences"; a test
// compares the two.
#pragma once

#include <span>
#include <string>

namespace happy::abi {

struct Difference {
  const char* id;       // a step that shows it is marked ~ID
  const char* plain;    // what that step gives without the library, exactly
  const char* library;  // and with it
  const char* what;     // the two in words
  const char* reason;
};

std::span<const Difference> all_differences();
// nullptr for an unknown one.
const Difference* find_difference(const std::string& id);

}  // namespace happy::abi
