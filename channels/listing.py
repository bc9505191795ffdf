"""Tickets in a row, as agents see them at home, in the answer to a command and in a digest."""

from dataclasses import dataclass
from datetime import datetime

from models.external_ids import ExternalId


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketLine:
    """One ticket in a line; `waiting_since` is empty where the client's answer is awaited, `thread` without a card."""

    ticket_id: int
    title: str
    client: str
    channel: str
    status: str
    priority: str
    opened_at: datetime
    waiting_since: datetime | None = None
    assignees: tuple[str, ...] = ()
    thread: ExternalId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Tickets under a title; `left_out` counts those beyond the ones shown, which `more` says how to see.

    `empty` is said where there are no lines, `below` under them. With `free`, nobody has these tickets.
    """

    title: str
    lines: tuple[TicketLine, ...] = ()
    left_out: int = 0
    more: str = ""
    empty: str = ""
    below: str = ""
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """What one person sees when they open the app: a word about what they just did, or why there is no more."""

    listings: tuple[Listing, ...] = ()
    notice: str = ""
