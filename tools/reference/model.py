# The public names of include/ with their comments, as doxygen reads them.
# SPDX-License-Identifier: MIT
"""doxygen says which names there are, where they are declared, who may see them, and what their comments hold.
Declarations are shown as they are written, so they are read from the source."""

import functools
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

CONFIGURATION = """
INPUT = {root}/include
STRIP_FROM_PATH = {root}
OUTPUT_DIRECTORY = {out}
RECURSIVE = YES
FILE_PATTERNS = *.hpp
EXTRACT_ALL = YES
MACRO_EXPANSION = YES
EXPAND_ONLY_PREDEF = YES
JAVADOC_AUTOBRIEF = NO
GENERATE_XML = YES
XML_PROGRAMLISTING = NO
GENERATE_HTML = NO
GENERATE_LATEX = NO
HAVE_DOT = NO
QUIET = YES
WARN_IF_DOC_ERROR = YES
WARN_FORMAT = "$file:$line: $text"
"""

# Words that say nothing to a reader of the reference.
UNSHOWN = re.compile(r"\[\[[^\]]*\]\]\s*|\b(?:inline|friend)\s+|\bSOCKLESS_\w+\s*")


class Missing(Exception):
    """doxygen is not there, or failed."""


class Entity:
    """A public name: a class, a function, and so on."""

    def __init__(self, kind, name, node, source):
        self.kind = kind  # class, struct, concept, enum, function, variable, typedef
        self.name = name  # without `sockless::`
        self.node = node
        self.members = []
        self.values = []  # of an enum: (name, initializer, node)
        self.bases = []
        self.aliases = []  # of a template: the typedefs that name it
        self.group = [self]  # declarations that share one comment: those directly below it
        self.shares = None  # the declaration whose comment it shares
        location = node.find("location")
        self.file = location.get("file")
        self.line = int(location.get("line"))
        self.column = int(location.get("column") or 1)
        self.source = source
        self.find_name()
        self.first = self.first_line()
        self.last = int(location.get("bodyend") or -1)
        self.last = self.last if self.last >= self.line else self.line + self.tail().count("\n")

    short = property(lambda self: self.name.rpartition("::")[2])
    scope = property(lambda self: self.name.rpartition("::")[0])
    header = property(lambda self: self.file.removeprefix("include/"))
    is_type = property(lambda self: self.kind in ("class", "struct", "concept"))
    described = property(lambda self: described(self.node))

    def find_name(self):
        """doxygen is sometimes a few lines or columns off, as with attributes before a name."""
        name = re.escape(self.short).replace("operator", r"operator\s*")
        behind = r"\s*\(" if self.kind == "function" else r"\b"
        for line in [self.line, *(self.line + by for by in (1, -1, 2, -2, 3, -3))]:
            code = self.source[line - 1].partition("//")[0] if 0 < line <= len(self.source) else ""
            places = [found.start() + 1 for found in re.finditer(rf"(?<![\w:]){name}{behind}", code)]
            if places:
                self.line = line
                self.column = self.column if self.column in places else places[0]
                return

    def first_line(self):
        """The line in which the declaration begins, which may be that of `template <…>`."""
        first = self.line
        while first > 1:
            code = self.source[first - 2].strip()
            begins = re.match(r"template <|requires\b|typename |class \w+,", code)
            goes_on = code.endswith((",", "&&", "(", ">", "]]", "noexcept")) and not code.startswith("//")
            if not begins and not goes_on:
                break
            first -= 1
        return first

    def tail(self):
        """The declaration from its name on, without its body."""
        text = "\n".join([self.source[self.line - 1][self.column - 1 :], *self.source[self.line :]])
        text = re.sub(r"//.*", lambda found: " " * len(found[0]), text)
        depth = 0
        for at, character in enumerate(text):
            if character in "([" or (character == "{" and depth):
                depth += 1
            elif character in ")]" or (character == "}" and depth):
                depth -= 1
            elif depth == 0:
                if character == "{" and self.kind == "variable" and "=" not in text[:at] and "\n" not in text[:at]:
                    depth += 1  # `size{0};`
                elif character in ";{" or (character == ":" and "::" not in text[at - 1 : at + 2]):
                    return text[:at]
                elif character == "," and self.kind == "variable":
                    return text[:at]
        return text

    def declaration(self):
        """As one line, with template parameters and what is required of them on lines of their own."""
        before = [*self.source[self.first - 1 : self.line - 1], self.source[self.line - 1][: self.column - 1]]
        behind = self.tail()
        if self.kind == "concept":
            behind = behind.partition("=")[0]
        elif self.is_type or self.kind == "enum":
            behind = re.split(r"\s*(?:\{|(?<!:):(?!:)|;)", behind)[0]
        lines = []
        for code in ("\n".join(before) + behind).split("\n"):
            code = re.sub(r"\bdetail::", "", UNSHOWN.sub("", re.sub(r"//.*", "", code))).strip()
            opens = lines and lines[-1].startswith("template") and lines[-1].count("<") != lines[-1].count(">")
            begins = lines and not opens and lines[-1].startswith(("template", "requires"))
            if begins or not lines:
                lines.append(code)
            else:
                lines[-1] += f" {code}" if code and not lines[-1].endswith("(") else code
        text = "\n".join(re.sub(r"\s+", " ", line).strip() for line in lines)
        if self.kind == "variable" and len(text) > 100 and " = " in text:
            text = text.partition(" = ")[0]
        return re.sub(r"\s*=$", "", text)

    def parameters(self):
        return {each.text for each in self.node.findall("param/declname") if each.text} | {
            found for each in self.node.findall("templateparamlist/param/declname") if (found := each.text)}

    def is_plain(self):
        """Whether it needs no comment, as everyone knows such: what the language would declare by itself, how a class is
        destroyed, moved and compared, and whether an event is there."""
        arguments = self.node.findtext("argsstring") or ""
        if self.kind == "typedef":
            return bool(self.scope) and self.in_class  # a type of another name
        if self.kind == "variable":
            return self.in_class
        if self.kind != "function":
            return False
        class_name = self.scope.rpartition("::")[2]
        return (
            arguments.rstrip().endswith(("=default", "=delete", "= default", "= delete")) or self.short.startswith("~")
            or self.short == "operator bool" or self.short == "operator=="
            or (self.in_class and self.short in (class_name, "operator=") and re.match(
                rf"\((?:const )?{class_name} ?&&? ?\w*\)", arguments) is not None)
            or (self.in_class and self.short == class_name and arguments.startswith("()"))
        )

    in_class = False


def described(node):
    """Whether there is a comment."""
    return any("".join(each.itertext()).strip() for name in ("briefdescription", "detaileddescription")
               if (each := node.find(name)) is not None)


def run_doxygen(root, out):
    """Its warnings, one a line."""
    try:
        done = subprocess.run(
            ["doxygen", "-"], input=CONFIGURATION.format(root=root, out=out), text=True, capture_output=True, cwd=root)
    except FileNotFoundError:
        raise Missing("doxygen is not installed (Debian: doxygen)") from None
    if done.returncode != 0 and not done.stderr:
        raise Missing(f"doxygen ended with {done.returncode}")
    return [line.removeprefix(f"{root}/") for line in done.stderr.splitlines() if line.strip()]


class Model:
    def __init__(self, root, xml):
        self.root = root
        self.xml = xml
        self.types = {}  # name -> Entity
        self.namespaces = {}  # name -> node
        self.free = []  # functions, enums, typedefs, variables of namespaces
        self.compounds = {}  # refid -> root node
        self.hidden = {}  # short name of an internal class -> its node
        index = ElementTree.parse(xml / "index.xml").getroot()
        for compound in index:
            if compound.get("kind") in ("class", "struct", "concept", "namespace"):
                self.read(ElementTree.parse(xml / f"{compound.get('refid')}.xml").getroot()[0])
        self.types = dict(sorted(self.types.items()))
        for each in self.types.values():
            each.in_class = each.scope in self.types
            for base in each.node.findall("basecompoundref"):
                name = self.compounds.get(base.get("refid"), "").removeprefix("sockless::")
                if base.get("prot") == "public" and name in self.types:
                    each.bases.append(self.types[name])
            self.add_used(each)
        for each in self.free:
            if each.kind == "typedef":
                of = re.match(r"(?:using \w+ = )([\w:]+)<", each.declaration())
                name = of and next((f"{scope}{of[1]}" for scope in (f"{each.scope}::", "") if f"{scope}{of[1]}" in self.types), None)
                if name:
                    self.types[name].aliases.append(each)
        for each in self.types.values():
            # The name that most programs use comes first.
            each.aliases.sort(key=lambda alias: (each.short != f"basic_{alias.short}", alias.header, alias.line))

    @functools.cache
    def source(self, file):
        return (self.root / file).read_text(encoding="utf-8").splitlines()

    def read(self, node):
        name = node.findtext("compoundname")
        self.compounds[node.get("id")] = name
        location = node.find("location")
        file = location.get("file") if location is not None else None
        if "detail::" in name or name.endswith("::detail"):
            self.hidden[name.rpartition("::")[2]] = node
            return
        if "@" in name or not name.startswith("sockless") or node.get("prot") in ("private", "protected"):
            return
        name = name.removeprefix("sockless").removeprefix("::")
        if node.get("kind") == "namespace":
            self.namespaces[name] = node
            self.free += self.members_of(node, name, False)
        elif file and "/detail/" not in file:
            entity = self.types[name] = Entity(node.get("kind"), name, node, self.source(file))
            entity.members = self.members_of(node, name, True)

    def members_of(self, node, scope, in_class):
        found = []
        for member in node.iter("memberdef"):
            short = member.findtext("name")
            file = member.find("location").get("file")
            # (The members of a private union are public to doxygen.)
            if member.get("prot") != "public" or "/detail/" in file or not short or short.startswith("@") or short.endswith("_"):
                continue
            kind = member.get("kind")
            arguments = member.findtext("argsstring") or ""
            if kind == "friend" and (not arguments or "class " in (member.findtext("type") or "")):
                continue
            if kind == "function" and not in_class and ("->" in arguments or not "".join(member.find("type").itertext())):
                continue  # a deduction guide
            kind = "function" if kind == "friend" else kind
            entity = Entity(kind, f"{scope}::{short}".removeprefix("::"), member, self.source(file))
            entity.in_class = in_class
            entity.values = [
                (value.findtext("name"), value.findtext("initializer") or "", value) for value in member.findall("enumvalue")
            ]
            found.append(entity)
        found.sort(key=lambda each: (each.file, each.line))
        share_comments(found)
        return found

    def add_used(self, entity):
        """What a class shows of an internal one that it derives from (`using base::name;`)."""
        body = entity.node.find("location")
        first, last = int(body.get("bodystart") or 0), int(body.get("bodyend") or 0)
        access = "private" if entity.kind == "class" else "public"
        for number in range(first, last):
            line = entity.source[number]
            if label := re.match(r" *(public|private|protected):", line):
                access = label[1]
            used = re.match(r" *using (?:\w+::)*(\w+)::(\w+);", line)
            if not used or access != "public" or used[1] not in self.hidden:
                continue
            for member in self.hidden[used[1]].iter("memberdef"):
                if member.findtext("name") == used[2] and member.get("prot") == "public":
                    own = Entity("function", f"{entity.name}::{used[2]}", member,
                                 self.source(member.find("location").get("file")))
                    own.in_class = True
                    own.comment = comment_above(entity.source, number)
                    entity.members.append(own)

    def undocumented(self):
        """What has no comment: (file, line, what)."""
        found = []
        for each in self.types.values():
            if not each.described:
                found.append((each.file, each.line, f"the {each.kind} {each.name} has no comment"))
            for member in each.members:
                if needs_comment(member):
                    found.append((member.file, member.line, f"{each.name}::{member.short} has no comment"))
        for each in self.free:
            if needs_comment(each):
                found.append((each.file, each.line, f"{each.name} has no comment"))
        return sorted(set(found))

    def without_example(self):
        """The classes without an example, unless a class that derives from them has one: (file, line, what)."""
        shown = set()
        for each in self.types.values():
            if each.node.find("detaileddescription//verbatim") is not None:
                shown |= {each.name, *(base.name for base in ancestors(each))}
        return [(each.file, each.line, f"the class {each.name} has no example") for each in self.types.values()
                if each.kind == "class" and not each.in_class and each.name not in shown]


def ancestors(entity):
    """The public classes that it derives from."""
    for base in entity.bases:
        yield base
        yield from ancestors(base)


def needs_comment(entity):
    return not (entity.described or entity.shares or entity.is_plain() or getattr(entity, "comment", ""))


def comment_above(source, number):
    """The `///` lines directly above a line, as Markdown."""
    lines = []
    while number and (comment := re.match(r" *///(?!<) ?(.*)", source[number - 1])):
        lines.insert(0, comment[1])
        number -= 1
    return "\n".join(lines)


def share_comments(members):
    """A declaration directly below another one, without a comment and an empty line between, shares its comment. A comment
    behind a declaration (`///<`) is shared by no other, and members that are data share none."""
    leader = None  # the declaration with the comment above, of the lines that stand together
    for before, each in zip([None, *members], members):
        together = before and before.file == each.file and each.first in (before.last + 1, before.last) \
            and before.kind == each.kind
        if not together or (each.described and "///<" not in each.source[each.line - 1]):
            leader = each
        elif leader.described and "///<" not in leader.source[leader.line - 1] and not each.described \
                and each.kind in ("function", "variable", "typedef") and not (each.kind == "variable" and each.in_class):
            each.shares = leader
            leader.group.append(each)
