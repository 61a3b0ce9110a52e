// How a lab that cannot be set up says so. Labs are test code: they throw, and
// the test that wanted them fails with the text.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace happy::lab {

// Throws what errno says about `what`.
[[noreturn]] inline void fail_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] inline void fail(const std::string& what) {
  throw std::runtime_error(what);
}

// Returns `result` unless it is the -1 of a system call.
inline int check(int result, const std::string& what) {
  if (result < 0) fail_errno(what);
  return result;
}

}  // namespace happy::lab
