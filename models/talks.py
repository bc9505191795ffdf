"""Who said what last, and where: what decides whether somebody goes on with a matter."""

from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from models.messages import Message, MessageSource
from models.tickets import Ticket
from models.users import User


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
