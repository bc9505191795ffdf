"""A mail as a door hands it in: the bytes untouched, with a key under which a second arrival is the same one."""

import hashlib
from collections.abc import Sequence

from channels.base import RawEvent, clean_text
from channels.email import address, headers, references
from channels.email.address import mailbox_of
from channels.email.headers import Headers
from channels.errors import Malformed


def raw_event(
    payload: bytes, *, mail_from: str, rcpt_tos: Sequence[str], peer: str, mailboxes: Sequence[str]
) -> RawEvent:
    """Wrap one mail from SMTP; `mailboxes` are ours it is for. Never raises, whatever the payload.

    The key holds over other Received headers, and differs for another body under the same Message-ID.
    """
    found, body = headers.read(payload)
    key = _key(found, payload, body, mailboxes)
    return RawEvent(
        channel="email",
        external_id=key,
        conversation=_conversation(found, mail_from) or key,
        payload=payload,
        facts={
            "mail_from": _fact(mail_from),
            "rcpt_tos": [_fact(each) for each in rcpt_tos],
            "peer": _fact(peer),
            "via": "smtp",
        },
    )


def named_in(payload: bytes) -> tuple[str, ...]:
    """Return the addresses that a mail's headers say it was sent to, tags kept: for a door without an envelope."""
    found, _ = headers.read(payload)
    return references.recipients(found, ())


def fetched_event(payload: bytes, *, mailbox: str, address: str, rcpt_tos: Sequence[str]) -> RawEvent:
    """Wrap one mail fetched from a `mailbox` that has this address; `rcpt_tos` are ours that it is for, tags kept.

    Its key is that of the same mail by SMTP. Never raises, whatever the payload.
    """
    found, body = headers.read(payload)
    key = _key(found, payload, body, [mailbox_of(each) for each in rcpt_tos])
    return RawEvent(
        channel="email",
        external_id=key,
        conversation=_conversation(found, "") or key,
        payload=payload,
        facts={
            "via": "imap",
            "mailbox": mailbox,
            "address": address,
            "rcpt_tos": [_fact(each) for each in rcpt_tos],
            **_envelope_sender(found),
        },
    )


def _envelope_sender(found: Headers) -> dict[str, str]:
    """Return what the server that took the mail wrote down of its envelope (RFC 5321, 4.4): empty for a bounce."""
    paths = found.all("return-path")
    return {"mail_from": _fact(paths[0].strip().strip("<>").strip())} if paths else {}


def set_aside_event(header: bytes, *, mailbox: str, address: str, place: str, reason: str) -> RawEvent:
    """Wrap what is known of a mail that cannot be had: it ends as `failed`, with the reason. `place` tells it apart."""
    found, _ = headers.read(header)
    key = "set-aside:" + hashlib.sha256(f"{place}\n".encode() + header).hexdigest()
    return RawEvent(
        channel="email",
        external_id=key,
        conversation=_conversation(found, "") or key,
        payload=header,
        facts={"via": "imap", "mailbox": mailbox, "address": address, "set_aside": reason, "place": place},
    )


def refuse_set_aside(raw: RawEvent) -> None:
    """Raise `Malformed` for a mail of which the door could not get the whole."""
    reason = raw.facts.get("set_aside")
    if isinstance(reason, str):
        raise Malformed(reason)


# What tells a mail without a Message-ID apart; servers on its way add other headers and leave these.
_TELLING = ("date", "from", "to", "cc", "subject", "in-reply-to", "references")


def _key(found: Headers, payload: bytes, body: int, mailboxes: Sequence[str]) -> str:
    names = _names(found)
    content = memoryview(payload)[body if any(names) else 0 :]
    digest = hashlib.sha256()
    for piece in (*names, *sorted(set(mailboxes))):
        raw = piece.encode("utf-8", "backslashreplace")
        digest.update(b"%d:" % len(raw) + raw)
    digest.update(b"=")
    digest.update(content)
    return digest.hexdigest()


def _names(found: Headers) -> tuple[str, ...]:
    """Return what names a mail wherever it passes: its Message-ID, else its date and its like, or nothing."""
    message_id = references.message_id(found) if found.complete else ""
    if message_id or not (found.complete and found.first("date")):
        return (message_id,)
    return ("", *("\n".join(found.all(name)) for name in _TELLING))


def _conversation(found: Headers, mail_from: str) -> str:
    senders = found.all("from")
    mailbox = address.sole_mailbox(senders[0][:16384]) if len(senders) == 1 else None
    if mailbox:
        return mailbox.address
    try:
        return address.normalise(mail_from)
    except ValueError:
        return ""


def _fact(text: str) -> str:
    return clean_text(text)[: address.MAX_LENGTH]
