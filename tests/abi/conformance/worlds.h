// The worlds that rows are played in: which name is looked up under the
// library, and which address stands for it without. Where libc alone would hang
// at a dead address, the plain run connects to what is to be reached.
#pragma once

#include <string>

namespace happy::abi {

struct World {
  const char* name;
  const char* host;      // nullptr: nothing is looked up
  const char* plain_v4;  // the oracle's addresses
  const char* plain_v6;
  // Whether the library races there; a test asks the trace.
  bool raced = false;
  // The rule's connect_ms, which the plain run asks of the kernel.
  int connect_ms = 0;
};

inline constexpr int kConnectMs = 1000;  // the least that a policy may say

inline constexpr World kWorlds[] = {
    // Numeric addresses, of which the library knows nothing.
    {"numeric", nullptr, nullptr, nullptr},
    // A name that no rule of the policy covers; both runs ask libc.
    {"norule", "localhost", nullptr, nullptr},
    {"healthy", "healthy.lab.test", "127.0.1.1", nullptr},
    {"refused-first", "refused.lab.test", "127.0.1.1", nullptr, true},
    {"all-refused", "allrefused.lab.test", "127.0.1.3", nullptr, true},
    {"dead-first", "dead4.lab.test", "127.0.1.1", nullptr, true},
    // A dead IPv6 address and a good IPv4 one, which an IPv6 socket reaches as
    // v4-mapped.
    {"dead6-first", "dead6.lab.test", "127.0.1.1", "::ffff:127.0.1.1", true},
    // The same where the program rules IPv4 out: nothing but the dead one.
    {"dead6-only", "dead6.lab.test", nullptr, "::1"},
    // Two dead addresses: connecting for as long as a row lasts.
    {"hanging", "hanging.lab.test", "127.0.1.2", "::1", true},
    {"all-dead", "alldead.lab.test", "127.0.1.2", "::1", true, kConnectMs},
};

inline const World* find_world(const std::string& name) {
  for (const World& world : kWorlds)
    if (name == world.name) return &world;
  return nullptr;
}

}  // namespace happy::abi
