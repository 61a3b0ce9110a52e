// Every key of a version 1 policy: where it stands, what it holds and its
// bounds. The one list; docs/policy.md and
// policy.schema.json are tested against it. Pure data.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace happy::config {

// The objects of a policy. A rule has the keys of kSettings besides its own.
enum class Scope : uint8_t {
  kPolicy,
  kState,
  kResolver,
  kRule,
  kSettings,
  kRace,
  kTimeouts,
};

enum class Shape : uint8_t {
  kBoolean,
  kInteger,  // min to max
  kString,   // min to max octets, or one of `words`
  kStrings,  // an array of min to max strings, all of `words` if there are any
  kObject,   // of the keys of `inner`
  kNamed,    // an object of user-named objects of `inner`
  kObjects,  // an array of objects of `inner`
  kPorts,    // an object of arrays of min to max ports, named by a port
};

inline constexpr int64_t kUnbounded = std::numeric_limits<int64_t>::max();

struct KeySpec {
  Scope scope;
  std::string_view name;
  Shape shape;
  int64_t min = 0;
  int64_t max = kUnbounded;
  bool required = false;
  Scope inner = Scope::kPolicy;  // kObject, kNamed, kObjects
  std::array<std::string_view, 2> words{};
};

std::span<const KeySpec> key_table();

// nullptr if objects of that scope have no such key.
const KeySpec* find_key(Scope scope, std::string_view name);

// The keys that objects of that scope have, in the table's order.
std::vector<const KeySpec*> keys_of(Scope scope);

// Where a scope's objects stand: "rules[].race", empty for the policy itself.
std::string_view place_of(Scope scope);

// "resolvers.NAME.port", "rules[].race.enabled": the name in documents.
std::string path_of(const KeySpec& spec);

}  // namespace happy::config
