# The pages of the reference.
# SPDX-License-Identifier: MIT
"""`write(model, out)` writes them all: the front page, the guides, a page for each class and for each header, the sources
that the guides link to, and a list of all names."""

import html
import pathlib
import posixpath
import re
import shutil

from reference import markdown
from reference.model import ancestors

HERE = pathlib.Path(__file__).resolve().parent

# The guides: the file, and what to call it. Further files of docs/ come behind them by themselves.
GUIDES = {
    "README.md": "Overview", "docs/using.md": "Using the library", "docs/integrating.md": "Into your socket stack",
    "docs/packages.md": "How to get it", "docs/design.md": "Design", "docs/rules.md": "Rules",
    "docs/conformance.md": "Conformance", "docs/performance.md": "Performance",
}
MORE = {"CHANGELOG.md": "Changes", "CONTRIBUTING.md": "Contributing", "SECURITY.md": "Security"}

# The layers of the front page, with the classes of each. A class that no layer names is a codec.
ADAPTERS = "Adapters"
LAYERS = {
    "Endpoints": (
        "A whole WebSocket: the opening handshake, messages, Pongs, the closing handshake, deadlines.",
        ["driver", "ws::basic_server", "ws::basic_client", "ws::connection", "ws::entropy", "ws::prepared_message",
         "ws::deflate_stage", "ws::deflate_pool"],
    ),
    "Sessions": (
        "A whole STOMP: frames, receipts, acknowledgements, transactions and heart-beats, over TCP or WebSocket.",
        ["stomp::basic_server_connection", "stomp::basic_client_connection", "stomp::basic_server_session",
         "stomp::basic_client_session", "stomp::session", "stomp::over_websocket", "stomp::carrier"],
    ),
    "Codecs": (
        "The parts: no allocation, no clock, <code>constexpr</code>. Each decoder is an <code>event next(bytes&amp; in)</code>.",
        [],
    ),
    ADAPTERS: ("To what others have written. Each is a header of its own, which nothing else includes.", []),
}
UMBRELLAS = {"http": "sockless/http.hpp", "ws": "sockless/ws.hpp", "stomp": "sockless/stomp.hpp"}
NAMESPACES = {"": "all protocols", "http": "HTTP", "ws": "WebSocket", "stomp": "STOMP"}

NAME = re.compile(r"(?:sockless::)?([A-Za-z_]\w*(?:::[A-Za-z_~]\w*)*)")
KEYWORDS = set(
    "alignas auto bool break case char class concept const constexpr continue default delete do double else enum "
    "explicit false float for friend if inline int long namespace new noexcept nullptr operator private protected "
    "public requires return short signed sizeof static std struct switch template this true typename union unsigned "
    "using void while".split()
)


class Site:
    def __init__(self, model, out):
        self.model = model
        self.out = out
        self.root = model.root
        self.names = {}  # name -> address
        self.kinds = {}  # name -> what it is
        self.pages = {}  # file -> (title, how many examples)
        self.guides = {file: title for file, title in GUIDES.items() if (self.root / file).is_file()}
        for path in sorted((self.root / "docs").glob("*.md")):
            file = path.relative_to(self.root).as_posix()
            self.guides.setdefault(file, title_of(path))
        self.documents = self.guides | {file: title for file, title in MORE.items() if (self.root / file).is_file()}
        self.sources = set()  # files that a document links to
        self.broken = []  # links that lead nowhere
        self.headers = {}  # header -> the names that it declares
        for each in [*model.types.values(), *model.free]:
            self.headers.setdefault(each.header, []).append(each)
        self.headers = dict(sorted(self.headers.items()))
        self.index_names()

    # --- Where names are

    def index_names(self):
        model = self.model
        for each in model.types.values():
            self.add_name(each.name, page_of(each), each.kind)
            seen = {}
            for member in each.members:
                if member.short == each.short or member.shares:
                    continue
                anchor = member.short if member.short not in seen else f"{member.short}-{seen[member.short]}"
                seen[member.short] = seen.get(member.short, 1) + 1
                member.anchor = anchor_text(anchor)
            for member in each.members:
                member.anchor = getattr(member, "anchor", None) or anchor_text(
                    member.shares.anchor if member.shares and hasattr(member.shares, "anchor") else f"new-{member.line}")
                if not is_silent(member):
                    self.add_name(member.name, f"{page_of(each)}#{member.anchor}", member.kind)
                self.add_values(member, page_of(each))
        seen = {}
        for each in model.free:
            page = header_page(each.header)
            key = (page, each.short)
            if not each.shares:
                each.anchor = anchor_text(each.short + (f"-{seen[key]}" if key in seen else ""))
                seen[key] = seen.get(key, 1) + 1
        for each in model.free:
            aliased = next((of for of in model.types.values() if each in of.aliases), None)
            page = header_page(each.header)
            if each.shares:
                each.anchor = each.shares.anchor
            self.add_name(each.name, page_of(aliased) if aliased else f"{page}#{each.anchor}", each.kind)
            self.add_values(each, page)

    def add_values(self, entity, page):
        if entity.kind == "enum":
            for name, _, _ in entity.values:
                self.add_name(f"{entity.name}::{name}", f"{page}#{entity.short}.{name}", "value")

    def add_name(self, name, address, kind):
        self.names.setdefault(name, address)
        self.kinds.setdefault(name, kind)

    def find(self, name, scope):
        """The address of a name, as seen from a scope; None if it is none of the library's."""
        layer = scope.split("::")[0]
        while True:
            full = f"{scope}::{name}" if scope else name
            if full in self.names:
                return self.names[full]
            entity = self.model.types.get(scope)
            for base in entity.bases if entity else []:
                if found := self.find_in(name, base):
                    return found
            if not scope:
                break
            scope = scope.rpartition("::")[0]
        head, _, rest = name.partition("::")
        for alias, address in [(f"{layer}::{head}", rest), (head, rest)]:
            entity = next((of for of in self.model.types.values() if any(each.name == alias for each in of.aliases)), None)
            if entity and rest and (found := self.find_in(rest, entity)):
                return found
        if head == "ws" or head == "stomp" or head == "http":
            second, _, rest = rest.partition("::")
            entity = next((of for of in self.model.types.values() if any(
                each.name == f"{head}::{second}" for each in of.aliases)), None)
            return self.find_in(rest, entity) if entity and rest else None
        return self.names.get(f"{layer}::errc::{name}")

    def find_in(self, name, entity):
        for each in [entity, *entity.bases]:
            if found := self.names.get(f"{each.name}::{name}"):
                return found
        return next((found for base in entity.bases if (found := self.find_in(name, base))), None)

    # --- Pages

    def write(self):
        self.out.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "style.css", self.out / "style.css")
        for file, title in self.documents.items():
            self.write_document(file, title)
        for each in self.model.types.values():
            self.write_class(each)
        for header, entities in self.headers.items():
            self.write_header(header, entities)
        for file in sorted(self.sources):
            text = html.escape((self.root / file).read_text(encoding="utf-8"), quote=False)
            self.page(source_page(file), file, f"<h1>{file}</h1>\n<pre><code>{text}</code></pre>")
        self.write_names()
        self.write_front()

    def page(self, file, title, content, current=""):
        """Writes one page around its content."""
        groups = []
        for name, entities in self.by_layer():
            links = "".join(
                f'<li><a href="{page_of(each)}"{" aria-current=page" if page_of(each) == file else ""}>'
                f"{html.escape(shown_name(each))}</a></li>" for each in entities)
            groups.append(f"<h2>{name}</h2><ul>{links}</ul>")
        guides = "".join(
            f'<li><a href="{document_page(each)}"{" aria-current=page" if document_page(each) == file else ""}>'
            f"{html.escape(named)}</a></li>" for each, named in self.documents.items())
        navigation = (
            f"<h2>Guides</h2><ul>{guides}</ul>{''.join(groups)}"
            '<h2>Everything</h2><ul><li><a href="index.html#headers">All headers</a></li>'
            '<li><a href="names.html">All names</a></li></ul>')
        text = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)} – sockless</title>
<link rel="stylesheet" href="style.css">
</head>
<body>
<header><a href="index.html">sockless</a><a href="names.html">Names</a></header>
<div class="columns">
<nav aria-label="Contents"><details><summary>Contents</summary>{navigation}</details><div class="beside">{navigation}</div></nav>
<main>
{content}
</main>
</div>
</body>
</html>
"""
        (self.out / file).write_text(text, encoding="utf-8")
        self.pages[file] = title

    def by_layer(self):
        """The classes that the front page and the navigation name: (layer, classes). Classes inside of others are not
        among them, and structs are: only those that a user makes have a page of their own there."""
        placed = {name for _, names in LAYERS.values() for name in names}
        shown = [each for each in self.model.types.values() if each.kind == "class" and not each.in_class]
        for layer, (_, names) in LAYERS.items():
            if names:
                chosen = [self.model.types[name] for name in names if name in self.model.types]
            elif layer == ADAPTERS:
                chosen = [each for each in shown if is_adapter(each)]
            else:
                chosen = sorted(
                    (each for each in shown if each.name not in placed and not is_adapter(each)),
                    key=lambda each: (list(NAMESPACES).index(each.scope), each.short))
            yield layer, chosen

    def write_document(self, file, title):
        view = View(self, "", file)
        text = (self.root / file).read_text(encoding="utf-8")
        self.page(document_page(file), title, f'<article class="guide">{markdown.render(text, view)}</article>')

    def write_class(self, entity):
        view = View(self, entity.name, entity.file)
        parts = [f"<h1>{broken_at_words(shown_name(entity))}</h1>"]
        parts.append(self.provenance(entity))
        parts.append(self.signature(entity, view))
        for alias in entity.aliases:
            parts.append(self.signature(alias, view))
        parts.append(self.comment(entity, view))
        if entity.kind == "concept":
            initializer = re.sub(r"^.*?=\s*", "", "".join(entity.node.find("initializer").itertext()), count=1, flags=re.S)
            initializer = initializer.replace("detail::", "")
            parts.append(f"<h2>Demands</h2><pre><code>{self.linked(tidy_concept(initializer), view, set())}</code></pre>")
        groups = {"Types": [], "Members": [], "Constructors": [], "Functions": []}
        for member in entity.members:
            if member.shares:
                continue
            groups[
                "Types" if member.kind in ("typedef", "enum") else "Members" if member.kind == "variable"
                else "Constructors" if member.short == entity.short else "Functions"
            ].append(member)
        nested = [each for each in self.model.types.values() if each.in_class and each.scope == entity.name]
        for heading, members in groups.items():
            members = [each for each in members if not is_silent(each)]
            if not members and not (heading == "Types" and nested):
                continue
            parts.append(f"<h2>{heading}</h2>")
            if heading == "Types":
                parts += [self.entry(each) for each in nested]
            parts += [self.member(each, view) for each in members]
        for base in ancestors(entity):
            listed = "".join(
                f'<li><a href="{page_of(base)}#{each.anchor}"><code>{html.escape(each.short)}</code></a> '
                f"{first_sentence(self.comment(each.shares or each, View(self, base.name, base.file, links=False)))}</li>"
                for each in base.members
                if each.kind == "function" and each.short != base.short and not each.shares and not is_silent(each))
            parts.append(f'<h2>From <a href="{page_of(base)}">{html.escape(shown_name(base))}</a></h2>\n<ul class="list">{listed}</ul>')
        self.page(page_of(entity), shown_name(entity), "\n".join(parts))

    def provenance(self, entity):
        gives = umbrella_of(entity.header)
        also = "" if gives == entity.header else f", or <code>&lt;{gives}&gt;</code>"
        return (f'<p class="quiet"><a href="{header_page(entity.header)}"><code>&lt;{entity.header}&gt;</code></a>{also}, '
                f"namespace <code>{'::'.join(filter(None, ['sockless', entity.scope]))}</code></p>")

    def write_header(self, header, entities):
        view = View(self, entities[0].scope, entities[0].file)
        lines = []
        for line in entities[0].source:
            if not line.startswith("// ") or "SPDX" in line:
                break
            lines.append(line[3:])
        gives = umbrella_of(header)
        also = f'<p class="quiet">Part of <code>&lt;{gives}&gt;</code></p>' if gives != header else ""
        parts = [f"<h1>{broken_at_words(header)}</h1>", f"<p>{markdown.inline(' '.join(lines), view)}</p>", also]
        kinds = {"Classes": [each for each in entities if each.is_type and not each.in_class]}
        free = [each for each in entities if not each.is_type and not each.shares]
        kinds["Functions"] = [each for each in free if each.kind == "function"]
        kinds["Types"] = [each for each in free if each.kind in ("enum", "typedef")]
        for each in free:
            if each.kind == "variable":
                within = "" if each.scope in NAMESPACES else f" of {each.scope}"
                kinds.setdefault(f"Constants{within}", []).append(each)
        for heading, chosen in kinds.items():
            if chosen:
                parts.append(f"<h2>{heading}</h2>")
                if " of " in heading:
                    parts.append(self.description(self.model.namespaces[chosen[0].scope], view))
                parts += [self.entry(each) if each.is_type else self.member(each, View(self, each.scope, each.file))
                          for each in chosen]
        self.page(header_page(header), header, "\n".join(parts))

    def entry(self, entity):
        """One line about a class."""
        view = View(self, entity.name, entity.file, links=False)
        return (f'<p class="entry"><a href="{page_of(entity)}"><code>{html.escape(shown_name(entity))}</code></a> '
                f"<span>{first_sentence(self.comment(entity, view))}</span></p>")

    def member(self, entity, view):
        declarations = "".join(self.signature(each, view) for each in entity.group if not is_silent(each))
        tag = "section" if entity.kind in ("function", "enum") else "div"
        anchor = entity.anchor
        return (f'<{tag} class="member" id="{anchor}">{declarations}<div class="comment">{self.comment(entity, view)}'
                f"{self.enumerators(entity, view) if entity.kind == 'enum' else ''}</div></{tag}>")

    def enumerators(self, entity, view):
        rows = self.error_rows(entity) if entity.short == "errc" else {}
        out = []
        for name, initializer, node in entity.values:
            text = self.description(node, view)
            if name in rows:
                sentence, section, code, status = rows[name]
                answers = [f"Close {code}"] * (code != "0") + [f"status {status}"] * (status != "0")
                text = f"<p>{html.escape(sentence)}"
                about = [*([html.escape(section)] if section else []), *answers]
                text += f' <span class="quiet">{" · ".join(about)}</span></p>' if about else "</p>"
            shown = html.escape(f"{name} {initializer}".strip())
            out.append(f'<dt id="{entity.short}.{name}"><code>{shown}</code></dt>' + (f"<dd>{text}</dd>" if text else ""))
        few = "" if any("<dd>" in each for each in out) else ' class="plain"'
        return f"<dl{few}>" + "\n".join(out) + "</dl>"

    def error_rows(self, entity):
        text = "\n".join(entity.source)
        rows = re.findall(r'\{"(\w+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+),\s*"([^"]*)",\s*(\d+),\s*(\d+)\}', text)
        joined = lambda literals: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals))
        return {name: (joined(sentence), section, code, status) for name, sentence, section, code, status in rows}

    # --- Parts of pages

    def signature(self, entity, view):
        text = laid_out(entity.declaration())
        quiet = self.linked(text, view, {entity.short, *entity.parameters()}, entity)
        quiet = re.sub(r"\b(noexcept|constexpr)\b", r'<span class="quiet">\1</span>', quiet)
        return f'<pre class="signature"><code>{quiet}</code></pre>'

    def linked(self, code, view, own, entity=None):
        """Code as HTML, with links from the names of the library. The name of the entity that it declares stands out."""
        bold = entity and not entity.is_type
        out, end = [], 0
        for found in NAME.finditer(code):
            out.append(html.escape(code[end : found.start()], quote=False))
            end = found.end()
            before = code[: found.start()]
            name = found[1]
            address = None
            if name not in own and name not in KEYWORDS and not before.endswith((".", '"')) and not name.startswith("std::"):
                address = self.find(name, view.scope)
            shown = html.escape(found[0])
            if bold and found[0] == entity.short and (entity.kind != "function" or code[end : end + 1] == "("):
                bold = False
                out.append(f"<b>{shown}</b>")
                continue
            out.append(f'<a href="{address}">{shown}</a>' if address and address != view.address else shown)
        return "".join(out) + html.escape(code[end:], quote=False)

    def example(self, code, view):
        """A block of code. Only names with `::` lead anywhere, as others may be variables."""
        out, end = [], 0
        for found in re.finditer(r"//.*|\"(?:[^\"\\]|\\.)*\"|(?<![\w.:])[A-Za-z_]\w*(?:::\w+)+", code):
            out.append(html.escape(code[end : found.start()], quote=False))
            end = found.end()
            shown = html.escape(found[0], quote=False)
            address = self.find(found[0].removeprefix("sockless::"), view.scope) if found[0][0].isalpha() else None
            if found[0].startswith("//"):
                shown = f'<span class="quiet">{shown}</span>'
            elif address and address != view.address:
                shown = f'<a href="{address}">{shown}</a>'
            out.append(shown)
        return f"<pre><code>{''.join(out)}{html.escape(code[end:], quote=False)}</code></pre>"

    def comment(self, entity, view):
        if text := getattr(entity, "comment", ""):
            return markdown.render(text, view)
        return self.description(entity.node, view)

    def description(self, node, view):
        out = []
        for name in ("briefdescription", "detaileddescription"):
            part = node.find(name)
            for paragraph in part if part is not None else []:
                out.append(self.block(paragraph, view))
        return "\n".join(out)

    def block(self, node, view):
        if node.tag == "para":
            return paragraphs(self.content(node, view))
        if node.tag in ("itemizedlist", "orderedlist"):
            tag = "ul" if node.tag == "itemizedlist" else "ol"
            inside = "".join(
                "<li>" + re.sub(r"\A<p>(.*)</p>\Z", r"\1", "".join(self.block(each, view) for each in item), flags=re.S) + "</li>"
                for item in node)
            return f"<{tag}>{inside}</{tag}>"
        if node.tag in ("verbatim", "preformatted"):
            return self.example(undented("".join(node.itertext())), view)
        raise ValueError(f"{view.file}: a comment has a <{node.tag}>, which tools/reference/pages.py does not know")

    def content(self, node, view):
        out = [html.escape(node.text or "", quote=False)]
        for each in node:
            if each.tag == "computeroutput":
                out.append(view.name("".join(each.itertext())))
            elif each.tag in ("emphasis", "bold"):
                tag = "em" if each.tag == "emphasis" else "strong"
                out.append(f"<{tag}>{self.content(each, view)}</{tag}>")
            elif each.tag == "ref":
                out.append(html.escape("".join(each.itertext())))
            elif each.tag == "ulink":
                out.append(f'<a href="{html.escape(each.get("url"))}">{self.content(each, view)}</a>')
            elif each.tag in ("ndash", "mdash", "nonbreakablespace", "linebreak"):
                out.append({"ndash": "–", "mdash": "—", "nonbreakablespace": " ", "linebreak": "<br>"}[each.tag])
            else:
                out.append(f"\0{self.block(each, view)}\0")
            out.append(html.escape(each.tail or "", quote=False))
        return "".join(out)

    # --- The front page, and the list of names

    def write_front(self):
        parts = ["""<h1>sockless</h1>
<p class="lead">WebSocket and STOMP without the socket: a header-only C++20 library of pure state machines. Bytes go in,
events come out, bytes go back; the socket, the clock and the entropy stay yours.</p>
<p><code>#include &lt;sockless.hpp&gt;</code> gives all that needs no third party; each layer also has a header of its
own. Names are in the namespace <code>sockless</code>.</p>
<h2>Guides</h2>"""]
        parts.append('<ul class="list">' + "".join(
            f'<li><a href="{document_page(file)}">{html.escape(title)}</a></li>' for file, title in self.guides.items()) + "</ul>")
        for layer, entities in self.by_layer():
            about, _ = LAYERS[layer]
            parts.append(f'<h2 id="{layer.lower()}">{layer}</h2>\n<p>{about}</p>')
            for namespace, title in NAMESPACES.items() if layer == "Codecs" else [(None, None)]:
                chosen = [each for each in entities if namespace is None or each.scope == namespace]
                if namespace is not None and chosen:
                    parts.append(f"<h3>For {title}</h3>")
                gives = sorted({umbrella_of(each.header) for each in chosen})
                if gives:
                    parts.append('<p class="quiet">' + " ".join(f"<code>&lt;{each}&gt;</code>" for each in gives) + "</p>")
                parts += [self.entry(each) for each in chosen]
                if layer == ADAPTERS and (aliases := [
                        each for each in self.model.free if each.kind == "typedef" and is_adapter(each) and each.described]):
                    parts.append("<p>Types: " + ", ".join(
                        f'<a href="{self.names[each.name]}"><code>{each.name}</code></a>' for owner in aliases
                        for each in owner.group) + "</p>")
                functions = {
                    each.short: self.names[each.name] for each in self.model.free
                    if layer == "Codecs" and each.kind == "function" and each.scope == namespace
                    and each.short not in ("name_of", "row_of") and not is_adapter(each) and not each.short.startswith("operator")}
                if functions:
                    parts.append('<p>Functions: ' + ", ".join(
                        f'<a href="{address}"><code>{name}</code></a>' for name, address in sorted(functions.items())) + "</p>")
        headers = {}
        for header in self.headers:
            headers.setdefault(posixpath.dirname(header), []).append(header)
        parts.append('<h2 id="headers">Headers</h2>')
        for folder, inside in headers.items():
            parts.append(f'<p><span class="quiet">{folder}/</span> ' + " ".join(
                f'<a href="{header_page(each)}"><code>{posixpath.basename(each)}</code></a>' for each in inside) + "</p>")
        self.page("index.html", "Reference", "\n".join(parts))

    def write_names(self):
        rows = []
        for name, address in sorted(self.names.items(), key=lambda each: each[0].lower()):
            if self.kinds[name] == "value" and "errc" not in name:
                continue
            rows.append(f'<li><a href="{address}"><code>{html.escape(name)}</code></a> <span class="quiet">{self.kinds[name]}</span></li>')
        script = (HERE / "filter.js").read_text(encoding="utf-8")
        self.page("names.html", "Names", f"""<h1>All names</h1>
<p><label>Show names with <input id="filter" type="search" autocomplete="off" autocapitalize="off" spellcheck="false"></label></p>
<ul class="list names">{"".join(rows)}</ul>
<script>
{script}</script>""")


class View:
    """From where names and links are seen: the scope of names, and the file that the text is in."""

    def __init__(self, site, scope, file, links=True):
        self.site = site
        self.scope = scope
        self.file = file
        self.links = links
        self.address = site.names.get(scope)

    def without_names(self):
        return View(self.site, self.scope, self.file, links=False)

    def heading(self, level, anchor, content):
        return f'<h{level} id="{anchor}">{content}</h{level}>'

    def name(self, code):
        """A piece of code in a text: a link if it is a name of the library."""
        shown = f"<code>{html.escape(code, quote=False)}</code>"
        if not self.links:
            return shown
        header = re.fullmatch(r"<?(?:include/)?((?:sockless/)?[\w/]+\.hpp)>?", code)
        if header:
            for full in (header[1], f"sockless/{header[1]}"):
                if full in self.site.headers:
                    return f'<a href="{header_page(full)}">{shown}</a>'
        found = re.fullmatch(r"(?:sockless::)?([A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)(\(.*\))?", code)
        address = self.site.find(found[1], self.scope) if found else None
        if found and not address and not self.scope and "::" in found[1]:
            # A document may leave the layer out, as in `decoder::next`.
            layers = [address for layer in NAMESPACES if layer and (address := self.site.find(found[1], layer))]
            address = layers[0] if len(layers) == 1 else None
        if address and found[2] and "#" not in address:
            address = None  # a call is none of a class, but of a function that has its name
        return f'<a href="{address}">{shown}</a>' if address and address != self.address else shown

    def link(self, target):
        """Where a link of a document leads; "" if nothing is there."""
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            return target
        path, _, anchor = target.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(self.file), path))
        at = self.site.root / file
        anchor = f"#{anchor}" if anchor else ""
        if file in self.site.documents:
            return document_page(file) + anchor
        if file.removeprefix("include/") in self.site.headers:
            return header_page(file.removeprefix("include/"))
        if at.is_file() and at.suffix in (".svg", ".png"):
            shutil.copy(at, self.site.out / at.name)
            return at.name
        if at.is_file():
            self.site.sources.add(file)
            return source_page(file)
        if not at.is_dir():
            self.site.broken.append(f"{self.file} links to {target}, which is not there")
        return ""


# --- Names of pages, and small things


def broken_at_words(name):
    """A long name as HTML, which a phone breaks behind a word of it."""
    return re.sub(r"(/|_|::)", r"\1<wbr>", name)


def flat(name):
    return re.sub(r"[^\w.]+", "-", name.lower())


def page_of(entity):
    return f"{entity.name.replace('::', '.')}.html"


def header_page(header):
    return f"header-{flat(header.removeprefix('sockless/'))}.html"


def document_page(file):
    return f"guide-{flat(pathlib.PurePosixPath(file).stem)}.html"


def source_page(file):
    return f"source-{flat(file)}.html"


def title_of(path):
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def anchor_text(name):
    spelled = {"operator*": "operator-star", "operator++": "operator-next", "operator==": "operator-equal",
               "operator[]": "operator-at", "operator=": "operator-assign"}
    for text, word in spelled.items():
        name = name.replace(text, word) if name.startswith(text) else name
    return re.sub(r"[^\w.~-]", "-", name)


def shown_name(entity):
    """A template by the name that most programs use."""
    return entity.aliases[0].name if entity.aliases and entity.short == f"basic_{entity.aliases[0].short}" else entity.name


def is_adapter(entity):
    """Whether it needs a third party, so that its header is one that nothing else includes."""
    return umbrella_of(entity.header) == entity.header


def umbrella_of(header):
    """The header that a user includes to have one."""
    folder = header.split("/")[1]
    return header if header.endswith("/zlib.hpp") or folder == "adapters" else UMBRELLAS.get(folder, "sockless.hpp")


def is_silent(entity):
    """Whether there is nothing to say about it: special functions, and comparison."""
    arguments = entity.node.findtext("argsstring") or ""
    plain = entity.kind == "function" and entity.is_plain() and not entity.described
    return plain and not (entity.short == entity.scope.rpartition("::")[2] and not arguments.rstrip().endswith("delete"))


def first_sentence(content):
    paragraph = re.match(r"\s*<p>(.*?)(?:</p>|\Z)", content, re.S)
    text = paragraph[1] if paragraph else ""
    end = re.match(r"(.*?[.:])(?:\s|$)", text, re.S)
    sentence = end[1] if end else text
    return sentence[:-1] + "." if sentence.endswith(":") else sentence


def paragraphs(content):
    """The content of a paragraph, in which blocks stand between NULs."""
    parts = content.split("\0")
    out = [f"<p>{part.strip()}</p>" if not number % 2 else part for number, part in enumerate(parts) if part.strip()]
    return "\n".join(out)


def undented(text):
    lines = text.strip("\n").split("\n")
    least = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[least:] for line in lines).rstrip()


def tidy_concept(text):
    return re.sub(r"\}\s*noexcept(?:->)?", lambda found: "} noexcept" + (" -> " if "->" in found[0] else ""), text.strip())


def laid_out(text, width=76):
    """A declaration over several lines if it is long: one parameter a line."""
    before, _, text = text.rpartition("\n")
    before += "\n" if before else ""
    if len(text) <= width or "(" not in text:
        return before + text
    opening = text.index("(", text.index("operator()") + 10 if "operator()" in text else 0)
    depth, parts, begin, behind = 0, [], opening + 1, ""
    for at in range(opening, len(text)):
        depth += {"(": 1, "{": 1, "[": 1, "<": 1, ")": -1, "}": -1, "]": -1}.get(text[at], 0)
        depth -= text[at] == ">" and text[at - 1] != "-"
        if depth == 1 and text[at] == ",":
            parts.append(text[begin : at + 1].strip())
            begin = at + 1
        if depth == 0:
            parts.append(text[begin:at].strip())
            behind = text[at:]
            break
    if not any(parts):
        return before + text
    return before + text[: opening + 1] + "\n    " + "\n    ".join(parts) + "\n" + behind


def write(model, out):
    site = Site(model, out)
    site.write()
    return site
