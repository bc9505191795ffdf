"""Whom an agent opened a ticket for: where answers go until the client has written in it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from models.base import UTC_NOW, Base
from models.clients import ClientExternalId
from models.messages import MessageSource, last_source


class TicketAddress(Base):
    """The client's address and ours, named as in `MessageSource`: the client is the sender to come."""

    __tablename__ = "ticket_addresses"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(50))
    sender: Mapped[str] = mapped_column(String(255))
    recipient: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)


def address_ticket(session: Session, address: TicketAddress) -> None:
    """Note whom a new ticket was opened for."""
    session.add(address)
    session.flush()


def opened_for(
    ticket_id: InstrumentedAttribute[int] | ColumnElement[int], channel: str, addresses: Collection[str]
) -> ColumnElement[bool]:
    """Hold for a ticket that was opened to write to somebody from an address of ours, in these spellings."""
    return exists().where(
        TicketAddress.ticket_id == ticket_id, TicketAddress.channel == channel, TicketAddress.recipient.in_(addresses)
    )


def address_of_ticket(session: Session, ticket_id: int) -> TicketAddress | None:
    """Return whom a ticket was opened for, `None` when its client opened it."""
    return session.get(TicketAddress, ticket_id)


def answers_go_to(session: Session, ticket_id: int) -> MessageSource | TicketAddress | None:
    """Return where an answer goes: where the client wrote from last, or else whom the ticket was opened for."""
    return last_source(session, ticket_id) or _own_address(session, ticket_id)


def _own_address(session: Session, ticket_id: int) -> TicketAddress | None:
    """Return whom a ticket was opened for, unless that is another client by now: one that was merged and parted."""
    tickets = Base.metadata.tables["tickets"]
    named = exists().where(ClientExternalId.value == TicketAddress.sender)
    own = named.where(ClientExternalId.client_id == tickets.c.client_id)
    return session.scalar(
        select(TicketAddress)
        .join(tickets, tickets.c.id == TicketAddress.ticket_id)
        .where(TicketAddress.ticket_id == ticket_id, or_(~named, own))
    )
