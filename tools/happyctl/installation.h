// Where the command finds the library's objects: beside itself in a build
// folder, in the library folder of its prefix once installed.
#pragma once

#include <string>

namespace happyctl {

// Without a final slash. Says where they should be if they are nowhere.
std::string library_folder();

}  // namespace happyctl
