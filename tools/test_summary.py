#!/usr/bin/env python3
"""Sums up ctest's JUnit files: the failures, the skipped tests with the reason,
the slowest tests, and as the last line `N passed, N failed`. Exit status 1
where a test failed, a file is missing, or nothing ran."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SLOWEST = 10


def skip_reason(case):
    """GoogleTest prints "file:line: Skipped" and the message below it."""
    text = case.findtext("system-out") or ""
    found = re.search(r": Skipped\n(.+)", text)
    return found.group(1).strip() if found else "no reason given"


def read(path):
    """(status, name, seconds, reason) of each test case in one file."""
    run = Path(path).stem
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{run}: {case.get('name')}"
        seconds = float(case.get("time") or 0)
        if case.find("failure") is not None or case.get("status") == "fail":
            yield "failed", name, seconds, ""
        elif case.find("skipped") is not None:
            yield "skipped", name, seconds, skip_reason(case)
        elif case.get("status") == "run":
            yield "passed", name, seconds, ""
        else:
            yield "failed", name, seconds, ""


def main(paths):
    cases, broken = [], 0
    for path in paths:
        try:
            cases += read(path)
        except (OSError, ElementTree.ParseError) as error:
            print(f"no results: {path}: {error}")
            broken += 1
    by_status = {status: [c for c in cases if c[0] == status]
                 for status in ("passed", "failed", "skipped")}
    print("\nSlowest:")
    for _, name, seconds, _ in sorted(cases, key=lambda c: -c[2])[:SLOWEST]:
        print(f"  {seconds:7.2f} s  {name}")
    for _, name, _, reason in by_status["skipped"]:
        print(f"skipped: {name}: {reason}")
    for _, name, _, _ in by_status["failed"]:
        print(f"FAILED: {name}")
    failed = len(by_status["failed"]) + broken
    print(f"{len(by_status['passed'])} passed, {failed} failed")
    return 1 if failed or not by_status["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
