# The examples in the comments of include/ and in the documents.
# SPDX-License-Identifier: MIT
"""An example is a block of code in a `///` comment, indented by four spaces, or C++ in a document: a block in ```cpp, or an
indented one of which a line ends in `;` or `{`. One with `main` is a program of its own; of any other the lines are the
body of a function that has the names of tests/headers/examples.hpp."""

import pathlib
import re
from typing import NamedTuple


class Example(NamedTuple):
    file: pathlib.Path
    line: int  # of its first line of code
    code: str

    @property
    def is_program(self):
        return re.search(r"^int main\(", self.code, re.M) is not None


def in_comments(path):
    found, block, begin = [], [], 0
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], 1):
        code = re.match(r"\s*///( {5}.*|\s*)$", line)
        if code and (block or code[1].strip()):
            begin = begin or number
            block.append(code[1][5:])
        else:
            if block:
                found.append(Example(path, begin, "\n".join(block).rstrip()))
            block, begin = [], 0
    return found


def in_document(path):
    found, lines, at = [], path.read_text(encoding="utf-8").splitlines(), 0
    while at < len(lines):
        begin = at
        if lines[at].startswith("```"):
            while at + 1 < len(lines) and lines[at + 1] != "```":
                at += 1
            if lines[begin] == "```cpp":
                found.append(Example(path, begin + 2, "\n".join(lines[begin + 1 : at + 1])))
            at += 2
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at].strip()):
                at += 1
            code = "\n".join(line[4:] for line in lines[begin:at]).rstrip()
            # A signature alone is no example.
            if re.search(r"[;{](\s*//.*)?$", code, re.M) and not re.fullmatch(r"[^{}\n]*noexcept;", code):
                found.append(Example(path, begin + 1, code))
        else:
            at += 1
    return found


def unit(examples, headers):
    """A unit with these examples, each a function. Errors name the place of the example."""
    out = [f"#include <{header}>" for header in headers]
    bodies = []
    for number, each in enumerate(examples):
        lines = each.code.split("\n")
        out += [line for line in lines if line.startswith("#include")]
        body = "\n".join("" if line.startswith("#include") else line for line in lines)
        bodies.append(
            f"namespace example_{number} {{\nvoid example(EXAMPLE_PARAMETERS) {{ {{\n"
            f'#line {each.line} "{each.file}"\n{body}\n}} }}\n}}')
    return "\n".join([*out, '#include "tests/headers/examples.hpp"', *bodies, ""])
