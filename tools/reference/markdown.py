# The part of Markdown that the documents of this repository use, as HTML.
# SPDX-License-Identifier: MIT
"""`render(text, page)`: headings, paragraphs, lists, tables, code, links, images, bold and italics. `page` says where a
link leads (`link(target)`), and where the name in a piece of code does (`name(code)`)."""

import html
import re

FENCE = re.compile(r"```(\w*)$")
HEADING = re.compile(r"(#{1,6}) +(.*)")
ITEM = re.compile(r"( *)(?:[-*]|(\d+)\.) +(.*)")
BULLET = re.compile(r" *(?:[-*]|1\.) +")  # interrupts a paragraph
TABLE_RULE = re.compile(r"\|?(?: *:?-+:? *\|)+ *(?::?-+:?)? *$")
INLINE = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)"
    r"|!\[(?P<alternative>[^\]]*)\]\((?P<image>[^)\s]+)\)"
    r"|\[(?P<label>(?:[^\[\]`]|`[^`]*`|\[[^\]]*\])+)\]\((?P<target>[^)\s]+)\)"
    r"|<(?P<url>https?://[^>\s]+)>"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|(?<![\w*])\*(?P<italic>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])"
    r"|\\(?P<escaped>[\\`*_{}\[\]()#+.!|<>-])",
    re.DOTALL,
)


def anchor_of(heading):
    """The anchor that GitHub gives a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def inline(text, page):
    out = []
    end = 0
    for found in INLINE.finditer(text):
        out.append(html.escape(text[end : found.start()], quote=False))
        end = found.end()
        if found["code"]:
            code = found["code"].replace("\n", " ")
            out.append(page.name(code.strip() if len(found["ticks"]) > 1 else code))
        elif found["image"]:
            out.append(f'<img src="{html.escape(page.link(found["image"]))}" alt="{html.escape(found["alternative"])}">')
        elif found["target"]:
            target = page.link(found["target"])
            label = inline(found["label"], page.without_names())
            out.append(f'<a href="{html.escape(target)}">{label}</a>' if target else label)
        elif found["url"]:
            out.append(f'<a href="{html.escape(found["url"])}">{html.escape(found["url"])}</a>')
        elif found["bold"]:
            out.append(f"<strong>{inline(found['bold'], page)}</strong>")
        elif found["italic"]:
            out.append(f"<em>{inline(found['italic'], page)}</em>")
        else:
            out.append(html.escape(found["escaped"]))
    return "".join(out) + html.escape(text[end:], quote=False)


def table(rows, page):
    def split(row):
        found, cell, in_code = [], "", False
        text = row.strip().removeprefix("|")
        for at, character in enumerate(text):
            if character == "`":
                in_code = not in_code
            if character == "|" and not in_code and text[at - 1 : at] != "\\":
                found.append(cell.strip())
                cell = ""
            else:
                cell += character
        return [*found, cell.strip()] if cell.strip() else found

    alignments = [' class="number"' if cell.endswith(":") and not cell.startswith(":") else "" for cell in split(rows[1])]

    def line(row, tag):
        columns = zip(split(row), alignments)
        return "<tr>" + "".join(f"<{tag}{of}>{inline(cell, page)}</{tag}>" for cell, of in columns) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows[2:])
    head = line(rows[0], "th") if any(split(rows[0])) else ""
    return f'<div class="wide"><table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody></table></div>'


def items(lines, page):
    """A list: its first line, and all lines that belong to it."""
    first = ITEM.match(lines[0])
    depth = len(first[1])
    tag = "ol" if first[2] else "ul"
    found = []
    for line in lines:
        item = ITEM.match(line)
        if item and len(item[1]) == depth:
            found.append([item[3]])
            indent = item.start(3)
        else:
            found[-1].append(line[min(indent, len(line) - len(line.lstrip())) :])
    out = []
    for item in found:
        content = render("\n".join(item), page)
        # An item of one paragraph is not one in itself.
        content = re.sub(r"\A<p>(.*?)</p>", r"\1", content, flags=re.DOTALL)
        out.append(f"<li>{content}</li>")
    return f"<{tag}>\n" + "\n".join(out) + f"\n</{tag}>"


def code_block(text):
    # What a reader skips is quieter.
    shown = re.sub(r"(?<![:\w])(//.*|# .*)$", r'<span class="quiet">\1</span>', html.escape(text, quote=False), flags=re.M)
    return f"<pre><code>{shown}</code></pre>"


def render(text, page):
    out = []
    lines = text.split("\n")
    at = 0
    while at != len(lines):
        line = lines[at]
        begin = at
        if not line.strip():
            at += 1
        elif fence := FENCE.match(line):
            at = lines.index("```", at + 1) + 1
            out.append(code_block("\n".join(lines[begin + 1 : at - 1])))
        elif heading := HEADING.match(line):
            at += 1
            level = len(heading[1])
            out.append(page.heading(level, anchor_of(heading[2]), inline(heading[2], page.without_names())))
        elif line.startswith("    "):
            while at != len(lines) and (lines[at].startswith("    ") or not lines[at].strip()):
                at += 1
            out.append(code_block("\n".join(each[4:] for each in lines[begin:at]).rstrip()))
        elif ITEM.match(line):
            while at != len(lines):
                behind = next((each for each in lines[at + 1 :] if each.strip()), "")
                inside = lines[at].startswith(" ") or ITEM.match(lines[at]) or (lines[at].strip() and lines[at - 1].strip())
                if not (inside or (not lines[at].strip() and (behind.startswith("  ") or ITEM.match(behind)))):
                    break
                at += 1
            out.append(items(lines[begin:at], page))
        elif at + 1 != len(lines) and line.lstrip().startswith("|") and TABLE_RULE.match(lines[at + 1]):
            while at != len(lines) and lines[at].lstrip().startswith("|"):
                at += 1
            out.append(table(lines[begin:at], page))
        elif line.startswith("<!--"):
            while not lines[at].rstrip().endswith("-->"):
                at += 1
            at += 1
        else:
            at += 1
            while at != len(lines) and lines[at].strip() and not (
                HEADING.match(lines[at]) or FENCE.match(lines[at]) or BULLET.match(lines[at])
            ):
                at += 1
            out.append(f"<p>{inline(' '.join(each.strip() for each in lines[begin:at]), page)}</p>")
    return "\n".join(out)
