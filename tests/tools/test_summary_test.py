"""tools/test_summary.py counts what ctest reports and fails when it must."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = sys.argv.pop()
PASSED = '<testcase name="good" time="0.5" status="run"/>'
FAILED = '<testcase name="bad" time="0.1" status="fail"><failure/></testcase>'
NOT_RUN = '<testcase name="lost" time="0" status="notrun"/>'
SKIPPED = ('<testcase name="skip" time="0" status="notrun"><skipped/>'
           '<system-out>x.cc:1: Skipped\nno namespaces\n</system-out>'
           '</testcase>')


def run(*cases):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.xml"
        path.write_text(f"<testsuite>{''.join(cases)}</testsuite>")
        done = subprocess.run([PROGRAM, path], capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout.splitlines()


class Summary(unittest.TestCase):
    def test_all_good_is_status_0(self):
        status, lines = run(PASSED, PASSED)
        self.assertEqual((status, lines[-1]), (0, "2 passed, 0 failed"))

    def test_a_failure_is_named_and_is_status_1(self):
        status, lines = run(PASSED, FAILED)
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))
        self.assertIn("FAILED: run: bad", lines)

    def test_a_test_that_could_not_run_failed(self):
        status, lines = run(PASSED, NOT_RUN)
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))

    def test_a_skipped_test_is_neither_and_says_why(self):
        status, lines = run(PASSED, SKIPPED)
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed"))
        self.assertIn("skipped: run: skip: no namespaces", lines)

    def test_nothing_ran_is_status_1(self):
        self.assertEqual(run()[0], 1)

    def test_a_missing_file_is_a_failure(self):
        done = subprocess.run([PROGRAM, "/nonexistent/run.xml"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 1 failed")


unittest.main()
