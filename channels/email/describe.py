"""What the desk makes of a mail and by which rules, from its bytes alone: for people who ask why. Never raises."""

from collections.abc import Collection
from dataclasses import dataclass

from channels.base import Automatic
from channels.email import (
    address,
    authentication,
    automatic,
    bounce,
    decode,
    mime,
    parse,
    references,
    reply_text,
)
from channels.email.address import Mailbox
from channels.email.body import Body
from channels.email.mime import Part
from channels.errors import Malformed

_MAX_FROM = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as its message lists it."""

    name: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounced:
    """Whose mail came back, with the status of RFC 3463."""

    recipient: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A mail as the desk reads it. What ends in `_by` is the name of the rule that decided, empty where none did.

    `set_aside` says why the mail would become no message; then the rest is as far as it could be read.
    """

    set_aside: str = ""
    subject: str = ""
    from_address: str = ""
    reply_to: str = ""
    authenticated: str = ""
    reply_text: str = ""
    cut_by: str = ""
    signature_by: str = ""
    text: str = ""
    attachments: tuple[File, ...] = ()
    auto_generated: bool = False
    automatic: str = Automatic.NO
    automatic_by: str = ""
    bounce: Bounced | None = None
    bounce_by: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


def describe(payload: bytes, trusted: Collection[str] = ()) -> Description:
    """Read a mail that came without an envelope; `trusted` are the servers believed about its sender."""
    try:
        root = mime.read(payload)
    except Malformed as error:
        return Description(set_aside=str(error))
    headers, mail = root.headers, Body(root)
    sender, set_aside = _sender(root)
    subject = decode.line(headers.first("subject"))
    new = reply_text.new_text(mail, subject)
    kind, automatic_by = automatic.judge(mail, None, ())
    bounced = bounce.find(root, None)
    return Description(
        set_aside=set_aside,
        subject=subject,
        from_address=sender.shown if sender else "",
        reply_to=parse.reply_to(headers),
        authenticated=authentication.verdict(headers, trusted, sender.address if sender else ""),
        reply_text=new.text,
        cut_by=new.rule,
        signature_by=new.signature,
        text=mail.text(),
        attachments=tuple(File(name=each.name, size=len(each.content())) for each in mail.attachments()),
        auto_generated=kind is not Automatic.NO,
        automatic=kind,
        automatic_by=automatic_by,
        bounce=Bounced(recipient=bounced.recipient, status=bounced.status) if bounced else None,
        bounce_by=bounced.rule if bounced else "",
        message_id=references.message_id(headers),
        in_reply_to=next(iter(references.message_ids(headers.first("in-reply-to"))), ""),
        references=references.message_ids(headers.first("references")),
    )


def _sender(root: Part) -> tuple[Mailbox | None, str]:
    """Return the first address in From, and why nobody is taken for the writer if that is so."""
    named = next(iter(address.mailboxes(root.headers.first("from")[:_MAX_FROM])), None)
    try:
        return parse.sender_of(root.headers), ""
    except Malformed as error:
        return named, str(error)
