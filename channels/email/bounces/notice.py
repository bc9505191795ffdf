"""What a mail system wrote about a mail, apart from the mail that it sends back."""

import re
from dataclasses import dataclass
from itertools import islice

from channels.base import clean_text
from channels.email import address, decode, headers, html, mime
from channels.email.bounces import words
from channels.email.headers import Headers
from channels.email.mime import Part
from channels.errors import Malformed

MAX_TEXT = 32 * 1024
STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
RETURNED_TYPES = (
    "message/rfc822",
    "message/global",
    "message/rfc822-headers",
    "message/global-headers",
    "text/rfc822-headers",
)

_MAX_PARTS = 20
_MAX_PAGES = 3
_MAX_LINES = 2_000
_RULED = re.compile(r"\s*[-=*#_+~]{2,}|.{0,200}[-:=]\s*\Z")
_RETURNED_LINE = re.compile(
    r"(?:received|return-path|message-id|mime-version|dkim-signature|domainkey-signature|authentication-results|"
    r"arc-[a-z-]{4,40}|x-originating-ip|x-mailer|x-envelope-[a-z]{2,10}):",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,60}:(?:\s|\Z)|[ \t]+\S|From \S")
_ANSWERS = re.compile(r"\s*(?:re|aw|sv|antw|fwd?|wg|tr)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A mail read as a notice: its `text`, the same in `words`, the status parts, and the `returned` mail's text."""

    root: Part
    subject: str
    text: str
    words: str
    status_parts: tuple[Part, ...] = ()
    returned: str = ""

    @property
    def headers(self) -> Headers:
        """Return the headers of the notice itself."""
        return self.root.headers

    def returned_headers(self) -> Headers:
        """Return the headers of the mail that came back, as far as they came along."""
        return headers.read(self.returned.lstrip().encode("utf-8", "replace"))[0]


def read(root: Part) -> Notice:
    """Read a mail as if it were a notice; whether it is one is for the rules to say."""
    parts = list(islice(mime.leaves(root), _MAX_PARTS))
    subject = decode.line(root.headers.first("subject")[:2000])
    text, rest = _apart(_text(parts))
    returned = (decode.text(_start(part)) for part in parts if part.content_type in RETURNED_TYPES)
    return Notice(
        root=root,
        subject=subject,
        text=text,
        words=words.plain(f"{subject}\n{_unquoted(text)}"),
        status_parts=tuple(part for part in parts if part.content_type in STATUS_TYPES),
        returned=clean_text(next((each for each in returned if each.strip()), rest)),
    )


def returned_report(notice: Notice) -> Notice | None:
    """Return the report that came back in place of a mail: gateways wrap those of the servers behind them."""
    try:
        root = mime.read(notice.returned.lstrip().encode("utf-8", "replace"))
    except Malformed:
        return None
    return read(root) if root.content_type == "multipart/report" else None


def _start(part: Part) -> bytes:
    return decode.transfer(part.data, part.encoding, MAX_TEXT)


def _text(parts: list[Part]) -> str:
    """Return what is there to read; HTML where there is no plain text."""
    plain = [part for part in parts if _is_plain(part)]
    if any(_start(part).strip() for part in plain):
        written = (decode.text(_start(part), part.parameters.get("charset", "")) for part in plain)
    else:
        pages = islice((part for part in parts if part.content_type == "text/html"), _MAX_PAGES)
        written = (html.to_text(decode.text(_start(page), page.parameters.get("charset", ""))) for page in pages)
    return clean_text("\n\n".join(written)[:MAX_TEXT])


def _is_plain(part: Part) -> bool:
    """Count a multipart that could not be split, and a status part: some systems write prose there."""
    kind = part.content_type
    return kind in ("text/plain", *STATUS_TYPES) or (kind.startswith("multipart/") and not part.unread)


def _apart(text: str) -> tuple[str, str]:
    """Cut a text where the copy of the mail begins: at a line that says so, or at headers of transport."""
    lines = text.split("\n", _MAX_LINES)
    for number, line in enumerate(lines):
        if _heads_copy(line):
            return "\n".join(lines[:number]), "\n".join(lines[number + 1 :])
        if number and _RETURNED_LINE.match(line):
            begin = _block_start(lines, number)
            return "\n".join(lines[:begin]), "\n".join(lines[begin:])
    return text, ""


def _heads_copy(line: str) -> bool:
    return len(line) < 200 and bool(_RULED.match(line)) and words.holds(words.plain(line), "copies")  # noqa: PLR2004 - a heading is short


def _block_start(lines: list[str], at: int) -> int:
    while at > 1 and _HEADER_LINE.match(lines[at - 1]):
        at -= 1
    return at


def _unquoted(text: str) -> str:
    """Leave out what a person would quote; `>>>` begins a line of a transcript."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(">") or line.startswith(">>>"))


def from_mail_system(notice: Notice, mail_from: str | None) -> bool:
    """Say whether a mail system is the sender, by its address or name, or by having none."""
    if _ANSWERS.match(notice.subject) and not null_sender(notice.headers, mail_from):
        return False
    sender = notice.headers.first("from")[:1000]
    mailbox = address.sole_mailbox(sender)
    if mailbox is None:
        return null_sender(notice.headers, mail_from) or _named(sender)
    local = mailbox.address.rpartition("@")[0].partition("+")[0].partition("=")[0]
    return words.is_one(local, "senders") or words.is_one(words.plain(mailbox.name), "sender_names")


def _named(sender: str) -> bool:
    """Judge a From that holds no address that mail could go to, such as `Mail Delivery System <>`."""
    plain = words.plain(decode.line(sender)).replace("<>", "")
    return words.holds(plain, "sender_names") or words.is_one(plain.partition("@")[0].strip("<> "), "senders")


def null_sender(headers: Headers, mail_from: str | None) -> bool:
    """Say whether a mail asks for no answer in its envelope."""
    if mail_from is None:
        return headers.first("return-path").strip() == "<>"
    return mail_from.strip() in {"", "<>"}
