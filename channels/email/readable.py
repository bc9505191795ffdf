"""What a reader sees of a mail, line by line, and which lines its mail program marked as a quote or a signature."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

MAX_COMPARED = 1_000
MAX_LINES = 20_000  # of a whole mail
# Of what programs draw lines and frames.
DASHES = (
    "-_=~\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}\N{BOX DRAWINGS LIGHT HORIZONTAL}"
)
_INVISIBLE = dict.fromkeys(
    map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2061\ufeff\u202a\u202b\u202c\u202d\u202e")
)
_INVISIBLE |= dict.fromkeys(range(0x2066, 0x206A))
_SPACES = dict.fromkeys(map(ord, "\t\u00a0\u2007\u2009\u202f\u3000"), " ")
_APOSTROPHES = dict.fromkeys(map(ord, "\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}"), "'")
_COMPARED = _INVISIBLE | _SPACES | _APOSTROPHES


class Role(StrEnum):
    """What a mail program means by an element that it marks."""

    INTRODUCES = "introduces"  # the lines above a quote, and the quote if it holds one
    QUOTES = "quotes"  # all of it is the old mail
    HEADS = "heads"  # the old mail begins here and is the rest
    CITES = "cites"  # a quotation that the writer chose
    SIGNS = "signs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Lines from `start` up to `end` that a mail program marked; `rule` names the mark."""

    start: int
    end: int
    role: Role
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """Lines as shown, quoted ones behind `>`."""

    lines: Sequence[str]
    spans: tuple[Span, ...] = ()

    def __bool__(self) -> bool:
        """Say whether there is anything to read."""
        return any(line.strip() for line in self.lines)

    @property
    def text(self) -> str:
        """Return the lines as one text."""
        return "\n".join(self.lines).strip("\n")


NOTHING = Readable(lines=())


def plain(text: str) -> Readable:
    """Return text, in which nothing is marked."""
    return Readable(lines=text.split("\n"))


def joined(parts: Iterable[Readable]) -> Readable:
    """Return what can be read in one part after the other, with an empty line between."""
    lines: list[str] = []
    spans: list[Span] = []
    for part in filter(None, parts):
        lines += [""] if lines else []
        spans += (replace(span, start=span.start + len(lines), end=span.end + len(lines)) for span in part.spans)
        lines += part.lines
    return Readable(lines=lines, spans=tuple(spans))


def compared(line: str) -> str:
    """Return the beginning of a line as it is looked at: one form of space and apostrophe, and nothing invisible."""
    short = line[:MAX_COMPARED].replace("&nbsp;", " ")  # which QQ Mail leaves in plain text
    if short.isascii():
        return short.replace("\t", " ").rstrip()
    return unicodedata.normalize("NFC", short.translate(_COMPARED)).rstrip()
