"""Which part of a mail is what its writer said, and which parts are files."""

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass

from channels.base import Attachment, clean_text
from channels.email import alternatives, decode, headers, html
from channels.email.mime import Part, leaves
from channels.email.readable import MAX_LINES, NOTHING, Readable, joined, plain

MAX_NAME = 200
MAX_MARKED = 256 * 1024

_READABLE = ("text/plain", "text/html")
# What proves a mail rather than being sent with it, unless it comes as a named file.
_SIGNATURES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_FILE_NAME_ENDS = re.compile(r"^[\s.]*$")
# Types whose suffix the system's tables may lack or name differently from host to host.
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
    "message/rfc822": ".eml",
    "message/delivery-status": ".txt",
    "text/rfc822-headers": ".txt",
    "application/pgp-signature": ".asc",
    "application/octet-stream": ".bin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A part as it is read; not `whole` when the mail's budget ended before it did."""

    part: Part
    page: Readable
    whole: bool


class Body:
    """What a mail says and the files it brings. Each text is read once, all of them within one budget."""

    def __init__(self, root: Part) -> None:
        self.root = root
        self._left, self._lines_left = decode.MAX_TEXT, MAX_LINES
        self._leaves: dict[int, Leaf] = {}
        self._shown = self._read(root)
        self.page = joined(leaf.page for leaf in self._shown)

    def text(self) -> str:
        """Return the readable text: of alternatives the plain one, unless it does not say what the others show."""
        return self.noted(clean_text(self.page.text[: decode.MAX_TEXT]).strip("\n"))

    def noted(self, written: str) -> str:
        """Return a text of the mail with a note where parts of it were not read."""
        unread = self._unread() or any(part.unread for part in leaves(self.root))
        return f"{written}\n\n[Parts of this mail were over a limit and are attached unread.]" if unread else written

    def marked(self) -> Readable:
        """Return what the HTML shows that a plain text stands for, with its marks; nothing where there is no pair."""
        texts = self.readable()
        if [part.content_type for part in texts] != ["text/plain", "text/html"]:
            return NOTHING
        return self.leaf(texts[1]).page if texts[1].end - texts[1].start <= MAX_MARKED else NOTHING

    def readable(self) -> list[Part]:
        """Return the parts that are texts, whichever of them are shown."""
        return [part for part in leaves(self.root) if not is_file(part, self.root)]

    def leaf(self, part: Part) -> Leaf:
        """Return a text, read as far as the budget goes."""
        if id(part) not in self._leaves:
            self._leaves[id(part)] = self._spend(part)
        return self._leaves[id(part)]

    def _spend(self, part: Part) -> Leaf:
        if self._left <= 0 or self._lines_left <= 0:
            return Leaf(part=part, page=NOTHING, whole=not part.data)
        written, whole = part.written(self._left)
        page, ended = _page(part, part.text(written), self._lines_left)
        size = max(len(written), sum(map(len, page.lines)))
        whole = whole and ended and size <= self._left
        self._left -= size
        self._lines_left -= len(page.lines)
        return Leaf(part=part, page=page, whole=whole)

    def _read(self, part: Part) -> tuple[Leaf, ...]:
        if not part.children:
            return () if is_file(part, self.root) else (self.leaf(part),)
        if part.content_type == "multipart/alternative":
            return self._best(part)
        return tuple(leaf for child in part.children for leaf in self._read(child))

    def _best(self, part: Part) -> tuple[Leaf, ...]:
        plain_first = sorted(part.children, key=lambda child: not _holds_plain(child))
        read = (self._read(child) for child in plain_first)
        found = (each for each in read if any(leaf.page or not leaf.whole for leaf in each))
        first = next(found, ())
        text = _text(first)
        if not alternatives.is_short(text):
            return first
        return next((each for each in found if not alternatives.stands_for(text, _text(each))), first)

    def _unread(self) -> list[Part]:
        return [leaf.part for leaf in self._shown if not leaf.whole]

    def attachments(self) -> tuple[Attachment, ...]:
        """Return the files, still in their transfer encoding, with names that are names and never paths."""
        unread = {id(part) for part in self._unread()}
        texts = {id(part): part for part in self.readable() if id(part) not in unread}
        files = (part for part in leaves(self.root) if id(part) not in texts and _is_something(part))
        whole = [_attachment(part, number) for number, part in enumerate(files, start=1)]
        return (*whole, *(file for part in texts.values() for file in _uuencoded(part)))


def _text(shown: tuple[Leaf, ...]) -> str:
    return joined(leaf.page for leaf in shown).text


def _holds_plain(part: Part) -> bool:
    return any(leaf.content_type == "text/plain" for leaf in leaves(part))


def _page(part: Part, text: str, limit: int) -> tuple[Readable, bool]:
    """Return so many lines of a text, and whether they are all of it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if part.content_type == "text/html":
        page = html.read(text, limit)
        return page, len(page.lines) < limit
    lines = text.split("\n", limit)
    if part.parameters.get("format", "").lower() != "flowed":
        return Readable(lines=lines[:limit]), len(lines) <= limit
    flowing = unflow("\n".join(lines[:limit]), delete_space=part.parameters.get("delsp", "").lower() == "yes")
    return plain(flowing), len(lines) <= limit


def unflow(text: str, *, delete_space: bool) -> str:
    """Join the lines that RFC 3676 says are one paragraph; quote marks stay in front of each."""
    lines: list[str] = []
    flowing: list[str] = []
    depth = 0
    for line in text.split("\n"):
        here = len(line) - len(line.lstrip(">"))
        content = line[here:].removeprefix(" ")
        if flowing and here != depth:
            lines.append(_quoted(depth, flowing))
        depth = here
        flowing.append(content)
        if not content.endswith(" ") or content == "-- ":
            lines.append(_quoted(depth, flowing))
        elif delete_space:
            flowing[-1] = content[:-1]
    return "\n".join([*lines, _quoted(depth, flowing)] if flowing else lines)


def _quoted(depth: int, flowing: list[str]) -> str:
    paragraph = "".join(flowing)
    flowing.clear()
    return ">" * depth + " " + paragraph if depth else paragraph


def is_file(part: Part, root: Part) -> bool:
    """Say whether a leaf is a file; a whole mail of one text is its text, whatever name it has."""
    if part.content_type not in _READABLE or part.disposition == "attachment":
        return not _is_unsplit(part)
    return part is not root and bool(part.file_name)


def _is_unsplit(part: Part) -> bool:
    """Say whether this is a multipart without the boundary it names: it is shown as the text it is."""
    return part.content_type.startswith("multipart/") and not part.unread and part.disposition != "attachment"


def _uuencoded(part: Part) -> Iterator[Attachment]:
    for number, found in enumerate(part.files_within(), start=1):
        name = file_name(decode.text(found.name)) or f"file-{number}.bin"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        yield Attachment(name=name, content_type=kind, data=part.data[found.start : found.stop], encoding="uuencode")


def _is_something(part: Part) -> bool:
    if part.content_type in _SIGNATURES and part.disposition != "attachment" and not part.file_name:
        return False
    return part.start < part.end or part.disposition == "attachment" or bool(part.file_name)


def _attachment(part: Part, number: int) -> Attachment:
    return Attachment(
        name=_name(part, number),
        content_type=part.content_type,
        content_id=decode.line(part.headers.first("content-id")).strip("<> ") or None,
        data=part.data,
        encoding=part.encoding,
    )


def _name(part: Part, number: int) -> str:
    given = file_name(part.file_name)
    if part.content_type == "message/rfc822":
        subject = file_name(headers.read(part.payload, part.start, part.end)[0].first("subject"))
        return given or (subject or "message").removesuffix(".eml") + ".eml"
    return given or f"{part.content_type.partition('/')[0]}-{number}{_suffix(part.content_type)}"


def _suffix(content_type: str) -> str:
    return _SUFFIXES.get(content_type) or mimetypes.guess_extension(content_type) or ".bin"


def file_name(text: str) -> str:
    """Return a sender's name for a file without its path, or an empty text when nothing of it is a name.

    A slash may belong to the name ("Invoice 2026/11"), so what stands between slashes is kept, but for dots.
    """
    pieces = decode.line(text[:4096], 4096).rsplit("\\", 1)[-1].split("/")
    name = decode.line("_".join(piece for piece in pieces if not _FILE_NAME_ENDS.match(piece)), 4096)
    if _FILE_NAME_ENDS.match(name):
        return ""
    stem, dot, suffix = name.rpartition(".")
    if len(name) <= MAX_NAME or not dot or len(suffix) > 10:  # noqa: PLR2004 - longer is no suffix
        return name[:MAX_NAME]
    return f"{stem[: MAX_NAME - len(suffix) - 1]}.{suffix}"
