"""What a mail says it answers: reply tokens, Message-IDs, a ticket number in the subject. Nothing is checked here."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from channels.base import ExternalId
from channels.email import address, decode, tokens
from channels.email.headers import Headers

# Our mark, kept where a relay replaces the Message-ID.
LOOP_HEADER = "x-frontdesk"
MAX_REFERENCES = 50
MAX_TOKENS = 10
MAX_RECIPIENTS = 50

# Where a mail's way to us leaves the address it was sent to, most direct first.
RECIPIENT_HEADERS = (
    "x-gm-original-to",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-forwarded-to",
    "resent-to",
    "to",
    "cc",
)
_IN_ANGLES = re.compile(r"<([^<>]{1,1000})>")
_BETWEEN = re.compile(r"[\s<>,;\"()]+")
_SUBJECT_TAG = re.compile(r"\[#([1-9][0-9]{0,9})\]")
_MAX_TICKET = 2**31 - 1


def message_ids(value: str) -> tuple[str, ...]:
    """Return the Message-IDs in a header, without angle brackets and the white space of broken folding.

    Python's own mail library folds a long Message-ID into encoded words: they are read too.
    """
    value = decode.header(value[:16384])
    found = _IN_ANGLES.findall(value) or [each for each in _BETWEEN.split(value) if "@" in each]
    return tuple(text for text in ("".join(each.split()) for each in found) if text)


def message_id(headers: Headers) -> str:
    """Return the mail's own Message-ID, or an empty text."""
    value = headers.first("message-id")
    return next(iter(message_ids(value)), "".join(value.split())[:1000])


def recipients(headers: Headers, envelope: Iterable[str]) -> tuple[str, ...]:
    """Return whom the mail was sent to, tags kept: the envelope first, then what the headers say."""
    named = (mailbox.address for name in RECIPIENT_HEADERS for mailbox in _mailboxes(headers, name))
    return tuple(islice(dict.fromkeys((*_normal(envelope), *named)), MAX_RECIPIENTS))


def _normal(addresses: Iterable[str]) -> Iterator[str]:
    for text in addresses:
        try:
            yield address.normalise(text)
        except ValueError:
            continue


def _mailboxes(headers: Headers, name: str) -> Iterator[address.Mailbox]:
    for value in headers.all(name)[:10]:
        yield from address.mailboxes(value[:16384])


def references(headers: Headers, sent_to: Iterable[str]) -> tuple[ExternalId, ...]:
    """Return what the mail answers, in the order to try."""
    answered = message_ids(headers.first("in-reply-to"))[:5]
    earlier = message_ids(headers.first("references")[-16384:])[::-1]
    ids = tuple(dict.fromkeys((*answered, *earlier)))[:MAX_REFERENCES]
    return (
        *(ExternalId(type="reply_token", value=token) for token in _tokens(sent_to, ids)),
        *(ExternalId(type="email", value=value) for value in ids),
        *(ExternalId(type="subject_tag", value=number) for number in subject_tags(headers.first("subject"))),
    )


def _tokens(sent_to: Iterable[str], ids: Iterable[str]) -> tuple[str, ...]:
    places = (*(address.plus_part(each) for each in sent_to), *(each.partition("@")[0] for each in ids))
    found = (tokens.find(place) for place in places)
    return tuple(islice(dict.fromkeys(token for token in found if token), MAX_TOKENS))


def subject_tags(subject: str) -> tuple[str, ...]:
    """Return the ticket numbers in `[#123]` marks."""
    numbers = dict.fromkeys(match[1] for match in _SUBJECT_TAG.finditer(subject[:4096]))
    return tuple(number for number in numbers if int(number) <= _MAX_TICKET)[:3]
