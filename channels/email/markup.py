"""What an agent typed, with the light marks of chats (`channels/marks.py`), as a simple page and as plain text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from html import escape
from itertools import groupby

from channels.marks import FENCE, INLINE, ITEM, PAIRS

_QUOTED = re.compile(r"> ?")
# What ends a sentence or stands around an address, and is in its pattern; brackets are there in pairs only.
_AFTER_ADDRESS = ".,;:!?'*_~`]"


class Kind(Enum):
    """What a run of lines is."""

    CODE = "code"
    QUOTE = "quote"
    ITEMS = "items"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one kind, without the marks at their beginnings; of code, its whole text as one."""

    kind: Kind
    lines: Sequence[str]


def page(body: str, signature: str = "") -> str:
    """Return the text as an HTML page, with the signature below it."""
    signed = f"<p>-- <br>\n{_lines(signature.splitlines())}</p>\n" if signature else ""
    return f'<!doctype html>\n<html><head><meta charset="utf-8"></head><body>\n{_html(body)}{signed}</body></html>'


def plain(body: str, signature: str = "") -> str:
    """Return the text for people who read no HTML: the marks stand as typed, blocks of code are indented."""
    text = FENCE.sub(lambda found: f"\n{_indented(found[1])}\n", body).strip("\n")
    return f"{text}\n\n-- \n{signature}" if signature else text


def _indented(code: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in code.split("\n"))


def _html(text: str) -> str:
    return "".join(_rendered(block) for block in blocks(text))


def blocks(text: str) -> Iterator[Block]:
    """Cut a text into runs of one kind; a text run ends at an empty line too."""
    for number, part in enumerate(FENCE.split(text)):
        if number % 2:
            yield Block(Kind.CODE, (part,))
            continue
        for (kind, filled), run in groupby(part.split("\n"), lambda line: (_kind(line), bool(line.strip()))):
            if filled:
                yield Block(kind, [_bare(kind, line) for line in run])


def _kind(line: str) -> Kind:
    if line.startswith(">"):
        return Kind.QUOTE
    return Kind.ITEMS if ITEM.match(line) else Kind.TEXT


def _bare(kind: Kind, line: str) -> str:
    marks = {Kind.QUOTE: _QUOTED, Kind.ITEMS: ITEM}
    return marks[kind].sub("", line, count=1) if kind in marks else line


def _rendered(block: Block) -> str:
    if block.kind is Kind.CODE:
        return f"<pre>{escape(block.lines[0])}</pre>\n"
    if block.kind is Kind.QUOTE:
        return f"<blockquote>{_lines(block.lines)}</blockquote>\n"
    if block.kind is Kind.ITEMS:
        items = "".join(f"<li>{_inline(line)}</li>\n" for line in block.lines)
        return f"<ul>\n{items}</ul>\n"
    # Lines that begin with a number are text: one that says 4. means 4., and an HTML list would begin at 1.
    return f"<p>{_lines(block.lines)}</p>\n"


def _lines(lines: Sequence[str]) -> str:
    return "<br>\n".join(_inline(line) for line in lines)


def _inline(text: str) -> str:
    """Return one line as HTML. Each pair of marks excludes itself from what it holds, so this goes three deep."""
    out, at = [], 0
    for found in INLINE.finditer(text):
        out += [escape(text[at : found.start()]), _marked(found[0])]
        at = found.end()
    return "".join((*out, escape(text[at:])))


def _marked(piece: str) -> str:
    mark = piece[0]
    if mark in PAIRS:
        return f"<{PAIRS[mark]}>{_inline(piece[1:-1])}</{PAIRS[mark]}>"
    if mark == "`":
        return f"<code>{escape(piece[1:-1])}</code>"
    address = piece.rstrip(_AFTER_ADDRESS)
    link = escape(address)
    return f'<a href="{link}">{link}</a>{escape(piece[len(address) :])}'
