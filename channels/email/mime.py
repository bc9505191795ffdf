"""The parts of a mail as spans of its bytes: nothing is copied or decoded here, and nothing recurses.

Python's own parser builds strings of every part and walks by recursion; a mail of a stranger decides how deep.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote_to_bytes

from channels.email import decode, headers, uuencoded
from channels.email.headers import Headers
from channels.errors import Malformed

MAX_DEPTH = 30
MAX_PARTS = 200
# Places that look like a boundary and are none, in one multipart, before its search is given up.
_MAX_FALSE_STARTS = 2_000
_MAX_PARAMETERS = 50
_ALONE = -1  # the number of a parameter that is not in pieces

_PARAMETER = re.compile(r';\s*([^\s=;"]{1,60})\s*=\s*("(?:[^"\\]|\\.)*+"|[^;]*)', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)  # RFC 5322, 3.2.1
_CONTINUED = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_BOUNDARY_END = re.compile(rb"(--)?[ \t]*(\r?\n|\Z)")
_TYPE = re.compile(r"[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}", re.ASCII)
_ENCODINGS = ("base64", "quoted-printable")
_UNKNOWN_CHARSET = "[This mail names a character set that is not known; some letters may be wrong.]"
_UNREAD = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One node: its headers and where its body lies in the payload; `unread` when a limit kept us from opening it."""

    payload: bytes = field(repr=False)
    headers: Headers
    content_type: str
    parameters: dict[str, str]
    start: int
    end: int
    depth: int = 0
    unread: bool = False
    children: list["Part"] = field(default_factory=list)

    @property
    def encoding(self) -> str:
        """Return the transfer encoding where it is one that changes bytes, else an empty text."""
        named = self.headers.first("content-transfer-encoding").strip().strip("\"'").lower()
        return named if named in _ENCODINGS else ""

    @property
    def data(self) -> memoryview:
        """Return the encoded body without copying it."""
        return memoryview(self.payload)[self.start : self.end]

    @property
    def disposition(self) -> str:
        """Return `inline`, `attachment` or whatever else stands there."""
        return self.headers.first("content-disposition").partition(";")[0].strip().lower()

    @property
    def file_name(self) -> str:
        """Return the name a sender gave, still unclean, or an empty text."""
        given = parameters(self.headers.first("content-disposition"))
        places = ((given, "filename"), (self.parameters, "name"), (given, "name"), (self.parameters, "filename"))
        return next((found[name] for found, name in places if found.get(name)), self.parameters.get("file", ""))

    def text(self, written: bytes) -> str:
        """Return what was written here as text; behind it a word on a charset that nobody knows."""
        charset = self.parameters.get("charset", "")
        text = decode.text(written, charset)
        return text if written.isascii() or decode.known(charset) else f"{text.rstrip()}\n\n{_UNKNOWN_CHARSET}"

    def written(self, limit: int) -> tuple[bytes, bool]:
        """Return at most `limit` bytes of a text, still in its charset, and whether they are all of it."""
        if self.content_type == "text/plain" and not self.encoding:
            found = uuencoded.without(self.data, limit + 1)
        else:
            found = decode.transfer(self.data, self.encoding, limit + 1)
        reach = decode.REACH.get(self.encoding)
        return found[:limit], len(found) <= limit and (not reach or len(self.data) <= reach * limit)

    def files_within(self) -> tuple[uuencoded.File, ...]:
        """Return the files that stand in the midst of a text."""
        return uuencoded.find(self.data) if self.content_type == "text/plain" and not self.encoding else ()


def read(payload: bytes) -> Part:
    """Return the tree of a mail. Raises `Malformed` when its header block is over a limit."""
    found, body = headers.read(payload)
    if not found.complete:
        raise Malformed("the header block is over its limit")
    root = _part(payload, found, (body, len(payload)), 0)
    budget, todo = MAX_PARTS - 1, [root]
    while todo:
        part = todo.pop()
        part.children.extend(_children(part, budget))
        budget -= len(part.children)
        todo.extend(reversed(part.children))
    return root


def leaves(part: Part) -> Iterator[Part]:
    """Yield the parts that have no parts, in order."""
    todo = [part]
    while todo:
        node = todo.pop()
        if not node.children:
            yield node
        todo.extend(reversed(node.children))


def _part(payload: bytes, found: Headers, span: tuple[int, int], depth: int, default: str = "text/plain") -> Part:
    declared = found.first("content-type")[:4096]
    kind = declared.partition(";")[0].strip().lower()
    return Part(
        payload=payload,
        headers=found,
        content_type=kind if _TYPE.fullmatch(kind) else default,
        parameters=parameters(declared),
        start=span[0],
        end=span[1],
        depth=depth,
    )


def _children(part: Part, budget: int) -> list[Part]:
    boundary = part.parameters.get("boundary", "").rstrip()
    if part.unread or not part.content_type.startswith("multipart/") or not boundary:
        return []
    if part.depth >= MAX_DEPTH or budget < 1:
        return [_unread(part, part.start)] if budget > 0 else []
    default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    spans = list(islice(_spans(part, boundary.encode("utf-8", "replace")), budget + 1))
    kept = spans if len(spans) <= budget else spans[: budget - 1]
    children = [_child(part, span, default) for span in kept]
    return children if kept is spans else [*children, _unread(part, spans[budget - 1][0])]


def _child(parent: Part, span: tuple[int, int], default: str) -> Part:
    found, body = headers.read(parent.payload, *span)
    if not found.complete:
        return _unread(parent, *span)
    return _part(parent.payload, found, (body, span[1]), parent.depth + 1, default)


def _unread(parent: Part, start: int, end: int | None = None) -> Part:
    return Part(
        payload=parent.payload,
        headers=Headers(),
        content_type=_UNREAD,
        parameters={},
        start=start,
        end=parent.end if end is None else end,
        depth=parent.depth + 1,
        unread=True,
    )


def _spans(part: Part, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the parts lie between the boundary lines; an unclosed last part ends with its parent."""
    begun = -1
    for line_start, line_end, closing in _boundary_lines(part, b"--" + boundary):
        if begun >= 0:
            yield begun, max(begun, _without_line_end(part.payload, line_start))
        if closing:
            return
        begun = line_end
    if begun >= 0:
        yield begun, part.end


def _boundary_lines(part: Part, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    payload, at, false_starts = part.payload, part.start, 0
    while false_starts < _MAX_FALSE_STARTS:
        found = payload.find(mark, at, part.end)
        if found < 0:
            return
        end = _BOUNDARY_END.match(payload, found + len(mark), part.end)
        if end and (found == part.start or payload[found - 1] == ord("\n")):
            yield found, end.end(), end[1] is not None
            at = end.end()
        else:
            false_starts += 1
            at = found + len(mark)


def _without_line_end(payload: bytes, at: int) -> int:
    at -= payload[at - 1 : at] == b"\n"
    return at - (payload[at - 1 : at] == b"\r")


def parameters(value: str) -> dict[str, str]:
    """Return the parameters of a Content-Type or Content-Disposition, RFC 2231 pieces joined and decoded."""
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for match in islice(_PARAMETER.finditer(value[:8192]), _MAX_PARAMETERS):
        name = _CONTINUED.fullmatch(match[1].lower())
        if name:
            pieces.setdefault(name[1], []).append((int(name[2] or _ALONE), bool(name[3]), _unquoted(match[2])))
    return {name: _joined(found) for name, found in pieces.items()}


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        return _QUOTED_PAIR.sub(r"\1", value[1:-1])
    return value.strip('"')


def _joined(pieces: list[tuple[int, bool, str]]) -> str:
    """Choose among the ways to write one parameter: `name*`, else the numbered pieces in order, else `name`."""
    alone = [piece for piece in pieces if piece[0] < 0]
    pieces = [piece for piece in alone if piece[1]][:1] or sorted(set(pieces) - set(alone)) or alone[:1]
    if not any(extended for _, extended, _ in pieces):
        return decode.header("".join(value for _, _, value in pieces))
    charset, raw = "", b""
    for order, extended, value in pieces:
        if extended and order <= 0 and value.count("'") > 1:
            charset, _, value = value.split("'", 2)  # noqa: PLW2901 - the piece without its charset and language
        raw += unquote_to_bytes(value) if extended else value.encode("utf-8", "replace")
    return decode.text(raw, charset)
