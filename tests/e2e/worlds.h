// The worlds in which real programs are tried, in a namespace lab with a round
// trip of 10 ms: all is well, the first address is a black hole, or it refuses.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tests/e2e/real_programs.h"
#include "tests/lab/namespace_lab.h"

namespace happy::e2e {

enum class World : uint8_t { kHealthy, kBlackHole, kRefusing };

inline constexpr std::chrono::milliseconds kWorldRtt{10};

// With an sshd where the program is to use one.
std::unique_ptr<lab::NamespaceLab> make_worlds(const RealProgram& program);

// The name whose addresses are, for what the program uses, those of the world.
std::string name_in(World world, const RealProgram& program);

// What a run showed on the wire.
struct Connecting {
  lab::Outcome outcome;
  // From the first SYN to the good address's connection; nullopt without one.
  std::optional<double> milliseconds;
  std::string first;  // address of the first SYN
};

enum class With : uint8_t { kLibrary, kDisabled };

// Under the library, or with it preloaded and HAPPY_DISABLE=1.
Connecting connect_in(lab::NamespaceLab& lab, World world,
                      const RealProgram& program, With with,
                      std::chrono::milliseconds limit);

}  // namespace happy::e2e
