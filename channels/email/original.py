"""The whole of a mail as plain text, for whoever asks what was left out of the message. HTML becomes text here too."""

from collections.abc import Iterator

from channels.base import Attachment, clean_text
from channels.email import body, decode, html, mime
from channels.email.mime import Part
from channels.email.reply_text import NewText

FILE_NAME = "original.txt"

_SHOWN = ("From", "Reply-To", "To", "Cc", "Date", "Subject")
_LONGEST_LINE = 2000


def left_out(root: Part, new: NewText) -> str:
    """Name why a message is less than its mail: the rule that cut it, `html` for what was layout, else nothing."""
    has_html = any(part.content_type == "text/html" for part in _readable(root))
    return new.rule or new.signature or ("html" if has_html else "")


def as_file(payload: bytes) -> Attachment:
    """Return a mail as a text file. Raises `Malformed`."""
    return Attachment(name=FILE_NAME, content_type="text/plain", data=as_text(payload).encode())


def as_text(payload: bytes) -> str:
    """Return the headers people look at, the names of the files, and every readable part. Raises `Malformed`."""
    root = mime.read(payload)
    text = "\n\n".join(("\n".join(_head(root)), *_texts(root)))
    return clean_text(text[: decode.MAX_TEXT])


def _head(root: Part) -> Iterator[str]:
    for name in _SHOWN:
        if value := decode.line(root.headers.first(name.lower()), _LONGEST_LINE):
            yield f"{name}: {value}"
    for file in body.attachments(root):
        yield f"File: {file.name}"


def _texts(root: Part) -> Iterator[str]:
    parts = list(_readable(root))
    for part in parts:
        text = part.text()
        written = html.to_text(text) if part.content_type == "text/html" else text
        yield f"[{part.content_type}]\n\n{written}" if len(parts) > 1 else written


def _readable(root: Part) -> Iterator[Part]:
    return (part for part in mime.leaves(root) if not body.is_file(part, root))
