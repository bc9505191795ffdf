"""HTML mail into readable text. Nothing is fetched and no tag survives.

The tokens are cut by one expression that never looks past the next `<`, so the time is linear in the length; the
standard library's parser is quadratic on malformed input before Python 3.11.14 and 3.12.12.
"""

import re
from collections.abc import Iterator
from html import unescape

MAX_QUOTE_DEPTH = 20
MAX_ATTRIBUTES = 8192

_TOKEN = re.compile(
    r"""<(?P<close>/?)(?P<name>[a-z][a-z0-9:-]*+)(?P<attributes>(?:[^<>"']++|"[^"<]*+"|'[^'<]*+'|["'])*+)>"""
    r"|(?P<declaration><[!?][^<>]*+>)|(?P<text><?[^<]++|<+(?=<)|<)",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""\b(href|alt)\s*=\s*("[^"]*+"|'[^']*+'|[^\s"'>]++)""", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_DROPPED = frozenset(("script", "style", "head", "title", "template", "svg", "noframes", "iframe", "object"))
_PARAGRAPHS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "dl"))
_LINES = frozenset(
    ("div", "tr", "li", "section", "article", "header", "footer", "center", "form", "dt", "dd", "tbody", "address")
)
_INNER_SPACES = re.compile(r"(?<=\S) {2,}")
_LONG_REFERENCE = re.compile(r"&#(?=[xX]?[0-9a-fA-F]{9})")
# What begins a tag and is none: without it, no pieces around a real tag can join into another one.
_BROKEN_TAG = re.compile(r"\A<+(?=[a-z/!?]|\Z)", re.IGNORECASE)
_EMPTY_LINES = re.compile(r"\n{3,}")


def to_text(html: str) -> str:
    """Return the text a reader would see: paragraphs, lists, table rows as lines, links with their address."""
    writer = _Writer()
    for match in _visible(_without_comments(html)):
        if match["text"] is not None:
            writer.text(_unescape(_BROKEN_TAG.sub("", match["text"])))
        elif match["name"] and match["close"]:
            writer.end(match["name"].lower())
        elif match["name"]:
            writer.begin(match["name"].lower(), match["attributes"])
    return _EMPTY_LINES.sub("\n\n", writer.result()).strip("\n")


def _without_comments(html: str) -> str:
    kept, at = [], 0
    while (start := html.find("<!--", at)) >= 0:
        end = html.find("-->", start + 4)
        if end < 0:
            break
        kept.append(html[at:start])
        at = end + 3
    return "".join((*kept, html[at:]))


def _visible(html: str) -> Iterator[re.Match[str]]:
    """Yield the tokens outside elements that are not for reading; one that is never closed hides nothing but itself."""
    lower, at = html.lower(), 0
    if len(lower) != len(html):  # a few capitals outside ASCII grow in lower case and would shift the offsets
        lower = html
    unclosed: set[str] = set()
    while match := _TOKEN.match(html, at):
        at = match.end()
        name = (match["name"] or "").lower()
        if name in _DROPPED and not match["close"] and not match["attributes"].endswith("/"):
            end = -1 if name in unclosed else lower.find("</" + name, at)
            if end < 0:
                unclosed.add(name)
            at = max(at, end)
        elif name not in _DROPPED:
            yield match


class _Writer:
    """The lines written so far and the state of the one being written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quoted = 0
        self.preformatted = 0
        self.lists: list[int | None] = []
        self.blank = True
        self.link: tuple[str, int, int] | None = None
        self.cells = 0

    def result(self) -> str:
        self.break_line()
        return "\n".join(self.lines)

    def text(self, text: str) -> None:
        if self.preformatted:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self.line.append(first)
            for line in rest:
                self.new_line()
                self.line.append(line)
            self.blank = self.blank and not self.line[-1].strip()
            return
        text = _SPACE.sub(" ", text)
        if text != " " or self.line:
            self.line.append(text if self.line else text.lstrip(" "))
            self.blank = self.blank and text == " "

    def new_line(self) -> None:
        content = "".join(self.line).rstrip()
        if not self.preformatted:
            content = _INNER_SPACES.sub(" ", content)
        mark = ">" * self.quoted
        self.lines.append(f"{mark} {content}".rstrip() if mark else content)
        self.line.clear()
        self.blank = True
        self.cells = 0

    def break_line(self) -> None:
        if self.blank:
            self.line.clear()
        else:
            self.new_line()

    def paragraph(self) -> None:
        self.break_line()
        mark = ">" * self.quoted
        if self.lines and self.lines[-1] != mark:
            self.lines.append(mark)

    def begin(self, name: str, attributes: str) -> None:
        if name == "br":
            self.new_line()
        elif name == "blockquote":
            self.paragraph()
            self.quoted = min(MAX_QUOTE_DEPTH, self.quoted + 1)
        elif name == "hr":
            self.break_line()
            self.lines.append("-" * 20)
        elif name == "img":
            self.text(_attribute(attributes, "alt"))
        elif name in {"td", "th"}:
            self.cell()
        elif name == "a":
            self.link = (_attribute(attributes, "href"), len(self.lines), len(self.line))
        else:
            self.begin_block(name)

    def begin_block(self, name: str) -> None:
        if name in _PARAGRAPHS and not (name in {"ul", "ol"} and self.lists):
            self.paragraph()
        elif name in _LINES or name in _PARAGRAPHS:
            self.break_line()
        if name == "pre":
            self.preformatted += 1
        elif name in {"ul", "ol"}:
            self.lists.append(0 if name == "ol" else None)
        elif name == "li":
            self.item()

    def end(self, name: str) -> None:
        if name == "blockquote":
            self.break_line()
            self.quoted = max(0, self.quoted - 1)
            self.paragraph()
        elif name == "a":
            self.end_link()
        elif name in _PARAGRAPHS:
            self.end_paragraph(name)
        elif name in _LINES:
            self.break_line()

    def end_paragraph(self, name: str) -> None:
        self.break_line()
        if name == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        if name in {"ul", "ol"} and self.lists:
            self.lists.pop()
        if not self.lists:
            self.paragraph()

    def item(self) -> None:
        depth = min(len(self.lists), MAX_QUOTE_DEPTH)
        number = self.lists[-1] if self.lists else None
        if number is not None:
            self.lists[-1] = number + 1
        mark = "-" if number is None else f"{number + 1}."
        self.line = ["  " * max(0, depth - 1) + mark + " "]

    def cell(self) -> None:
        if self.cells and not self.blank:
            self.line.append(" | ")
        self.cells += 1

    def end_link(self) -> None:
        if self.link is None:
            return
        (target, line, at), self.link = self.link, None
        shown = "".join(self.line[at:] if line == len(self.lines) else self.line).strip()
        if shown and target.lower().startswith(("http://", "https://")) and _bare(target) != _bare(shown):
            self.line.append(f" ({target})")


def _attribute(attributes: str, name: str) -> str:
    for match in _ATTRIBUTE.finditer(attributes[:MAX_ATTRIBUTES]):
        if match[1].lower() == name:
            return _SPACE.sub(" ", _unescape(match[2].strip("\"'"))).strip()
    return ""


def _unescape(text: str) -> str:
    """Resolve character references; those of absurd length, which Python refuses to read, stay as they are."""
    return unescape(_LONG_REFERENCE.sub("&amp;#", text))


def _bare(link: str) -> str:
    return link.lower().removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
