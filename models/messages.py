"""Messages of tickets, their outside names, and where each came from."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, aliased, mapped_column

from models.base import UTC_NOW, Base, Identified
from models.clients import ClientExternalId
from models.external_ids import ExternalId
from models.inbound_events import InboundEvent

# The beginning of a text, whatever its length: PostgreSQL refuses to take words out of more than a megabyte.
SEARCHED_BODY: ColumnElement[Any] = literal_column("to_tsvector('simple', left(messages.body, 20000))")


class Message(Base):
    """What a client, an agent or the system said in a ticket."""

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("user_id IS NOT NULL OR client_id IS NOT NULL OR is_system_message = true", name="author"),
        Index("messages_ticket_id_id_idx", "ticket_id", "id"),
        Index("messages_body_words_idx", text("to_tsvector('simple', left(body, 20000))"), postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("clients.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    is_system_message: Mapped[bool] = mapped_column(server_default="false", default=False)
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)


class MessageExternalId(Identified, Base):
    """An outside name of a message: a Message-ID (`email`), a SID (`twilio`), a Slack `T…/C…/ts` (`slack`)."""

    __tablename__ = "message_external_ids"
    __table_args__ = (UniqueConstraint("type", "value"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    type: Mapped[str] = mapped_column(String(50))
    value: Mapped[str] = mapped_column(String(255))


class MessageSource(Base):
    """Where a client's message came from: the address it came to, the rule that threaded it, when it was sent.

    `authenticated` is what a trusted server said of the sender, `reply_to` where they asked answers to go, `cut_by` the
    rule that left something of the original out of the message.
    """

    __tablename__ = "message_sources"
    __table_args__ = (Index("message_sources_sender_idx", "channel", "sender", "recipient"),)

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True, autoincrement=False)
    inbound_event_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("inbound_events.id"), index=True)
    channel: Mapped[str] = mapped_column(String(50))
    sender: Mapped[str] = mapped_column(String(255))
    recipient: Mapped[str] = mapped_column(String(255))
    threaded_by: Mapped[str] = mapped_column(String(50))
    automatic: Mapped[str] = mapped_column(String(50))
    authenticated: Mapped[str] = mapped_column(String(50), server_default="")
    reply_to: Mapped[str] = mapped_column(String(255), server_default="")
    cut_by: Mapped[str] = mapped_column(String(255), server_default="")
    sent_at: Mapped[datetime | None]


def add_message(
    session: Session, *, ticket_id: int, body: str, user_id: int | None = None, client_id: int | None = None
) -> int:
    """Store a message and return its id; without user and client it is the system's."""
    system = user_id is None and client_id is None
    statement = insert(Message).values(
        ticket_id=ticket_id, body=body, user_id=user_id, client_id=client_id, is_system_message=system
    )
    return session.scalars(statement.returning(Message.id)).one()


def name_message(session: Session, message_id: int, name: ExternalId) -> bool:
    """Note an outside name of a message; false when another message has it, which keeps it."""
    made = session.execute(
        insert(MessageExternalId)
        .values(message_id=message_id, type=name.type, value=name.value)
        .on_conflict_do_nothing()
        .returning(MessageExternalId.id)
    )
    return made.scalar() is not None


def add_source(session: Session, source: MessageSource) -> None:
    """Store where a message came from."""
    session.add(source)


def messages_with_sources(ticket_id: InstrumentedAttribute[int] | ColumnElement[int]) -> Select[Any]:
    """Select the messages of a ticket that have a source; for use inside other statements."""
    return (
        select(Message.id)
        .join(MessageSource, MessageSource.message_id == Message.id)
        .where(Message.ticket_id == ticket_id)
    )


def messages_named(session: Session, names: Sequence[ExternalId]) -> dict[ExternalId, Message]:
    """Return the messages that have any of these outside names."""
    if not names:
        return {}
    rows = session.execute(
        select(MessageExternalId.type, MessageExternalId.value, Message)
        .join(Message, Message.id == MessageExternalId.message_id)
        .where(tuple_(MessageExternalId.type, MessageExternalId.value).in_([(each.type, each.value) for each in names]))
    )
    return {ExternalId(type=row[0], value=row[1]): row[2] for row in rows}


def name_of_message(session: Session, message_id: int, kind: str, within: Collection[str]) -> str | None:
    """Return the first outside name of this kind that a message has in any of the places `within`."""
    return session.scalar(
        select(MessageExternalId.value)
        .where(
            MessageExternalId.message_id == message_id,
            MessageExternalId.type == kind,
            or_(*(MessageExternalId.value.startswith(f"{place}/", autoescape=True) for place in within)),
        )
        .order_by(MessageExternalId.id)
        .limit(1)
    )


def last_source(session: Session, ticket_id: int) -> MessageSource | None:
    """Return where the client wrote from last in this ticket: that is where an answer goes.

    An address that is another client's by now does not count: one that was merged, wrote, and was parted again.
    """
    return session.scalar(
        select(MessageSource)
        .join(Message, Message.id == MessageSource.message_id)
        .where(Message.ticket_id == ticket_id, ~_anothers())
        .order_by(Message.id.desc())
        .limit(1)
    )


def _anothers() -> ColumnElement[bool]:
    """Hold for sources whose sender is a name of another client and none of the message's own."""
    named = exists().where(ClientExternalId.value == MessageSource.sender)
    own = named.where(ClientExternalId.client_id == Message.client_id)
    return and_(named, ~own)


def heard_in(session: Session, message_id: int) -> str | None:
    """Return the conversation in which the client said what came last in the ticket before this message."""
    message = aliased(Message)
    return session.scalar(
        select(InboundEvent.conversation)
        .join(MessageSource, MessageSource.inbound_event_id == InboundEvent.id)
        .join(Message, Message.id == MessageSource.message_id)
        .join(message, message.ticket_id == Message.ticket_id)
        .where(message.id == message_id, Message.id < message_id)
        .order_by(Message.id.desc())
        .limit(1)
    )


def source_of(session: Session, message_id: int) -> MessageSource | None:
    """Return where a message came from, `None` for agents' and the system's."""
    return session.get(MessageSource, message_id)


def message_of_event(session: Session, event_id: int) -> int | None:
    """Return the client's message that an event brought, `None` while there is none."""
    return session.scalar(select(MessageSource.message_id).where(MessageSource.inbound_event_id == event_id).limit(1))


def mail_names_before(session: Session, ticket_id: int, message_id: int, limit: int) -> list[str]:
    """Return the Message-IDs of a ticket before a message, oldest first.

    Of more than `limit`, the newest and the very first, by which mail programs hold a thread together.
    """
    named = (
        select(MessageExternalId.value)
        .join(Message, Message.id == MessageExternalId.message_id)
        .where(Message.ticket_id == ticket_id, Message.id < message_id, MessageExternalId.type == "email")
    )
    newest = session.scalars(named.order_by(MessageExternalId.id.desc()).limit(limit)).all()
    if len(newest) < limit:
        return list(reversed(newest))
    first = session.scalars(named.order_by(MessageExternalId.id).limit(1)).one()
    return [first, *reversed(newest[:-1])]


def last_said_by(session: Session, client_id: int, limit: int, longest: int) -> list[str]:
    """Return the beginnings of what a client said last, in any ticket, the newest first."""
    return list(
        session.scalars(
            select(func.left(Message.body, longest))
            .where(Message.client_id == client_id)
            .order_by(Message.id.desc())
            .limit(limit)
        )
    )


def last_said_in(session: Session, ticket_id: int, limit: int) -> list[Message]:
    """Return what people said last in a ticket, oldest first; not what the system did."""
    newest = (
        select(Message)
        .where(Message.ticket_id == ticket_id, Message.is_system_message.is_(False))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(reversed(session.scalars(newest).all()))


def answered_before(session: Session, ticket_id: int, message_id: int) -> bool:
    """Say whether an agent wrote in a ticket before this message."""
    earlier = exists().where(Message.ticket_id == ticket_id, Message.id < message_id, Message.user_id.is_not(None))
    return bool(session.scalar(select(earlier)))


def not_yet_shown(session: Session, ticket_id: int, place: str, limit: int) -> list[Message]:
    """Return what people said in a ticket that does not stand in this place of the agents, oldest first.

    Of more than `limit`, the newest.
    """
    named = exists().where(
        MessageExternalId.message_id == Message.id,
        MessageExternalId.type == "slack",
        MessageExternalId.value.startswith(f"{place}/", autoescape=True),
    )
    newest = (
        select(Message)
        .where(Message.ticket_id == ticket_id, Message.is_system_message.is_(False), ~named)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(reversed(session.scalars(newest).all()))


def messages_of(session: Session, ticket_id: int) -> list[Message]:
    """Return the messages of a ticket, oldest first."""
    return list(session.scalars(select(Message).where(Message.ticket_id == ticket_id).order_by(Message.id)))
