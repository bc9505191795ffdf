"""Which part of a mail is what its writer said, and which parts are files."""

import mimetypes
import re
from collections.abc import Iterator

from channels.base import Attachment, clean_text
from channels.email import decode, headers, html
from channels.email.mime import Part, leaves
from channels.email.readable import NOTHING, Readable, joined, plain

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


def text(root: Part) -> str:
    """Return the readable text: of alternatives the plain one, unless it is empty."""
    return noted(root, clean_text(read(root).text[: decode.MAX_TEXT]).strip("\n"))


def noted(root: Part, written: str) -> str:
    """Return a text of the mail with a note where parts of it were not read."""
    unread = any(part.unread for part in leaves(root))
    return f"{written}\n\n[Parts of this mail were over a limit and are attached unread.]" if unread else written


def read(root: Part) -> Readable:
    """Return the readable lines, still unclean: of alternatives the plain ones, unless they are empty."""
    return _read(root, root)


def marked(root: Part) -> Readable:
    """Return what the HTML shows that a plain text stands for, with its marks; nothing where there is no such pair."""
    texts = [part for part in leaves(root) if not is_file(part, root)]
    if [part.content_type for part in texts] != ["text/plain", "text/html"]:
        return NOTHING
    return _leaf(texts[1]) if texts[1].end - texts[1].start <= MAX_MARKED else NOTHING


def _read(part: Part, root: Part) -> Readable:
    if not part.children:
        return NOTHING if is_file(part, root) else _leaf(part)
    if part.content_type == "multipart/alternative":
        return _best(part, root)
    return joined(_read(child, root) for child in part.children)


def _best(part: Part, root: Part) -> Readable:
    plain_first = sorted(part.children, key=lambda child: not _holds_plain(child))
    return next((found for found in (_read(child, root) for child in plain_first) if found), NOTHING)


def _holds_plain(part: Part) -> bool:
    return any(leaf.content_type == "text/plain" for leaf in leaves(part))


def _leaf(part: Part) -> Readable:
    written = part.text().replace("\r\n", "\n").replace("\r", "\n")
    if part.content_type == "text/html":
        return html.read(written)
    if part.parameters.get("format", "").lower() == "flowed":
        written = unflow(written, delete_space=part.parameters.get("delsp", "").lower() == "yes")
    return plain(written)


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


def attachments(root: Part) -> tuple[Attachment, ...]:
    """Return the files, still in their transfer encoding, with names that are names and never paths."""
    parts = list(leaves(root))
    files = [part for part in parts if is_file(part, root) and _is_something(part)]
    whole = [_attachment(part, number) for number, part in enumerate(files, start=1)]
    return (*whole, *(file for part in parts if not is_file(part, root) for file in _uuencoded(part)))


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
