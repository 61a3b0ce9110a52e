#!/usr/bin/env python3
"""The manual pages know what the programs know, and are well-formed.

man_test.py SOURCE HAPPYCTL
"""
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1])
HAPPYCTL = sys.argv[2]


def page(name):
    return (SOURCE / "docs/man" / name).read_text()


def options_of(*verb):
    text = subprocess.run([HAPPYCTL, *verb, "--help"], check=True,
                          capture_output=True, text=True).stdout
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+|-[46])\b", text))


class Manual(unittest.TestCase):
    def test_happyctl_has_every_verb_and_option(self):
        text = page("happyctl.1")
        known = {f"--{one}" for one in re.findall(r"Fl -([a-z-]+)", text)}
        known |= {"-4", "-6"}
        known.add("--help")
        verbs = re.findall(r"^  ([a-z]+) +\S", subprocess.run(
            [HAPPYCTL, "--help"], check=True, capture_output=True,
            text=True).stdout, re.M)
        self.assertIn("trace", verbs)
        for verb in verbs:
            self.assertIn(f".It Cm {verb}\n", text)
            self.assertLessEqual(options_of(verb), known, verb)

    def test_libhappy_has_every_variable(self):
        known = set(re.findall(r"\.It Ev (\w+)", page("libhappy.7")))
        told = set(re.findall(r"^\| `(HAPPY_\w+)",
                              (SOURCE / "README.md").read_text(), re.M))
        self.assertEqual(known, told)

    def test_happy_connect_has_every_option_and_error(self):
        text = page("happy_connect.3")
        header = (SOURCE / "include/happy.h").read_text()
        code = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
        fields = re.search(r"struct happy_options \{(.*?)\n\};", code, re.S)
        for name in re.findall(r"\*?(\w+);", fields.group(1)):
            self.assertIn(f"Fa {name}", text)
        for name in re.findall(r"^ \*   (E[A-Z0-9]+)  ", header, re.M):
            self.assertIn(f".It Bq Er {name}\n", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
