// The programs that people run, each as the end-to-end tests and the benchmark
// of worlds use it: it connects to a name of a namespace lab, talks, and its
// exit status says whether that was good.
#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "tests/e2e/clients.h"

namespace happy::e2e {

// The addresses that a program can use, and so the names it is tested with.
enum class Uses : uint8_t { kBothFamilies, kIpv4, kIpv6 };

struct RealProgram {
  Client client;
  const char* package;  // Debian's, for the table of docs/compatibility.md
  Uses uses = Uses::kBothFamilies;
  uint16_t port = 80;
  // Has a race of its own, or time-outs that are as good as one: under the
  // library it may be in no world slower than without.
  bool races_itself = false;
};

const std::vector<RealProgram>& real_programs();

// GoogleTest prints parameters by this.
inline void PrintTo(const RealProgram& program, std::ostream* out) {
  *out << program.client.name;
}

}  // namespace happy::e2e
