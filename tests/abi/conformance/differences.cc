#include "tests/abi/conformance/differences.h"

namespace happy::abi {
namespace {

constexpr Difference kDifferences[] = {
    {"connected-elsewhere", "inet good:world", "-1 ENOTCONN",
     "a socket made before `fork` and connected in one process: the other's "
     "`getpeername` finds it unconnected where another address won",
     "the winner is a socket of its own, and no call gives it to another "
     "process unasked"},
    {"number-taken", "1000", "-1 EBUSY",
     "`dup2` onto a number from 1000 up that the library has taken",
     "closing the library's own descriptor would break it, and dup2(2) names "
     "`EBUSY` for a number that is being taken"},
};

}  // namespace

std::span<const Difference> all_differences() { return kDifferences; }

const Difference* find_difference(const std::string& id) {
  for (const Difference& known : kDifferences)
    if (id == known.id) return &known;
  return nullptr;
}

}  // namespace happy::abi
