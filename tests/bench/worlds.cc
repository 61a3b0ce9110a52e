// make worlds: the table of docs/compatibility.md. Every real program in each
// world of the namespace lab, with the library and with HAPPY_DISABLE=1, in
// turns: milliseconds from its first SYN to its connection.
#include "tests/e2e/worlds.h"

#include <cstdio>
#include <exception>

#include "tests/bench/figures.h"

namespace {

using namespace happy;
using e2e::World;

constexpr std::chrono::milliseconds kPlainLimit{5000}, kLimit{20'000};

std::string version_of(const char* package) {
  const auto outcome =
      lab::run({.arguments = {"dpkg-query", "-W", "-f=${Version}", package},
                .environment = {},
                .enter = {},
                .input = {}});
  return outcome.good() ? outcome.out : "?";
}

std::string cell(lab::NamespaceLab& lab, const e2e::RealProgram& program,
                 World world) {
  const auto plain =
      e2e::connect_in(lab, world, program, e2e::With::kDisabled, kPlainLimit);
  const auto with =
      e2e::connect_in(lab, world, program, e2e::With::kLibrary, kLimit);
  const std::string before = plain.outcome.timed_out ? "none in 5 s"
                             : !plain.outcome.good()
                                 ? "fails"
                                 : bench::text(plain.milliseconds);
  return before + " / " +
         (with.outcome.good() ? bench::text(with.milliseconds) : "FAILS");
}

void row(const e2e::RealProgram& program) {
  const auto lab = e2e::make_worlds(program);
  std::printf("| `%s` | %s %s |", program.client.name, program.package,
              version_of(program.package).c_str());
  for (const World world :
       {World::kHealthy, World::kBlackHole, World::kRefusing})
    std::printf(" %s |", cell(*lab, program, world).c_str());
  std::printf("\n");
}

}  // namespace

int main() {
  try {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    if (const auto why = lab::why_no_namespaces(); why) {
      std::fprintf(stderr, "%s\n", why->c_str());
      return 2;
    }
    std::printf(
        "| program | package | healthy, plain / with | black hole | refusal "
        "|\n|---|---|---|---|---|\n");
    for (const auto& program : e2e::real_programs()) row(program);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "happy_worlds: %s\n", error.what());
    return 2;
  }
}
