"""A header block as text values by lower-case name, read from bytes within fixed limits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.email import decode

MAX_BYTES = 64 * 1024
MAX_COUNT = 500
MAX_LINES = 2_000

_BLANKS = b" \t\r\n"
_BLANK_LINE = re.compile(rb"\n\r?\n")
# Before the first header: the envelope line of a mailbox file, or white space that a gateway left.
_SKIPPED = re.compile(rb">?From |[ \t]+\r?$")
_CHARSET = re.compile(rb"""charset\s?=\s?["']?([a-z0-9_.:+-]{1,60})""", re.IGNORECASE)
_NAME = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,200})[ \t]*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """Unfolded values in the order they stood; `complete` is false when the block was over a limit."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: bool = True

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of the header `name`, given in lower case."""
        return self.values.get(name, ())

    def first(self, name: str) -> str:
        """Return the first value, or an empty text."""
        return next(iter(self.all(name)), "")


def read(data: bytes, start: int = 0, end: int | None = None) -> tuple[Headers, int]:
    """Read the block at `start`; return it with the offset where the body begins. Never raises.

    A line that is no header ends the block and begins the body, as when the empty line between them is missing.
    """
    stop = len(data) if end is None else end
    window_end = min(stop, start + MAX_BYTES)
    blank = _BLANK_LINE.search(data, start, min(stop, window_end + 2))
    block_end = blank.start() + 1 if blank else window_end
    fields, at, within = _fields(data[start:block_end])
    complete = within and (blank is not None or at < block_end - start or window_end == stop)
    body = blank.end() if blank and start + at == block_end else start + at
    return Headers(values=_by_name(fields[:MAX_COUNT]), complete=complete), min(body, stop)


def _fields(block: bytes) -> tuple[list[tuple[str, list[bytes]]], int, bool]:
    """Return the fields, where they end, and whether they are within the limits, at which reading stops."""
    fields: list[tuple[str, list[bytes]]] = []
    at = 0
    for number, line in enumerate(block.split(b"\n")):
        if number > MAX_LINES or len(fields) > MAX_COUNT:
            return fields, at, False
        match = _NAME.match(line)
        if match:
            fields.append((match[1].decode("ascii").lower(), [line[match.end() :].strip(_BLANKS)]))
        elif fields and line[:1] in b" \t" and line:
            fields[-1][1].append(line.strip(_BLANKS))
        elif fields or not _SKIPPED.match(line):
            return fields, _after_empty_line(line, at, len(block)), True
        at += len(line) + 1
    return fields, len(block), len(fields) <= MAX_COUNT


def _after_empty_line(line: bytes, at: int, end: int) -> int:
    if line in {b"", b"\r"}:
        return min(at + len(line) + 1, end)
    return at


def _by_name(fields: list[tuple[str, list[bytes]]]) -> dict[str, tuple[str, ...]]:
    values: dict[str, list[str]] = {}
    declared = next((b" ".join(pieces) for name, pieces in fields if name == "content-type"), b"")
    charset = _CHARSET.search(declared[:1000])
    named = charset[1].decode("ascii") if charset else ""
    for name, pieces in fields:
        values.setdefault(name, []).append(decode.unlabelled(b" ".join(pieces), named))
    return {name: tuple(found) for name, found in values.items()}
