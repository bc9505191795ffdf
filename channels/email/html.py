"""HTML mail into readable text. Nothing is fetched and no tag survives."""

import re

from channels.email.html_quotes import ELEMENTS, Structure, mark_of
from channels.email.html_tokens import SPACE, attribute, plain_text, visible
from channels.email.readable import MAX_LINES, Readable

MAX_QUOTE_DEPTH = 20

_PARAGRAPHS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "dl"))
_LINES = frozenset(
    ("div", "tr", "li", "section", "article", "header", "footer", "center", "form", "dt", "dd", "tbody", "address")
)
_LOOSE = frozenset(("p", "div"))  # what programs wrap the content of an item or a cell in
_INNER_SPACES = re.compile(r"(?<=\S) {2,}")
# What begins a tag and is none: without it, no pieces around a real tag can join into another one.
_BROKEN_TAG = re.compile(r"\A<+(?=[a-z/!?]|\Z)", re.IGNORECASE)


def read(html: str, limit: int = MAX_LINES) -> Readable:
    """Return what a reader would see: paragraphs, lists, table rows as lines, links with their address.

    It ends behind the line that is the last of so many.
    """
    writer = _Writer(limit)
    for match in visible(html):
        if len(writer.lines) >= limit:
            break
        if match["text"] is not None:
            writer.text(plain_text(_BROKEN_TAG.sub("", match["text"])))
        elif match["name"] and match["close"]:
            writer.end(match["name"].lower())
        elif match["name"]:
            writer.begin(match["name"].lower(), match["attributes"])
    return writer.result()


def to_text(html: str) -> str:
    """Return what a reader would see as one text."""
    return read(html).text


class _Writer:
    """The lines written so far and the state of the one being written."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quoted = 0
        self.preformatted = 0
        self.lists: list[int | None] = []
        self.blank = True
        self.link: tuple[str, int, int] | None = None
        self.cells = 0
        self.opened = False  # an item or a cell in which nothing stands yet
        self.closed = ""  # the block that ended last in a cell: it ends the line only if more follows in the cell
        self.structure = Structure()

    def result(self) -> Readable:
        self.break_line()
        self.structure.finish(len(self.lines))
        return Readable(lines=self.lines, spans=tuple(self.structure.spans))

    def add(self, line: str) -> None:
        """Add a line; of empty ones one is enough."""
        if line or (self.lines and self.lines[-1]):
            self.lines.append(line)

    def text(self, text: str) -> None:
        if self.preformatted:
            most = self.limit - len(self.lines) + 1
            first, *rest = text.replace("\r\n", "\n").split("\n", most)[:most]
            self.line.append(first)
            for line in rest:
                self.new_line()
                self.line.append(line)
            self.blank = self.blank and not self.line[-1].strip()
            return
        text = SPACE.sub(" ", text)
        if text != " ":
            self.follow()
            self.opened = False
        if text != " " or self.line:
            self.line.append(text if self.line else text.lstrip(" "))
            self.blank = self.blank and text == " "

    def new_line(self) -> None:
        content = "".join(self.line).rstrip()
        if not self.preformatted:
            content = _INNER_SPACES.sub(" ", content)
        mark = ">" * self.quoted
        self.add(f"{mark} {content}".rstrip() if mark else content)
        self.line.clear()
        self.blank = True
        self.cells = 0
        self.opened = False
        self.closed = ""

    def follow(self) -> None:
        """Do what the end of the block before put off."""
        if not self.closed:
            return
        name, self.closed = self.closed, ""
        if name == "p":
            self.paragraph()
        else:
            self.break_line()

    def break_line(self) -> None:
        if self.blank:
            self.line.clear()
        else:
            self.new_line()

    def paragraph(self) -> None:
        self.break_line()
        mark = ">" * self.quoted
        if self.lines and self.lines[-1] != mark:
            self.add(mark)

    def begin(self, name: str, attributes: str) -> None:
        if name == "br":
            self.new_line()
        elif name == "blockquote":
            self.paragraph()
            self.quoted = min(MAX_QUOTE_DEPTH, self.quoted + 1)
        elif name == "hr":
            self.break_line()
            self.add("-" * 20)
        elif name == "img":
            self.text(attribute(attributes, "alt"))
        elif name in {"td", "th"}:
            self.cell()
        elif name == "a":
            self.link = (attribute(attributes, "href"), len(self.lines), len(self.line))
        else:
            self.begin_block(name)
        if name in ELEMENTS:
            self.begin_marked(name, attributes)

    def begin_marked(self, name: str, attributes: str) -> None:
        mark = mark_of(name, attributes)
        if mark:
            self.break_line()
        self.structure.begin(name, mark, len(self.lines))

    def begin_block(self, name: str) -> None:
        if name in _LOOSE and self.opened:
            return
        if name in _PARAGRAPHS or name in _LINES:
            self.follow()
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
        if name in ELEMENTS:
            self.structure.end(name, len(self.lines) + (not self.blank))
        if name == "blockquote":
            self.break_line()
            self.quoted = max(0, self.quoted - 1)
            self.paragraph()
        elif name == "a":
            self.end_link()
        elif name in _LOOSE and self.cells:
            self.closed = name
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
        self.opened = True

    def cell(self) -> None:
        if self.cells and not self.blank:
            self.line.append(" | ")
        self.cells += 1
        self.opened = True
        self.closed = ""

    def end_link(self) -> None:
        if self.link is None:
            return
        (target, line, at), self.link = self.link, None
        shown = "".join(self.line[at:] if line == len(self.lines) else self.line).strip()
        if shown and target.lower().startswith(("http://", "https://")) and _bare(target) != _bare(shown):
            self.line.append(f" ({target})")


def _bare(link: str) -> str:
    return link.lower().removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
