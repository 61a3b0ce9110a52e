// What a call costs that the library has nothing to do with, in instructions of
// the program (callgrind): the same on every machine.
#include <regex>

#include "tests/bench/figures.h"
#include "tests/lab/library.h"

namespace happy::bench {
namespace {

// Of a whole process that makes the call so many times. It looks a name up
// first, so that the core is loaded and there are addresses to be known: one of
// libc's, since no two TLS handshakes take the same.
std::optional<double> counted(const char* function, int times, bool library) {
  const auto outcome =
      lab::run({.arguments = {"valgrind", "--tool=callgrind",
                              "--callgrind-out-file=/dev/null",
                              HAPPY_BUILD_FOLDER "/bench_calls", function,
                              std::to_string(times), "localhost"},
                .environment =
                    library ? lab::library_environment({}) : lab::Environment{},
                .limit = std::chrono::seconds(60),
                .enter = {},
                .input = {}});
  std::smatch found;
  if (!outcome.good() ||
      !std::regex_search(outcome.err, found, std::regex("refs: +([0-9,]+)")))
    return std::nullopt;
  return std::stod(std::regex_replace(found.str(1), std::regex(","), ""));
}

std::optional<double> a_call(const char* function, bool library) {
  constexpr int kFew = 1000, kMany = 11'000;
  const auto few = counted(function, kFew, library);
  const auto many = counted(function, kMany, library);
  if (!few || !many) return std::nullopt;
  return (*many - *few) / (kMany - kFew);
}

}  // namespace

void instructions() {
  Table table(
      "A call that is nothing to the library, no race in flight, instructions",
      {"plain", "with", "more", "limit"});
  const std::pair<const char*, const char*> calls[] = {{"connect", "+60"},
                                                       {"close", "+30"},
                                                       {"dup", "+30"},
                                                       {"epoll_ctl", "+150"}};
  for (const auto& [function, limit] : calls)
    table.pair(function, a_call(function, false), a_call(function, true), 0,
               limit);
}

}  // namespace happy::bench
