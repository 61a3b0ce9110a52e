// Where the command finds the library's objects: beside itself in a build
// folder, in the library folder of its prefix once installed. And where
// programs share what they learn.
#pragma once

#include <string>

namespace happyctl {

// Without a final slash. Says where they should be if they are nowhere.
std::string library_folder();

// As libhappy.so finds it in the environment; empty: nothing is shared.
std::string state_folder();

}  // namespace happyctl
