"""What agents see: cards, buttons, menus and forms, and the marks on their own messages."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Mark(StrEnum):
    """What agents see on their own message: waiting, delivered, read, failed, or nothing."""

    NONE = ""
    WAITING = "waiting"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


class Sign(StrEnum):
    """What a sign on the card says, whoever put it there; an agent's asks for it."""

    TAKEN = "taken"
    CLOSED = "closed"
    URGENT = "urgent"


_SPELLED = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp", "slack": "Slack"}


def spelled(channel: str) -> str:
    """Return a channel's name as people write it."""
    return _SPELLED.get(channel, channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message of ours; pressing it comes back as an `AgentAction` with this action and value."""

    label: str
    action: str
    value: str
    danger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that can be chosen: its words, and what comes back."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """A choice under a card or in a form; it comes back as an `AgentAction` with this action and value, and `choices`.

    `chosen` are the values chosen now. `several` says that any number may be chosen, none too: in forms only. `title`
    stands above a form that is not about the ticket that `value` names.
    """

    label: str
    action: str
    value: str
    choices: tuple[Choice, ...]
    chosen: tuple[str, ...] = ()
    several: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """A place to write in: its name, and what it asks for."""

    name: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A form to write in: `text` above its blanks. It comes back as an `AgentAction` with this action and `filled`."""

    label: str
    action: str
    value: str
    text: str
    blanks: tuple[Blank, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketCard:
    """What the agents see of a ticket at a glance; rendered at the moment of sending.

    `buttons` come after those that fit every ticket, `more` are kept behind a further press. `answer_until` is when the
    channel stops taking answers, `note` what agents must know to answer. With `moved_to` the ticket is worked on
    elsewhere, and the card says only that. `signs` stand beside it.
    """

    ticket_id: int
    title: str
    client: str
    channel: str
    department: str
    status: str
    priority: str
    opened_at: datetime
    address: str = ""
    assignees: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    note: str = ""
    buttons: tuple[Button, ...] = ()
    merged_into: int | None = None
    menus: tuple[Menu, ...] = ()
    more: tuple[Button, ...] = ()
    answer_until: datetime | None = None
    moved_to: str = ""
    signs: frozenset[Sign] = frozenset()
