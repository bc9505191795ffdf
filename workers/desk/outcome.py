"""What recording an event needs and what it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from channels.base import AgentAction, ExternalId, InboundMessage, Menu, Parsed, Profile, Sheet
from models.attachments import StoredFile
from models.inbound_events import EventStatus

ALREADY_RECORDED = "recorded already, by another event"


class IgnoredError(Exception):
    """Nothing of an event may stay: this transaction is rolled back, and the event ignored for this reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A parsed event with what had to be asked of the outside before the transaction.

    `files` are the stored files of `parsed[index]`, `profiles` what the outside knows of the people in it.
    """

    parsed: tuple[Parsed, ...]
    files: Mapping[int, Sequence[StoredFile]] = field(default_factory=dict)
    profiles: Mapping[ExternalId, Profile | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A word to the one person who acted, by the address that came with it or else where it was; best effort."""

    text: str
    url: str = ""
    place: ExternalId | None = None
    thread: ExternalId | None = None
    person: ExternalId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A form for the one person who acted, at once or not at all; after the commit, like an answer."""

    trigger: str
    answer_url: str
    asked: Menu | Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What recording an event came to; `reason` says why it was ignored."""

    status: EventStatus = EventStatus.PROCESSED
    reason: str | None = None
    answers: tuple[Answer, ...] = ()
    asks: tuple[Ask, ...] = ()


def ignored(reason: str) -> Outcome:
    """Say that an event was understood and is nothing for us."""
    return Outcome(status=EventStatus.IGNORED, reason=reason)


def answer_to(said: InboundMessage | AgentAction, text: str) -> Answer:
    """Return a word to whoever wrote or acted, in the thread where it was; of a thread's first message, beside it."""
    if isinstance(said, InboundMessage):
        thread = next(iter(said.references), None)
        return Answer(text=text, place=said.external_id, thread=thread, person=said.sender)
    thread = said.thread if said.thread != said.message else None
    return Answer(text=text, url=said.answer_url, place=said.message, thread=thread, person=said.actor)


def answered(said: InboundMessage | AgentAction, text: str) -> Outcome:
    """Say something to whoever wrote or acted."""
    return Outcome(answers=(answer_to(said, text),))
