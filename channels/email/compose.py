"""A reply as the bytes of a mail: built by us, ASCII throughout, and read back before it may leave.

Python's generators before 3.11.10 and 3.12.5 write an encoded newline of a subject as a real one, which starts a header
of the writer's choice; nothing of them is used here.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import format_datetime

from channels.base import Attachment, Automatic, OutboundMessage, clean_text
from channels.email import address, decode, headers, markup, tokens
from channels.errors import Undeliverable

MAX_REFERENCES = 1_500
MAX_SUBJECT = 400
MAX_NAME = 120
MAX_FILE_NAME = 60

_LINE = 76
_WORD_BYTES = 42  # of UTF-8 in one encoded word: 56 base64 digits and the frame stay under the 75 that RFC 2047 allows
_PLAIN = re.compile(r"[\x20-\x7e]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_ASCII_ADDRESS = re.compile(r"[\x21-\x7e]{3,320}")
_MESSAGE_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,250}")
_CONTENT_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}")
_UNESCAPED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
# RFC 3834, and what Exchange and older programs look at instead.
_AUTOMATIC = (
    ("Auto-Submitted", "auto-replied"),
    ("X-Auto-Response-Suppress", "All"),
    ("Precedence", "auto_reply"),
)


def message_id(outbound: OutboundMessage) -> str:
    """Return the Message-ID of a send, without angle brackets: the same at every attempt."""
    return tokens.message_id(outbound.thread, outbound.idempotency_key, address.domain_of(_sender(outbound)))


def envelope(outbound: OutboundMessage) -> tuple[str, str]:
    """Return sender and recipient for the relay. Raises `Undeliverable` for addresses no mail can have."""
    return _sender(outbound), _recipient(outbound)


def compose(outbound: OutboundMessage, now: datetime) -> bytes:
    """Build the mail; `now` is its date where the message has none.

    Raises `Undeliverable` for impossible addresses and for what would not read back as meant.
    """
    fields = _fields(outbound, now)
    kind, content = _content(outbound)
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    mail = f"{head}MIME-Version: 1.0\r\n".encode("ascii") + kind + content
    _demand_as_meant(mail, [name.lower() for name, _ in fields], outbound)
    return mail


def _fields(outbound: OutboundMessage, now: datetime) -> list[tuple[str, str]]:
    own, sender = message_id(outbound), _sender(outbound)
    answered = [each for each in outbound.references if _MESSAGE_ID.fullmatch(each) and not each.startswith("sha256:")]
    fields = [
        ("From", _mailbox(outbound.sender_name, sender)),
        ("To", f"<{_recipient(outbound)}>"),
        ("Subject", _folded(decode.one_line(outbound.subject, MAX_SUBJECT), len("Subject: "))),
        ("Message-ID", f"<{own}>"),
        ("Date", format_datetime((outbound.written_at or now).astimezone(UTC))),
        ("X-Frontdesk", f"<{own}>"),
    ]
    if outbound.thread:
        fields.append(("Reply-To", f"<{address.with_tag(sender, 't' + outbound.thread)}>"))
    if answered:
        fields.append(("In-Reply-To", f"<{answered[-1]}>"))
        fields.append(("References", "\r\n ".join(f"<{each}>" for each in _shortened(answered))))
    return [*fields, *(() if outbound.automatic is Automatic.NO else _AUTOMATIC)]


def _sender(outbound: OutboundMessage) -> str:
    if outbound.sender is None:
        raise Undeliverable("the department has no mailbox to write from")
    return _writable(outbound.sender.value)


def _recipient(outbound: OutboundMessage) -> str:
    return _writable(outbound.to.value)


def _writable(text: str) -> str:
    try:
        normal = address.normalise(text)
    except ValueError:
        raise Undeliverable("not a mail address", code="5.1.3", bad_address=True) from None
    if not _ASCII_ADDRESS.fullmatch(normal):
        raise Undeliverable("the address needs SMTPUTF8, which is not offered", code="5.6.7", bad_address=True)
    return normal


def _shortened(ids: list[str]) -> list[str]:
    """Keep the first, which roots the thread, and as many of the newest as fit."""
    first, newest = ids[0], []
    room = MAX_REFERENCES - len(first) - 2
    for each in reversed(ids[1:]):
        room -= len(each) + len("<>\r\n ")
        if room < 0:
            break
        newest.append(each)
    return [first, *reversed(newest)]


def _plain(text: str) -> bool:
    """Say whether a text can stand as it is: ASCII, and nothing a reader would take for an encoded word."""
    return "=?" not in text and bool(_PLAIN.fullmatch(text))


def _mailbox(name: str, at: str) -> str:
    shown = decode.one_line(name, MAX_NAME)
    if not shown:
        return f"<{at}>"
    if not _plain(shown):
        return f"{_words(shown)}\r\n <{at}>"
    quoted = shown if _ATOMS.fullmatch(shown) else '"' + re.sub(r'(["\\])', r"\\\1", shown) + '"'
    return f"{quoted} <{at}>"


def _folded(text: str, used: int) -> str:
    if not _plain(text):
        return _words(text)
    lines, room = [""], _LINE - used
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= room:
            lines.append(word)
            room = _LINE
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def _words(text: str) -> str:
    pieces, piece = [], ""
    for character in text:
        if len((piece + character).encode()) > _WORD_BYTES:
            pieces.append(piece)
            piece = ""
        piece += character
    coded = (base64.b64encode(each.encode()).decode("ascii") for each in (*pieces, piece))
    return "\r\n ".join(f"=?utf-8?b?{each}?=" for each in coded)


def _content(outbound: OutboundMessage) -> tuple[bytes, bytes]:
    """Return the content headers with their closing empty line, and the body below them."""
    body, signature = clean_text(outbound.body).strip(), clean_text(outbound.signature).strip()
    text = _part("text/plain; charset=utf-8", markup.plain(body, signature))
    page = _part("text/html; charset=utf-8", markup.page(body, signature))
    kind, content = _multipart("alternative", [text, page], outbound.idempotency_key)
    if not outbound.attachments:
        return kind, content
    files = [_file(each) for each in outbound.attachments]
    return _multipart("mixed", [kind + content, *files], outbound.idempotency_key)


def _multipart(kind: str, parts: list[bytes], key: str) -> tuple[bytes, bytes]:
    """Join parts at a mark that cannot stand in them: neither of the encodings used writes `=_`."""
    mark = f"=_{kind}_{re.sub('[^0-9a-z]', '', key.lower())[:32]}".encode("ascii")
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return b'Content-Type: multipart/%s;\r\n boundary="%s"\r\n\r\n' % (
        kind.encode(),
        mark,
    ), body + b"--" + mark + b"--\r\n"


def _part(content_type: str, text: str) -> bytes:
    raw = text.replace("\n", "\r\n").encode() + b"\r\n"
    coded = re.sub(rb"\r?\n", b"\r\n", binascii.b2a_qp(raw, istext=True))
    return (
        f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode("ascii") + coded
    )


def _file(attachment: Attachment) -> bytes:
    kind = attachment.content_type.lower()
    kind = kind if _CONTENT_TYPE.fullmatch(kind) else "application/octet-stream"
    head = (
        f"Content-Type: {kind}\r\n"
        f"Content-Disposition: attachment;\r\n {_file_name(attachment.name)}\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    digits = base64.b64encode(attachment.content())
    return head.encode("ascii") + b"\r\n".join(digits[at : at + _LINE] for at in range(0, len(digits), _LINE))


def _file_name(name: str) -> str:
    shown = decode.one_line(name, MAX_NAME) or "file"
    stem, _, suffix = shown.rpartition(".")
    if len(shown) > MAX_FILE_NAME:
        shown = f"{stem[: MAX_FILE_NAME - 11]}.{suffix[:10]}" if stem else shown[:MAX_FILE_NAME]
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", shown)
    if plain == shown:
        return f'filename="{plain}"'
    extended = "".join(chr(byte) if byte in _UNESCAPED else f"%{byte:02X}" for byte in shown.encode())
    return f"filename=\"{plain}\";\r\n filename*=utf-8''{extended}"


def _demand_as_meant(mail: bytes, meant: list[str], outbound: OutboundMessage) -> None:
    """Read the head back with a reader that knows nothing of how it was built, and compare."""
    found, _ = headers.read(mail)
    names = sorted(name for name, values in found.values.items() for _ in values)
    to = address.mailboxes(found.first("to"))
    expected = sorted([*meant, "mime-version", "content-type"])
    if names != expected or [each.address for each in to] != [_recipient(outbound)] or not found.complete:
        raise Undeliverable("the mail would not read back as it was meant", code="header_injection")
