#!/usr/bin/env python3
"""CPython's own tests of sockets, event loops and processes, with the library
and without it, under the embedded default policy: test for test the same.

    cpython.py BUILD_FOLDER [SUITE...]

Prints a line for each suite, then each test whose results differ. Such a test
is run again, alone and in turns. It is "unsteady" where the plain interpreter
too gives more than one result, and a difference otherwise. Exit status 1 where
there is a difference, or a suite did not come to its end.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

# Debian's, whatever else is called python3 here: its tests are the package's.
PYTHON = "/usr/bin/python3.11"
SUITES = ("test_socket test_asyncio test_selectors test_epoll test_httplib "
          "test_subprocess test_signal").split()
# Not TCP, and their server waits for ever in accept() where a virtual machine
# has no AF_VSOCK to itself.
IGNORED = ("*VSOCK*",)
RERUNS = 10
LIMIT_SECONDS = 1800

# regrtest, but for a hole in its report: a test of which a subTest() failed has
# neither name nor result there.
REGRTEST = """
import sys, unittest
from test.support.testresult import RegressionTestResult
from test.libregrtest import main
def add_sub_test(self, test, subtest, error):
    if error is not None:
        self._add_result(test, failure={'message': str(error[1])})
    unittest.TextTestResult.addSubTest(self, test, subtest, error)
RegressionTestResult.addSubTest = add_sub_test
main()
"""


class Run(NamedTuple):
    """One suite, run once."""
    results: dict  # test -> "passed", "failed", "error", "skipped", ...
    ended: bool
    output: str


def environment(folder, library):
    """Nothing of the caller's, so that no policy of a user's is found."""
    out = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder),
           "XDG_CONFIG_HOME": str(folder), "TMPDIR": str(folder)}
    if library:
        out["LD_PRELOAD"] = str(library)
    return out


def result_of(case):
    for name in ("failure", "error", "skipped"):
        if case.find(name) is not None:
            return {"failure": "failed"}.get(name, name)
    if case.find("output") is not None:
        return "failed as expected"
    return case.get("outcome", "passed")


def results_of(report):
    """A test that has several results, as of a class and of its tests, has all
    of them in its value."""
    out = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("name", "(without a name)")
        out.setdefault(name, set()).add(result_of(case))
    return {name: " and ".join(sorted(each)) for name, each in out.items()}


def run(suite, library, only=()):
    with tempfile.TemporaryDirectory(prefix="happy-cpython-") as folder:
        report = Path(folder) / "report.xml"
        # One that hangs says where, a minute before it is killed.
        words = [PYTHON, "-c", REGRTEST, "--junit-xml", str(report),
                 "--timeout", str(LIMIT_SECONDS - 60), suite]
        for test in only:
            words += ["-m", test]
        for pattern in IGNORED:
            words += ["-i", pattern]
        child = subprocess.Popen(
            words, cwd=folder, env=environment(folder, library),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        try:
            output, _ = child.communicate(timeout=LIMIT_SECONDS)
            ended = child.returncode >= 0 and report.exists()
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            ended = False
        output = output.decode(errors="replace")
        results = results_of(report) if report.exists() else {}
    # What a suite leaves behind: threads, descriptors, signal handlers.
    altered = re.search(r"altered the execution environment", output)
    results["(the process after all tests)"] = "altered" if altered else "clean"
    return Run(results, ended, output)


def rerun(suite, test, library, before):
    """All results that the test has given, each way."""
    plain, other = ({run_.results.get(test, "missing")} for run_ in before)
    only = () if test.startswith("(") else (test,)
    for _ in range(RERUNS if only else 1):
        plain.add(run(suite, None, only).results.get(test, "missing"))
        other.add(run(suite, library, only).results.get(test, "missing"))
    return plain, other


def compare(suite, library):
    """The tests that differ, by their results plain and with the library."""
    before = run(suite, None), run(suite, library)
    plain, other = before
    counts = [[list(r.results.values()).count(what)
               for what in ("passed", "skipped")] for r in before]
    differing = sorted(test for test in plain.results | other.results
                       if plain.results.get(test) != other.results.get(test))
    print(f"{suite:<18}{len(plain.results) - 1:>6}"
          f"{counts[0][0]:>9}{counts[0][1]:>9}"
          f"{counts[1][0]:>9}{counts[1][1]:>9}{len(differing):>9}", flush=True)
    for run_, how in zip(before, ("plain", "with the library")):
        if not run_.ended:
            print(f"  {how}: did not come to its end\n{run_.output[-3000:]}")
    if not (plain.ended and other.ended):
        return plain, None
    return plain, {test: rerun(suite, test, library, before)
                   for test in differing}


def main():
    library = Path(sys.argv[1]).resolve() / "libhappy.so"
    suites = sys.argv[2:] or SUITES
    if Path("/etc/libhappy/policy.json").exists():
        sys.exit("cpython.py: the machine has a policy, "
                 "/etc/libhappy/policy.json: not the embedded default")
    print(f"{'':<18}{'':>6}{'plain':>9}{'':>9}{'with':>9}\n"
          f"{'':<18}{'tests':>6}{'passed':>9}{'skipped':>9}{'passed':>9}"
          f"{'skipped':>9}{'differ':>9}", flush=True)
    tests = unsteady = different = broken = 0
    for suite in suites:
        plain, differing = compare(suite, library)
        tests += len(plain.results) - 1
        if differing is None:
            broken += 1
            continue
        for test, (before, after) in differing.items():
            steady = len(before) == 1
            different += steady
            unsteady += not steady
            print(f"  {'DIFFERS' if steady else 'unsteady'}: {test}\n"
                  f"    plain: {', '.join(sorted(before))}; "
                  f"with: {', '.join(sorted(after))}", flush=True)
    print(f"{tests} tests of {len(suites)} suites: {different} differ, "
          f"{unsteady} unsteady without the library too, "
          f"{broken} suites not ended")
    return 1 if different or broken else 0


if __name__ == "__main__":
    sys.exit(main())
