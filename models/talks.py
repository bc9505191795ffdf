"""Who said what last, and where: what decides whether somebody goes on with a matter."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, undefer

from models.inbound_events import InboundEvent
from models.messages import Message, MessageSource
from models.tickets import Ticket
from models.users import User

# How much later than a message its call may come: Twilio waits 15 seconds for an answer, twice at most.
_CALL_AFTER = timedelta(minutes=1)
_MOST_LATER = 100


def lock_talk(session: Session, client_id: int, address: str) -> None:
    """Let what one client says at one address of ours be threaded one after another, until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{client_id} {address}", 2))))


def recent_talk(
    session: Session, *, client_id: int, channel: str, address: str, between: tuple[datetime, datetime]
) -> int | None:
    """Return the client's own ticket in which they said something at this address between two moments, the newest."""
    return session.scalar(
        select(Message.ticket_id)
        .join(MessageSource, MessageSource.message_id == Message.id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(
            Message.client_id == client_id,
            Ticket.client_id == client_id,
            MessageSource.channel == channel,
            MessageSource.recipient == address,
            MessageSource.sent_at.between(*between),
        )
        .order_by(MessageSource.sent_at.desc())
        .limit(1)
    )


def wrote_before(session: Session, ticket_id: int, client_id: int, message_id: int) -> bool:
    """Say whether a client wrote in a ticket before this message."""
    earlier = exists().where(Message.ticket_id == ticket_id, Message.client_id == client_id, Message.id < message_id)
    return bool(session.scalar(select(earlier)))


def agents_in(session: Session, ticket_id: int) -> list[str]:
    """Return the names of the agents who wrote in a ticket."""
    wrote = select(Message.user_id).where(Message.ticket_id == ticket_id)
    return list(session.scalars(select(User.name).where(User.id.in_(wrote))))


def heard_after(
    session: Session, channel: str, client: Collection[str], ours: Collection[str], moment: datetime
) -> list[InboundEvent]:
    """Return the events by which a client certainly wrote to ours after a moment, with their bytes, the newest first.

    Both addresses are given in all their spellings.
    """
    called = MessageSource.sent_at.is_(None) & (InboundEvent.created_at > moment + _CALL_AFTER)
    return list(
        session.scalars(
            select(InboundEvent)
            .join(MessageSource, MessageSource.inbound_event_id == InboundEvent.id)
            .where(
                MessageSource.channel == channel,
                MessageSource.sender.in_(client),
                MessageSource.recipient.in_(ours),
                or_(MessageSource.sent_at > moment, called),
            )
            .order_by(func.coalesce(MessageSource.sent_at, InboundEvent.created_at).desc())
            .limit(_MOST_LATER)
            .options(undefer(InboundEvent.payload))
        )
    )
