"""A mail as a door hands it in: the bytes untouched, with a key under which a second arrival is the same one."""

import hashlib
from collections.abc import Sequence

from channels.base import RawEvent, clean_text
from channels.email import address, headers, references
from channels.email.headers import Headers


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


def _key(found: Headers, payload: bytes, body: int, mailboxes: Sequence[str]) -> str:
    message_id = references.message_id(found) if found.complete else ""
    content = memoryview(payload)[body if message_id else 0 :]
    digest = hashlib.sha256()
    for piece in (message_id, *sorted(set(mailboxes))):
        raw = piece.encode("utf-8", "backslashreplace")
        digest.update(b"%d:" % len(raw) + raw)
    digest.update(b"=")
    digest.update(content)
    return digest.hexdigest()


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
