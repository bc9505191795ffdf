"""Tickets, the outside names of their threads, who is assigned, and which belong together."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base, Identified, one_of
from models.clients import Client
from models.departments import Department
from models.external_ids import ExternalId
from models.messages import MessageSource, messages_with_sources
from models.ticket_addresses import opened_for


class TicketStatus(StrEnum):
    """Whose turn it is, or how it ended."""

    OPEN = "open"
    WAITING_FOR_USER = "waiting_for_user"
    WAITING_FOR_AGENT = "waiting_for_agent"
    CLOSED = "closed"
    UNRESOLVED = "unresolved"

    @property
    def ended(self) -> bool:
        """Say whether `closed_at` is set in this status."""
        return self in {TicketStatus.CLOSED, TicketStatus.UNRESOLVED}


class Priority(StrEnum):
    """How soon; the column takes other words too, for desks that have their own."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


SEARCHED_TITLE: ColumnElement[Any] = literal_column("to_tsvector('simple', tickets.title)")


class Ticket(Base):
    """One matter of one client."""

    __tablename__ = "tickets"
    __table_args__ = (
        one_of("status", TicketStatus),
        Index("tickets_status_updated_at_idx", "status", "updated_at"),
        Index("tickets_title_words_idx", text("to_tsvector('simple', title)"), postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(255))
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"), index=True)
    status: Mapped[str] = mapped_column(String(50))
    priority: Mapped[str] = mapped_column(String(50))
    custom_fields: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW, onupdate=UTC_NOW)
    closed_at: Mapped[datetime | None]


class TicketExternalId(Identified, Base):
    """The outside name of a ticket: its thread in the agents' Slack (`slack_agents`) or in the client's (`slack`).

    One that an agent opened by a command has the name of that call (`slack_trigger`).
    `signs` are the words of the signs that we have put on the card there, with spaces between.
    """

    __tablename__ = "ticket_external_ids"
    __table_args__ = (UniqueConstraint("type", "value"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    type: Mapped[str] = mapped_column(String(50))
    value: Mapped[str] = mapped_column(String(255))
    signs: Mapped[str] = mapped_column(String(255), server_default="")


class TicketLink(Identified, Base):
    """A ticket that came of another: a stranger's with a stolen reference, an answer after the reopen window."""

    __tablename__ = "ticket_links"
    __table_args__ = (UniqueConstraint("ticket_id", "linked_ticket_id"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    linked_ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)


def open_ticket(session: Session, *, title: str, client_id: int, department_id: int | None) -> Ticket:
    """Open a ticket and return it with its id."""
    ticket = Ticket(
        title=title,
        client_id=client_id,
        department_id=department_id,
        status=TicketStatus.OPEN,
        priority=Priority.MEDIUM,
    )
    session.add(ticket)
    session.flush()
    return ticket


def lock_ticket(session: Session, ticket_id: int, *, of_client: int | None = None) -> Ticket | None:
    """Return a ticket whose row nobody else changes until this transaction ends; others may still refer to it.

    Take it before any lock on the ticket's deliveries. With `of_client`, another client's is not touched.
    """
    owned = true() if of_client is None else Ticket.client_id == of_client
    return session.scalar(
        select(Ticket)
        .where(Ticket.id == ticket_id, owned)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def ticket_by_id(session: Session, ticket_id: int) -> Ticket | None:
    """Return a ticket as it is."""
    return session.get(Ticket, ticket_id)


def ticket_by_external_id(session: Session, thread: ExternalId) -> int | None:
    """Return the id of the ticket whose outside name this is."""
    return session.scalar(
        select(TicketExternalId.ticket_id).where(
            TicketExternalId.type == thread.type, TicketExternalId.value == thread.value
        )
    )


def name_ticket(session: Session, ticket_id: int, thread: ExternalId) -> bool:
    """Note an outside name of a ticket; false when another name-bearer has it: the first owner of a name keeps it."""
    made = session.execute(
        insert(TicketExternalId)
        .values(ticket_id=ticket_id, type=thread.type, value=thread.value)
        .on_conflict_do_nothing()
        .returning(TicketExternalId.id)
    )
    return made.scalar() is not None


def take_thread(session: Session, ticket_id: int, thread: ExternalId) -> None:
    """Make a client's thread this ticket's, whoever had it: what is said there from now on belongs here."""
    statement = insert(TicketExternalId).values(ticket_id=ticket_id, type=thread.type, value=thread.value)
    session.execute(statement.on_conflict_do_update(index_elements=["type", "value"], set_={"ticket_id": ticket_id}))


def threads_of(session: Session, ticket_id: int, kind: str) -> list[str]:
    """Return the outside names of this kind that a ticket has, the newest first."""
    return list(
        session.scalars(
            select(TicketExternalId.value)
            .where(TicketExternalId.ticket_id == ticket_id, TicketExternalId.type == kind)
            .order_by(TicketExternalId.id.desc())
        )
    )


def signs_on(session: Session, thread: ExternalId) -> frozenset[str]:
    """Return the signs that we have put on the card of a thread."""
    found = session.scalar(
        select(TicketExternalId.signs).where(
            TicketExternalId.type == thread.type, TicketExternalId.value == thread.value
        )
    )
    return frozenset((found or "").split())


def note_signs(session: Session, thread: ExternalId, signs: Collection[str]) -> None:
    """Note which signs of ours stand on the card of a thread now."""
    session.execute(
        update(TicketExternalId)
        .where(TicketExternalId.type == thread.type, TicketExternalId.value == thread.value)
        .values(signs=" ".join(sorted(signs)))
    )


def open_conversation(
    session: Session, *, client_id: int, channel: str, addresses: Collection[str], closed_since: datetime
) -> Ticket | None:
    """Return the client's newest ticket on this channel, open or closed after `closed_since`; locked.

    `addresses` are the spellings of ours that it was written to.
    """
    return session.scalar(
        select(Ticket)
        .where(
            Ticket.client_id == client_id,
            or_(Ticket.closed_at.is_(None), Ticket.closed_at > closed_since),
            or_(
                messages_with_sources(Ticket.id)
                .where(MessageSource.channel == channel, MessageSource.recipient.in_(addresses))
                .exists(),
                opened_for(Ticket.id, channel, addresses),
            ),
        )
        .order_by(Ticket.id.desc())
        .limit(1)
        .with_for_update(of=Ticket, key_share=True)
    )


def link_tickets(session: Session, ticket_id: int, linked_ticket_id: int) -> None:
    """Note that a ticket came of another."""
    session.execute(
        insert(TicketLink).values(ticket_id=ticket_id, linked_ticket_id=linked_ticket_id).on_conflict_do_nothing()
    )


def linked_to(session: Session, ticket_ids: Collection[int]) -> list[int]:
    """Return the tickets linked with any of these, in either direction."""
    rows = session.execute(
        select(TicketLink.ticket_id, TicketLink.linked_ticket_id).where(
            or_(TicketLink.ticket_id.in_(ticket_ids), TicketLink.linked_ticket_id.in_(ticket_ids))
        )
    )
    return sorted({each for row in rows for each in row} - {*ticket_ids})


def list_tickets(
    session: Session, statuses: Sequence[TicketStatus], limit: int, *, department_ids: Collection[int] | None = None
) -> list[tuple[Ticket, str, str | None]]:
    """Return tickets with their client's and department's names, the longest untouched first.

    With `department_ids`, those of these departments only.
    """
    everywhere = true() if department_ids is None else Ticket.department_id.in_(department_ids)
    rows = session.execute(
        select(Ticket, Client.name, Department.name)
        .join(Client, Client.id == Ticket.client_id)
        .outerjoin(Department, Department.id == Ticket.department_id)
        .where(Ticket.status.in_(statuses), everywhere)
        .order_by(Ticket.updated_at, Ticket.id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def tickets_of_client(
    session: Session, client_id: int, limit: int, *, department_ids: Collection[int] | None = None
) -> tuple[list[Ticket], int]:
    """Return a client's newest tickets, and how many there are in all.

    With `department_ids`, those of these departments only; the number counts all.
    """
    everywhere = true() if department_ids is None else Ticket.department_id.in_(department_ids)
    newest = select(Ticket).where(Ticket.client_id == client_id, everywhere).order_by(Ticket.id.desc()).limit(limit)
    number = session.scalar(select(func.count()).select_from(Ticket).where(Ticket.client_id == client_id))
    return list(session.scalars(newest)), number or 0
