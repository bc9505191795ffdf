"""The whole of a mail as plain text, for whoever asks what was left out of the message. HTML becomes text here too."""

from collections.abc import Iterator

from channels.base import Attachment, clean_text
from channels.email import decode, mime
from channels.email.body import Body
from channels.email.reply_text import NewText

FILE_NAME = "original.txt"

_SHOWN = ("From", "Reply-To", "To", "Cc", "Date", "Subject")
_LONGEST_LINE = 2000
_CUT = "[The rest is over a limit.]"


def left_out(mail: Body, new: NewText) -> str:
    """Name why a message is less than its mail: the rule that cut it, `html` for what was layout, else nothing."""
    has_html = any(part.content_type == "text/html" for part in mail.readable())
    return new.rule or new.signature or ("html" if has_html else "")


def as_file(payload: bytes) -> Attachment:
    """Return a mail as a text file. Raises `Malformed`."""
    return Attachment(name=FILE_NAME, content_type="text/plain", data=as_text(payload).encode())


def as_text(payload: bytes) -> str:
    """Return the headers people look at, the names of the files, and every readable part. Raises `Malformed`."""
    mail = Body(mime.read(payload))
    text = "\n\n".join(("\n".join(_head(mail)), *_texts(mail)))
    return clean_text(text[: decode.MAX_TEXT])


def _head(mail: Body) -> Iterator[str]:
    for name in _SHOWN:
        if value := decode.line(mail.root.headers.first(name.lower()), _LONGEST_LINE):
            yield f"{name}: {value}"
    for file in mail.attachments():
        yield f"File: {file.name}"


def _texts(mail: Body) -> Iterator[str]:
    """Give what the message shows first its share of the budget, then the other alternatives."""
    parts = mail.readable()
    for leaf in map(mail.leaf, parts):
        written = leaf.page.text if leaf.whole else f"{leaf.page.text}\n\n{_CUT}".lstrip()
        yield f"[{leaf.part.content_type}]\n\n{written}" if len(parts) > 1 else written
