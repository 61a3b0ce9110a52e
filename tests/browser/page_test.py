#!/usr/bin/env python3
"""The page of `happyctl trace --html` in a real browser, without a screen.

page_test.py HAPPYCTL [SCREENSHOTS]: writes a trace with every kind of event and
hostile texts, makes the page, opens it in Chromium and looks at what its script
has made of it. With a folder, pictures of page and SVG in both colour schemes
are left there.
"""
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HAPPYCTL = sys.argv[1]
SCREENSHOTS = sys.argv[2] if len(sys.argv) > 2 else None
BROWSER = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
           "--hide-scrollbars", "--virtual-time-budget=5000"]
HOSTILE = "</script><script>document.title='caught'</script><!--"


def event(at, kind, pid=1, **fields):
    return json.dumps({"t_us": at, "pid": pid, "tid": pid, "event": kind,
                       **fields})


def race(at, number, name, winner, pid=1):
    """A dead address, then a good one; or none, where nobody wins."""
    yield event(at, "resolve_start", pid, name=name)
    yield event(at + 9000, "answer", pid, name=name, type="A",
                addresses=["192.0.2.1", "192.0.2.2"], ttl=60, resolver="quad",
                source="dot")
    yield event(at + 9100, "resolve_end", pid, name=name, result="ok", us=9100)
    yield event(at + 9500, "race_start", pid, race=number, name=name,
                candidates=["192.0.2.1", "192.0.2.2"])
    for attempt, start in ((1, 9600), (2, 259600)):
        yield event(at + start, "attempt_start", pid, race=number,
                    attempt=attempt, address=f"192.0.2.{attempt}", port=443)
    if winner:
        yield event(at + 270000, "attempt_cancelled", pid, race=number,
                    attempt=1)
        yield event(at + 270000, "race_end", pid, race=number, result="won",
                    winner=winner, address="192.0.2.2", port=443, errno=None,
                    us=260000)
        return
    for attempt in (1, 2):
        yield event(at + 270000, "attempt_failed", pid, race=number,
                    attempt=attempt, errno="ECONNREFUSED")
    yield event(at + 270000, "race_end", pid, race=number, result="failed",
                winner=None, address=None, port=None, errno="ECONNREFUSED",
                us=260000)


def lines():
    yield from race(1000, 1, "good.example", 2)
    yield from race(500000, 2, "bad.example", None, pid=2)
    yield from race(900000, 3, HOSTILE, 2)
    yield event(1500000, "passed", address="192.0.2.9", port=80,
                why="one address and no time-out")
    for number in range(4, 604):
        yield from race(number * 1000000, number, "many.example", 2, pid=3)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.trace = cls.folder / "trace.json"
        cls.trace.write_text("\n".join(lines()) + "\n")
        cls.page = cls.folder / "page.html"
        cls.run_happyctl("--html", cls.page)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def run_happyctl(cls, *options):
        subprocess.run([HAPPYCTL, "trace", cls.trace, *options], check=True)

    def browse(self, *options, page=None):
        """What the browser prints; complaints of the page's script fail."""
        ended = subprocess.run(
            [*BROWSER, f"--user-data-dir={self.folder}/profile",
             "--enable-logging=stderr", *options,
             (page or self.page).as_uri()],
            capture_output=True, text=True, timeout=120, check=True)
        complaints = re.findall(r".*CONSOLE.*", ended.stderr)
        self.assertEqual(complaints, [])
        return ended.stdout

    def dom(self, script=""):
        """The page after `script` has acted on it as a user would."""
        acted = self.folder / "acted.html"
        text = self.page.read_text()
        acted.write_text(text.replace(
            "filter();\n</script>", "filter();\n" + script + "\n</script>"))
        return self.browse("--dump-dom", page=acted)

    def titles(self, dom):
        return [html.unescape(one)
                for one in re.findall(r"<h2>(.*?)</h2>", dom, re.S)]

    def test_shows_each_entry_and_more_on_demand(self):
        dom = self.dom()
        self.assertIn("604 of 604", dom)
        self.assertEqual(len(self.titles(dom)), 200)
        self.assertEqual(self.titles(dom)[0], "good.example")
        dom = self.dom("$('more').click();")
        self.assertEqual(len(self.titles(dom)), 400)

    def test_texts_of_a_trace_are_no_markup(self):
        dom = self.dom()
        self.assertIn(HOSTILE, self.titles(dom))
        self.assertIn("<title>libhappy trace</title>", dom)

    def set(self, field, value):
        return (f"$('{field}').value = {json.dumps(value)};"
                f"$('{field}').dispatchEvent("
                "new Event('input', {bubbles: true}));")

    def test_filters(self):
        for field, value, expected in (
                ("words", "GOOD.ex", ["good.example"]),
                ("words", "bad ECONNREFUSED", ["bad.example"]),
                ("words", "192.0.2.9", ["192.0.2.9 port 80"]),
                ("words", "nothing of the kind", []),
                ("outcome", "failed", ["bad.example"]),
                ("outcome", "no race", ["192.0.2.9 port 80"]),
                ("pid", "2", ["bad.example"])):
            with self.subTest(field=field, value=value):
                dom = self.dom(self.set(field, value))
                self.assertEqual(self.titles(dom), expected)
                self.assertIn(f"{len(expected)} of 604", dom)

    def test_fetches_nothing(self):
        text = self.page.read_text()
        self.assertIn("default-src 'none'", text)
        self.assertEqual(re.findall(r"(?:src|href)=", text), [])

    def test_can_be_seen_in_both_colour_schemes(self):
        picture = self.folder / "trace.svg"
        self.run_happyctl("--svg", picture)
        for name, scheme in (("dark", 0), ("light", 1)):
            for page in (self.page, picture):
                out = self.folder / f"{page.stem}-{name}.png"
                self.browse(f"--blink-settings=preferredColorScheme={scheme}",
                            "--window-size=1000,900", f"--screenshot={out}",
                            page=page)
                if SCREENSHOTS:
                    shutil.copy(out, SCREENSHOTS)
        # Ground and text change places.
        sizes = {one.name: one.stat().st_size
                 for one in self.folder.glob("*.png")}
        self.assertEqual(len(sizes), 4)
        for page in ("page", "trace"):
            self.assertNotEqual(
                (self.folder / f"{page}-dark.png").read_bytes(),
                (self.folder / f"{page}-light.png").read_bytes())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
