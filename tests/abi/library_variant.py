"""Builds a libhappy.so with one deliberate change, and runs tests with it.

Tests take the library that HAPPY_TEST_LIBRARY names in place of the built one.
The build folder is not changed.
"""
import os
import re
import shlex
import subprocess
from pathlib import Path


class Builder:
    """For one source folder and a build folder that holds the objects of
    libhappy.so."""

    def __init__(self, source, build):
        self.source, self.build = Path(source), Path(build)
        lines = subprocess.run(
            ["ninja", "-C", self.build, "-t", "commands", "libhappy.so"],
            check=True, capture_output=True, text=True).stdout.splitlines()
        self.compile_ = {}
        for line in lines:
            found = re.search(r" -c (\S+\.cc)$", line)
            if found:
                self.compile_[found.group(1)] = line
        link = [line for line in lines if "-soname,libhappy.so" in line]
        self.link = link[-1].split("&&")[1]  # ": && LINKER ... && :"

    def patched(self, folder, file, old, new):
        """With `old`, which must be in `file` exactly once, replaced."""
        original = self.source / file
        text = original.read_text()
        if text.count(old) != 1:
            raise ValueError(f"to be replaced in {file} exactly once, but "
                             f"there {text.count(old)} times: {old}")
        copy = folder / file
        copy.parent.mkdir(parents=True)
        copy.write_text(text.replace(old, new))
        # A header may be anybody's.
        sources = self.compile_ if copy.suffix == ".h" else [str(original)]
        objects = {}
        for number, source in enumerate(sources):
            own = str(copy) if source == str(original) else source
            name = Path(source).relative_to(self.source)
            object_ = f"CMakeFiles/happy.dir/{name}.o"
            objects[object_] = str(folder / f"{number}.o")
            words = [word for word in shlex.split(self.compile_[source])
                     if word != "-Werror"]
            words = replaced(words, {source: own, object_: objects[object_],
                                     object_ + ".d": str(folder / "unused.d")})
            place = words.index(f"-I{self.source}")
            words.insert(place, f"-I{folder}")
            subprocess.run(words, cwd=self.build, check=True)
        return self.linked(folder, objects)

    def without(self, folder, functions):
        """Without these functions among its exports: libc's own are called."""
        exports = (self.source / "shim/exports.map").read_text()
        for function in functions:
            exports = re.sub(rf"(?<=[\s;]){function};", "", exports, count=1)
        script = folder / "exports.map"
        script.write_text(exports)
        return self.linked(folder, {
            f"-Wl,--version-script={self.source}/shim/exports.map":
            f"-Wl,--version-script={script}"})

    def linked(self, folder, changes):
        library = folder / "libhappy.so"
        subprocess.run(
            replaced(shlex.split(self.link),
                     {**changes, "libhappy.so": str(library)}),
            cwd=self.build, check=True)
        for other in ("libhappy-core.so", "libhappy-tls.so"):
            (folder / other).symlink_to(self.build / other)
        return library

    def run(self, program, test, library=None, seconds=60):
        """The output of a GoogleTest program, and whether it was good. One that
        hangs is not."""
        environment = dict(os.environ)
        if library:
            environment["HAPPY_TEST_LIBRARY"] = str(library)
        with subprocess.Popen(
                [self.build / program, f"--gtest_filter={test}"],
                env=environment, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
                start_new_session=True) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                output, _ = process.communicate()
        ran = re.search(r"^\[==========\] (\d+) tests? ", output, re.M)
        good = process.returncode == 0 and ran and ran.group(1) != "0"
        return output, bool(good)


def replaced(words, changes):
    return [changes.get(word, word) for word in words]
