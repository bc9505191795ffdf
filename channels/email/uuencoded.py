"""Files in the midst of a text, as Outlook still sends them when told to: `begin 644 name`, lines, `end`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

MAX_FILES = 50
# Lines that may be a file's beginning, or are shorter than all but the last of a file, before the search is given up.
_MAX_ODD = 2_000

_BEGIN = re.compile(rb"^begin[ ][0-7]{3,4}[ ]([^\r\n]{1,255}?)[ \t]*\r?\n", re.MULTILINE)
_LINE = re.compile(rb"([\x20-\x60])([\x20-\x60]*)[ \t]*\r?\n")
_FULL_LINES = re.compile(rb"(?:M[\x20-\x60]{60,62}[ \t]*+\r?\n)*+")
_END = re.compile(rb"end[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Where one stands in the bytes, from `begin` to behind `end`, and its lines between them."""

    name: bytes
    begin: int
    start: int
    stop: int
    end: int


def find(data: memoryview) -> tuple[File, ...]:
    """Return the files in a text, in order; what is not whole is none."""
    return tuple(islice(_files(data), MAX_FILES))


def _files(data: memoryview) -> Iterator[File]:
    at = odd = 0
    while odd < _MAX_ODD and (found := _BEGIN.search(data, at)):
        stop, short = _lines_end(data, found.end(), _MAX_ODD - odd)
        odd += short + 1
        closing = _END.match(data, stop)
        if closing and stop > found.end():
            yield File(name=bytes(found[1]), begin=found.start(), start=found.end(), stop=stop, end=closing.end())
        at = closing.end() if closing else max(stop, found.end())


def _lines_end(data: memoryview, at: int, most: int) -> tuple[int, int]:
    """Return where the lines end, and how many were short: the first character says how many bytes a line holds."""
    short = 0
    while short < most and (line := _LINE.match(data, at := _full_lines_end(data, at))):
        count = (line[1][0] - 32) & 63
        if len(line[2]) > 4 * ((count + 2) // 3) + 2:  # some writers add a check character
            break
        at = line.end()
        short += 1
    return at, short


def _full_lines_end(data: memoryview, at: int) -> int:
    found = _FULL_LINES.match(data, at)
    return found.end() if found else at


def without(data: memoryview, limit: int) -> bytes:
    """Return at most `limit` bytes of a text without its files."""
    kept, at = bytearray(), 0
    for begin, end in (*((each.begin, each.end) for each in find(data)), (len(data), len(data))):
        kept += data[at : min(begin, at + limit)]
        at = end
    return bytes(kept[:limit])
