"""Channels that take answers for a while only: when the client was last heard, and who was reminded of the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, func, literal, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base
from models.inbound_events import InboundEvent
from models.messages import Message, MessageSource
from models.tickets import Ticket, TicketStatus

_WAITING = (TicketStatus.OPEN, TicketStatus.WAITING_FOR_AGENT)
# When the client sent it, or else when it came in.
_HEARD = func.coalesce(MessageSource.sent_at, InboundEvent.created_at)


class WindowReminder(Base):
    """The agents were reminded that answers to this message of a client's are soon taken no more."""

    __tablename__ = "window_reminders"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingWindow:
    """A ticket whose client waits, their last message, and when they sent it."""

    ticket_id: int
    message_id: int
    heard_at: datetime


def last_heard(session: Session, channel: str, client: Sequence[str], ours: Sequence[str]) -> datetime | None:
    """Return when a client last wrote from an address to ours, each in any of its spellings, in whatever ticket."""
    return session.scalar(
        select(_HEARD)
        .join(InboundEvent, InboundEvent.id == MessageSource.inbound_event_id)
        .where(MessageSource.channel == channel, MessageSource.sender.in_(client), MessageSource.recipient.in_(ours))
        .order_by(_HEARD.desc())
        .limit(1)
    )


def ending_windows(session: Session, channels: Sequence[str], after: datetime, before: datetime) -> list[EndingWindow]:
    """Return tickets that wait for an agent, last heard of by one of these channels between the two times.

    Those of whose last message the agents were reminded already are left out.
    """
    last = (
        select(MessageSource.message_id, MessageSource.channel, _HEARD.label("heard_at"))
        .join(Message, Message.id == MessageSource.message_id)
        .join(InboundEvent, InboundEvent.id == MessageSource.inbound_event_id)
        .where(Message.ticket_id == Ticket.id)
        .order_by(Message.id.desc())
        .limit(1)
        .lateral("last")
    )
    reminded = select(literal(1)).where(WindowReminder.message_id == last.c.message_id).exists()
    rows = session.execute(
        select(Ticket.id, last.c.message_id, last.c.heard_at)
        .join(last, true())
        .where(
            Ticket.status.in_(_WAITING), last.c.channel.in_(channels), last.c.heard_at.between(after, before), ~reminded
        )
        .order_by(last.c.heard_at)
    )
    return [EndingWindow(ticket_id=row.id, message_id=row.message_id, heard_at=row.heard_at) for row in rows]


def remind_once(session: Session, message_id: int) -> bool:
    """Note that the agents are reminded of a message; false when they were."""
    made = session.execute(
        insert(WindowReminder)
        .values(message_id=message_id)
        .on_conflict_do_nothing()
        .returning(WindowReminder.message_id)
    )
    return made.scalar() is not None


def span(within: timedelta, ahead: timedelta, at: datetime) -> tuple[datetime, datetime]:
    """Return between which times a client was last heard whose window ends within `ahead` of `at`."""
    return at - within, at - within + ahead
