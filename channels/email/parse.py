"""Stored mail bytes into what happened: a message, or a report about a mail of ours. Pure, and secret-free.

Whatever a stranger sends, the only error is `Malformed`; a mail that is merely odd is read as far as it can be.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from channels.base import Automatic, DeliveryReport, ExternalId, InboundMessage, RawEvent, clean_line, clean_text
from channels.email import (
    address,
    authentication,
    automatic,
    bounce,
    decode,
    mime,
    original,
    references,
    reply_text,
)
from channels.email.address import Mailbox
from channels.email.body import Body
from channels.email.headers import Headers
from channels.errors import Malformed

_EARLIEST, _LATEST = 1980, 2200
_DAY = 24 * 60 * 60


def parse(raw: RawEvent, trusted: Collection[str] = ()) -> tuple[InboundMessage | DeliveryReport, ...]:
    """Translate one mail; `trusted` are the servers believed about its sender.

    Raises `Malformed` for headers over their limit or a From without exactly one mailbox.
    """
    root, mail_from = mime.read(raw.payload), _mail_from(raw.facts)
    report = bounce.report(root, mail_from, sent_at(root.headers))
    if report:
        return (report,)
    if address.sole_mailbox(root.headers.first("from")) is None and bounce.find(root, mail_from):
        return ()  # a mail system that has no address, about no mail of ours
    return (_message(Body(root), raw.facts, trusted),)


def _message(mail: Body, facts: Mapping[str, object], trusted: Collection[str]) -> InboundMessage:
    headers = mail.root.headers
    sender = sender_of(headers)
    sent_to = references.recipients(headers, _envelope(facts))
    subject = decode.line(headers.first("subject"))
    written = reply_text.new_text(mail, subject)
    return InboundMessage(
        external_id=_own_id(headers),
        sender=ExternalId(type="email", value=sender.address),
        sender_name=sender.name,
        recipients=_mailboxes(sent_to),
        subject=subject,
        body=clean_text(written.text),
        sent_at=sent_at(headers),
        references=references.references(headers, sent_to),
        attachments=mail.attachments(),
        automatic=_automatic(mail, facts, sent_to),
        certainly_automatic=automatic.certain(headers, _mail_from(facts)),
        authenticated=authentication.verdict(headers, trusted, sender.address),
        reply_to=reply_to(headers),
        cut_by=original.left_out(mail, written),
    )


def sender_of(headers: Headers) -> Mailbox:
    """Return who wrote a mail. Raises `Malformed`."""
    values = headers.all("from")
    mailbox = address.sole_mailbox(values[0]) if len(values) == 1 else None
    if mailbox is None:
        raise Malformed("From does not name exactly one mailbox")
    return mailbox


def reply_to(headers: Headers) -> str:
    """Return the addresses in Reply-To: data to show, since whoever writes a mail chooses them."""
    return clean_line(", ".join(each.address for each in address.mailboxes(headers.first("reply-to")[:16384])))


def _own_id(headers: Headers) -> ExternalId | None:
    value = references.message_id(headers)
    return ExternalId(type="email", value=value) if value else None


def _envelope(facts: Mapping[str, object]) -> Sequence[str]:
    given = facts.get("rcpt_tos")
    return [each for each in given if isinstance(each, str)] if isinstance(given, list | tuple) else []


def _mailboxes(sent_to: Sequence[str]) -> tuple[ExternalId, ...]:
    ours = dict.fromkeys(address.mailbox_of(each) for each in sent_to)
    return tuple(ExternalId(type="email", value=each) for each in ours)


def _automatic(mail: Body, facts: Mapping[str, object], sent_to: Sequence[str]) -> Automatic:
    return automatic.judge(mail, _mail_from(facts), sent_to[: len(_envelope(facts)) or None])[0]


def _mail_from(facts: Mapping[str, object]) -> str | None:
    given = facts.get("mail_from")
    return given if isinstance(given, str) else None


def sent_at(headers: Headers) -> datetime | None:
    """Return when the sender says the mail was written, in UTC; `None` for what is no date or no plausible one."""
    try:
        given = parsedate_tz(headers.first("date")[:100])
        if given is None or not _EARLIEST <= given[0] <= _LATEST or abs(given[9] or 0) > _DAY:
            return None
        return datetime(*given[:6], tzinfo=UTC) - timedelta(seconds=given[9] or 0)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
