#!/usr/bin/env python3
"""Checks the documents against the sources: links and paths lead somewhere,
every exported hook is documented, and every make target that is named exists.

    docs_test.py SOURCE_FOLDER
"""
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop())
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(
    r"`((?:config|core|docs|shim|tests|tools)/[\w/.-]*\w\.(?:cc|h|map|py|sh))`")
TEST_CASE = re.compile(r"TEST(?:_F|_P)?\((\w+),\s*(\w+)\)")
NOT_OURS = ("https://", "http://", "mailto:")


def documents():
    found = list(ROOT.glob("*.md")) + list(ROOT.glob("docs/**/*.md"))
    return sorted(found)


def prose(text):
    """Without fenced code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def code(text):
    """Inline code, and the lines of fenced code."""
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.M | re.S)
    lines = [line.lstrip("$ ") for block in fenced
             for line in block.splitlines()]
    return re.findall(r"`([^`\n]+)`", prose(text)) + lines


def anchor(heading):
    """As GitHub makes them."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def anchors(text):
    return {anchor(h) for h in re.findall(r"^#+ (.*)$", prose(text), re.M)}


def broken_links(text, place):
    """Those of `text`, a document at `place`, that lead nowhere."""
    broken = []
    for link in LINK.findall(prose(text)):
        if link.startswith(NOT_OURS):
            continue
        path, _, part = link.partition("#")
        target = (place.parent / path) if path else place
        inside = text if not path else (
            target.read_text() if target.is_file() else "")
        if not target.exists() or (part and part not in anchors(inside)):
            broken.append(link)
    return broken


def exported(version_script):
    globals_ = re.search(r"global:(.*?)local:", version_script, re.S).group(1)
    return set(re.findall(r"\w+", globals_))


def make_targets(makefile):
    return set(re.findall(r"^([a-z]+):", makefile, re.M))


def named_targets(text):
    named = set()
    for words in (line.split("#")[0].split() for line in code(text)):
        if words[:1] == ["make"]:
            named |= {w for w in words[1:] if re.fullmatch("[a-z]+", w)}
    return named


class Documents(unittest.TestCase):
    def test_there_are_documents(self):
        self.assertGreater(len(documents()), 5)

    def test_links_lead_somewhere(self):
        for document in documents():
            with self.subTest(document=document.name):
                text = document.read_text()
                self.assertEqual(broken_links(text, document), [])

    def test_paths_that_are_named_exist(self):
        for document in documents():
            with self.subTest(document=document.name):
                named = PATH.findall(document.read_text())
                self.assertEqual(
                    [p for p in named if not (ROOT / p).exists()], [])

    def test_tests_that_are_named_exist(self):
        known = set()
        for source in (ROOT / "tests").glob("**/*.cc"):
            known |= {f"{suite}.{name}" for suite, name in
                      TEST_CASE.findall(source.read_text())}
        text = (ROOT / "docs/resolver.md").read_text()
        named = re.findall(r"`([A-Z]\w+\.[A-Z]\w+)`", text)
        self.assertGreater(len(named), 20)
        self.assertEqual([name for name in named if name not in known], [])

    def test_every_exported_function_is_documented(self):
        hooks = set(code((ROOT / "docs/hooks.md").read_text()))
        names = exported((ROOT / "shim/exports.map").read_text())
        self.assertGreater(len(names), 30)
        self.assertEqual(sorted(names - hooks), [])

    def test_every_function_of_the_tables_is_exported(self):
        names = exported((ROOT / "shim/exports.map").read_text())
        text = (ROOT / "docs/hooks.md").read_text()
        rows = re.findall(r"^\| (`[^|]*)\|", text, re.M)
        listed = {n for row in rows for n in re.findall(r"`(\w+)`", row)}
        self.assertEqual(sorted(listed - names), [])

    def test_make_targets_exist(self):
        targets = make_targets((ROOT / "Makefile").read_text())
        for document in documents():
            with self.subTest(document=document.name):
                named = named_targets(document.read_text())
                self.assertEqual(sorted(named - targets), [])


class Checker(unittest.TestCase):
    """That the checks above can fail."""

    def test_a_link_to_nothing_is_seen(self):
        place = ROOT / "README.md"
        text = "# A b\n[a](LICENSE) [b](gone.md) [c](#a-b) [d](#no)\n"
        self.assertEqual(broken_links(text, place), ["gone.md", "#no"])

    def test_links_in_code_and_to_others_do_not_count(self):
        text = "```\n[a](gone.md)\n```\n[b](https://example.com/x)\n"
        self.assertEqual(broken_links(text, ROOT / "README.md"), [])

    def test_targets_are_found_in_code_only(self):
        text = "`make one` make two\n```sh\n$ make three P=q  # four\n```\n"
        self.assertEqual(named_targets(text), {"one", "three"})

    def test_exports_end_at_local(self):
        self.assertEqual(exported("{ global: a; b; local: *; };"), {"a", "b"})


if __name__ == "__main__":
    unittest.main()
