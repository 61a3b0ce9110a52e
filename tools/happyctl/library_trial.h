// Loads the library into a program and listens to what it says: the one proof
// that its objects are there, fit together and fit this system.
#pragma once

#include <string>

namespace happyctl {

// Runs this command's --version under `library`, core and trust loaded at
// start. Why it is of no use, in the words of the dynamic linker or of the
// library; empty: it works. Faults of the policy do not count.
std::string trial_fault(const std::string& library);

}  // namespace happyctl
