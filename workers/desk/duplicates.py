"""Which other clients may be the same person. Proposals for people to judge: nothing is ever merged because of one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice

from sqlalchemy.orm import Session

from channels.base import ExternalId, Profile
from channels.email import address
from channels.phone import variants
from channels.twilio import numbers
from models.clients import Client, client_by_id, clients_alike, clients_known_as, names_of_client
from models.messages import last_said_by

# Of what a client wrote last, and of what is looked for in it: signatures repeat.
_MESSAGES = 5
_LONGEST = 20_000
_HINTS = 50
_PROPOSALS = 20

_NUMBER = re.compile(r"(?<![\w+])(?:\+|00)[1-9][\d ().\-/\u00a0]{5,24}\d(?!\d)")
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_NUMBER_CHANNELS = ("sms", "whatsapp")


class Reason(StrEnum):
    """Why two clients may be one person; the text is what agents read."""

    SAME_NUMBER = "has the same number"
    TYPED = "has an address or number that this client has mentioned"
    PROFILE = "has the mail address of this client's Slack profile"
    ALIKE = "has the same name and the same mail address at another domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Another client, and why."""

    client_id: int
    name: str
    reason: Reason


def possible_duplicates(session: Session, client_id: int, profiles: Sequence[Profile] = ()) -> list[Proposal]:
    """Return other clients who may be this one, the surest first; `profiles` are what Slack knows of them, if asked.

    Reads a bounded number of rows, and only the newest messages.
    """
    client = client_by_id(session, client_id)
    if client is None:
        return []
    names = names_of_client(session, client_id)
    hints = {
        Reason.SAME_NUMBER: (hint for each in names for hint in _by_every_channel(each)),
        Reason.PROFILE: _addresses(" ".join(each.email for each in profiles)),
        Reason.TYPED: (hint for text in last_said_by(session, client_id, _MESSAGES, _LONGEST) for hint in _typed(text)),
    }
    found: dict[int, Proposal] = {}
    for reason, wanted in hints.items():
        for other in clients_known_as(session, list(islice(wanted, _HINTS))):
            found.setdefault(other.id, _proposal(other, reason))
    for other in clients_alike(session, client.name, [_local_part(each) for each in names if each.type == "email"]):
        found.setdefault(other.id, _proposal(other, Reason.ALIKE))
    found.pop(client_id, None)
    return list(found.values())[:_PROPOSALS]


def _proposal(client: Client, reason: Reason) -> Proposal:
    return Proposal(client_id=client.id, name=client.name, reason=reason)


def _local_part(name: ExternalId) -> str:
    return name.value.rpartition("@")[0].partition("+")[0]


def _typed(text: str) -> Iterator[ExternalId]:
    yield from _addresses(text)
    for match in _NUMBER.finditer(text):
        # (0) is dialled within a country only, and 00 stands for the plus.
        yield from _numbers(re.sub(r"^00", "+", match[0].replace("(0)", "")))


def _addresses(text: str) -> Iterator[ExternalId]:
    for match in _ADDRESS.finditer(text):
        try:
            yield address.external_id(match[0].rstrip("."))
        except ValueError:
            continue


def _by_every_channel(name: ExternalId) -> Iterator[ExternalId]:
    if name.value.startswith("+"):
        yield from _numbers(name.value)


def _numbers(text: str) -> Iterator[ExternalId]:
    for channel in _NUMBER_CHANNELS:
        try:
            written = numbers.written_address(channel, text)
        except ValueError:
            continue
        yield from (replace(written, value=number) for number in variants(written.value))
