// Strange hosts: what a program may be started with, in or behind, and what
// becomes of the library there.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tests/lab/child.h"

namespace happy::e2e {

enum class Effect : uint8_t {
  kRaces,    // all is as ever: names over DoT, a dead address is overtaken
  kNames,    // names over DoT; connections are libc's own
  kFails,    // strict names fail, and nothing leaves in clear text
  kRefused,  // the host does not start at all, by its own decision
};

struct Host {
  const char* name;
  // In front of the client's command; %L is libhappy.so, %U the URL, %H and %P
  // host and port. Without %U and %H the client is curl.
  std::vector<std::string> command;
  lab::Environment environment = {};  // the same marks
  Effect effect = Effect::kRaces;
  // The line that the user sees, or a part of it, where the effect is less.
  const char* line = "";
};

const std::vector<Host>& hosts();

inline void PrintTo(const Host& host, std::ostream* out) { *out << host.name; }

}  // namespace happy::e2e
