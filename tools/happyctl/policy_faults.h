// Shows why a policy cannot be used, as compilers show an error: place, what
// would be right, and the line of the file with a mark under the place.
#pragma once

#include <cstdio>
#include <string>

#include "tools/happyctl/policy_file.h"

namespace happyctl {

// The line of `text` (from 1) in which the error is, and under it a caret with
// a tail as long as the word there. Tabs and control characters become single
// characters, a long line is cut around the place. Empty where `text` has no
// such line.
std::string excerpt(const std::string& text,
                    const happy::config::PolicyError& error);

// All faults, for `stream`: coloured where it is a terminal.
std::string faults_text(const PolicyFault& fault, FILE* stream);

}  // namespace happyctl
