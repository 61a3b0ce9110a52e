#include "tests/lab/probe.h"

#include <sstream>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

constexpr const char* kProgram = R"(
import errno, socket, sys, time
address = sys.argv[2]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
for i in range(int(sys.argv[1])):
    with socket.socket(family) as s:
        s.settimeout(0.5)
        started = time.monotonic()
        try:
            s.connect((address, 80))
            result = "ok"
        except socket.timeout:
            result = "timeout"
        except OSError as error:
            result = errno.errorcode[error.errno]
        print(result, (time.monotonic() - started) * 1000)
)";

}  // namespace

std::vector<Probe> probe(NamespaceLab& lab, const std::string& address,
                         int times) {
  const Outcome outcome = lab.run_plain(
      {"/usr/bin/python3", "-c", kProgram, std::to_string(times), address});
  if (!outcome.good()) fail(outcome.describe());
  std::vector<Probe> probes;
  std::istringstream lines(outcome.out);
  for (Probe one; lines >> one.result >> one.ms;) probes.push_back(one);
  return probes;
}

}  // namespace happy::lab
