#!/usr/bin/env python3
# Makes single_include/: the whole library in one file, and beside it the headers that need a third party.
# SPDX-License-Identifier: MIT
"""Follows the quoted includes of include/sockless.hpp, each file once. Standard headers are gathered at the top;
an include between #if and #endif stays in its place. A file that ends in .inc is put into each place that includes it.
Of a pair, NAME_begin.inc is put into the first place only, and NAME_end.inc at the end.
A header that needs a third party is not reached from sockless.hpp; it keeps its name, and includes the one file. The
result depends on nothing but the headers and LICENSE."""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"
SINGLE_INCLUDE = ROOT / "single_include"
SINGLE = SINGLE_INCLUDE / "sockless.hpp"

INCLUDE_LINE = re.compile(r'\s*#\s*include\s*(?:"(?P<quoted>[^"]+)"|<(?P<angled>[^>]+)>)')
CONDITION = re.compile(r"\s*#\s*(if|ifdef|ifndef|endif)\b")


def refuse(path, number, why):
    sys.exit(f"amalgamate.py: {path.relative_to(ROOT)}:{number}: {why}")


class Amalgamation:
    """The headers that include/sockless.hpp includes: `files` in the order of their text, `standard` headers, `parts`
    of text."""

    def __init__(self):
        self.files = []
        self.standard = set()
        self.parts = []
        self.begun = set()
        self.ends = []
        self.follow(INCLUDE / "sockless.hpp")

    def follow(self, path):
        if path in self.files:
            return
        self.files.append(path)
        lines = []
        depth = 0
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if condition := CONDITION.match(line):
                depth += -1 if condition[1] == "endif" else 1
            if line.startswith("// SPDX-License-Identifier:") or line.strip() == "#pragma once":
                continue
            found = INCLUDE_LINE.match(line)
            if found and found["quoted"]:
                target = (path.parent / found["quoted"]).resolve()
                if not target.is_file():
                    refuse(path, number, f'no such file: "{found["quoted"]}"')
                if target.suffix == ".inc":
                    if target.name.endswith("_end.inc"):
                        self.ends += [target] if target not in self.ends else []
                    elif target not in self.begun:
                        lines += self.inlined(target)
                        self.begun |= {target} if target.name.endswith("_begin.inc") else set()
                    continue
                if depth != 0:
                    refuse(path, number, "a quoted include between #if and #endif: put the condition into that file")
                self.follow(target)
            elif found and depth == 0:
                self.standard.add(found["angled"])
            else:
                lines.append(line)
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
        name = path.relative_to(INCLUDE).as_posix()
        self.parts.append(f"// {f' {name} ':=^114}\n{text}\n")

    @staticmethod
    def inlined(path):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            if INCLUDE_LINE.match(line):
                refuse(path, number, "an include in a file that is part of another")
        return [line for line in lines if not line.startswith("// SPDX-License-Identifier:")]

    def text(self):
        license_text = "\n".join(f"// {line}".rstrip() for line in (ROOT / "LICENSE").read_text().splitlines())
        version = (ROOT / "VERSION").read_text().strip()
        includes = "".join(f"#include <{name}>\n" for name in sorted(self.standard))
        head = (
            f"// sockless {version} in one file, made by tools/amalgamate.py: change the headers in include/, not this one.\n"
            f"// SPDX-License-Identifier: MIT\n//\n{license_text}\n#pragma once\n\n{includes}\n"
        )
        ends = ["\n".join(self.inlined(end)).strip() + "\n" for end in self.ends]
        return head + "\n".join(self.parts + ends)


def opt_in(path):
    """The text of a header that is not in the one file, for programs that include the one file."""
    up = "../" * len(path.relative_to(INCLUDE).parent.parts)
    lines = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE_LINE.match(line)
        if not (found and found["quoted"]):
            lines.append(line)
        elif (one := f'#include "{up}sockless.hpp"') not in lines:
            lines.append(one)
    return "\n".join(lines) + "\n"


def single_include():
    """Every file of single_include/, with its text."""
    one = Amalgamation()
    texts = {SINGLE: one.text()}
    for path in sorted((INCLUDE / "sockless").rglob("*.hpp")):
        if path not in one.files:
            texts[SINGLE_INCLUDE / path.relative_to(INCLUDE)] = opt_in(path)
    return texts


def write_if_changed(path, text):
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def forward(directory):
    """Gives each header of include/sockless/ a stand-in below `directory`, so that what includes <sockless/…> compiles
    against the one file. A header that is not part of it is copied; its relative includes then find the stand-ins."""
    amalgamated = Amalgamation().files
    for path in sorted((INCLUDE / "sockless").rglob("*.hpp")):
        stand_in = "#pragma once\n#include <sockless.hpp>\n" if path in amalgamated else path.read_text(encoding="utf-8")
        write_if_changed(directory / path.relative_to(INCLUDE), stand_in)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    parser.add_argument("--forward", metavar="DIR", type=pathlib.Path, help="write headers into DIR that lead to the one file")
    parser.add_argument("--stamp", metavar="FILE", type=pathlib.Path, help="with --forward: an empty file, made once")
    arguments = parser.parse_args()

    if arguments.forward:
        forward(arguments.forward)
        if arguments.stamp:
            write_if_changed(arguments.stamp, "")
    elif arguments.check:
        texts = single_include()
        for path in sorted({*texts, *SINGLE_INCLUDE.rglob("*.hpp")}):
            if not path.is_file() or texts.get(path) != path.read_text(encoding="utf-8"):
                sys.exit(f"amalgamate.py: {path.relative_to(ROOT)} is not up to date: run tools/amalgamate.py")
    else:
        for path, text in single_include().items():
            write_if_changed(path, text)


if __name__ == "__main__":
    main()
