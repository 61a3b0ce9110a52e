// Descriptors from one process to another over a UNIX socket (SCM_RIGHTS), with
// a text beside them.
#pragma once

#include <string>
#include <vector>

#include "tests/lab/descriptor.h"

namespace happy::lab {

// Sends up to 64 descriptors, or only an error where that is not empty.
void send_descriptors(int channel, const std::vector<Descriptor>& descriptors,
                      const std::string& error);
// Fills *error with the sender's, or with one of its own where it died.
std::vector<Descriptor> receive_descriptors(int channel, std::string* error);

}  // namespace happy::lab
