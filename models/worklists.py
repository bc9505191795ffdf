"""Tickets in the order in which they should be looked at: one statement a list, whatever its length."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Subquery,
    case,
    exists,
    func,
    null,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from models.assignments import ticket_assignments
from models.clients import Client
from models.departments import AGENTS, DepartmentExternalId
from models.messages import Message, MessageSource
from models.ticket_addresses import TicketAddress
from models.tickets import Ticket, TicketExternalId, TicketStatus
from models.users import User

# An agent has to act on these; on those that are not ended besides, the client.
WAITING = (TicketStatus.OPEN, TicketStatus.WAITING_FOR_AGENT)
NOT_ENDED = (*WAITING, TicketStatus.WAITING_FOR_USER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A ticket with what is shown beside it; `waiting_since` is `None` where no agent has to act."""

    ticket: Ticket
    client: str
    channel: str
    waiting_since: datetime | None
    assignees: tuple[str, ...]
    thread: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """The first tickets of a list, and how many it has in all."""

    listed: tuple[Listed, ...]
    number: int


def within(department_ids: Collection[int] | None) -> ColumnElement[bool]:
    """Hold for tickets of these departments; of all, and of none, where nothing is said."""
    return true() if department_ids is None else Ticket.department_id.in_(department_ids)


def of_user(user_id: int) -> ColumnElement[bool]:
    """Hold for tickets that a user has."""
    mine = select(ticket_assignments.c.ticket_id).where(ticket_assignments.c.user_id == user_id)
    return Ticket.id.in_(mine)


def of_nobody() -> ColumnElement[bool]:
    """Hold for tickets that nobody has."""
    return ~exists().where(ticket_assignments.c.ticket_id == Ticket.id)


def worklist(
    session: Session, statuses: Sequence[TicketStatus], limit: int, *conditions: ColumnElement[bool]
) -> Worklist:
    """Return tickets whose clients have waited longest first, those that wait for their client after them."""
    since = _waiting_since()
    chosen = (
        select(Ticket.id, since.label("since"), func.count().over().label("number"))
        .where(Ticket.status.in_(statuses), *conditions)
        .order_by(since.nulls_last(), Ticket.updated_at, Ticket.id)
        .limit(limit)
        .subquery()
    )
    return _read(session, chosen, chosen.c.since.nulls_last(), Ticket.updated_at, Ticket.id)


def newest(session: Session, limit: int, *conditions: ColumnElement[bool]) -> Worklist:
    """Return tickets in whatever status, the newest first."""
    since = _waiting_since()
    chosen = (
        select(Ticket.id, since.label("since"), func.count().over().label("number"))
        .where(*conditions)
        .order_by(Ticket.id.desc())
        .limit(limit)
        .subquery()
    )
    return _read(session, chosen, Ticket.id.desc())


def _read(session: Session, chosen: Subquery, *order: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Worklist:
    rows = session.execute(
        select(Ticket, Client.name, _channel(), chosen.c.since, _assignees(), _thread(), chosen.c.number)
        .join(chosen, chosen.c.id == Ticket.id)
        .join(Client, Client.id == Ticket.client_id)
        .order_by(*order)
    ).all()
    listed = (
        Listed(
            ticket=row[0],
            client=row[1],
            channel=row[2] or "",
            waiting_since=row[3],
            assignees=tuple(row[4] or ()),
            thread=row[5],
        )
        for row in rows
    )
    return Worklist(listed=tuple(listed), number=rows[0].number if rows else 0)


def _waiting_since() -> ColumnElement[datetime]:
    """Return when the client wrote what no agent has answered yet; changes of the ticket itself are no answer."""
    answer = aliased(Message)
    answered = select(func.max(answer.id)).where(answer.ticket_id == Ticket.id, answer.user_id.is_not(None))
    asked = select(func.min(Message.created_at)).where(
        Message.ticket_id == Ticket.id,
        Message.client_id.is_not(None),
        Message.id > func.coalesce(answered.scalar_subquery(), 0),
    )
    waits = Ticket.status.in_(WAITING)
    return case((waits, func.coalesce(asked.scalar_subquery(), Ticket.updated_at)), else_=null())


def _channel() -> ColumnElement[str]:
    last = (
        select(MessageSource.channel)
        .join(Message, Message.id == MessageSource.message_id)
        .where(Message.ticket_id == Ticket.id)
        .order_by(Message.id.desc())
        .limit(1)
    )
    opened_for = select(TicketAddress.channel).where(TicketAddress.ticket_id == Ticket.id)
    return func.coalesce(last.scalar_subquery(), opened_for.scalar_subquery())


def _assignees() -> ScalarSelect[list[str]]:
    return (
        select(func.array_agg(aggregate_order_by(User.name, User.name)))
        .join(ticket_assignments, ticket_assignments.c.user_id == User.id)
        .where(ticket_assignments.c.ticket_id == Ticket.id)
        .scalar_subquery()
    )


def _thread() -> ScalarSelect[str]:
    """Return the ticket's thread where its department works; of one that moved there are others."""
    here = exists().where(
        DepartmentExternalId.department_id == Ticket.department_id,
        DepartmentExternalId.type == AGENTS,
        TicketExternalId.value.startswith(DepartmentExternalId.value.concat("/")),
    )
    return (
        select(TicketExternalId.value)
        .where(TicketExternalId.ticket_id == Ticket.id, TicketExternalId.type == AGENTS)
        .order_by(here.desc(), TicketExternalId.id.desc())
        .limit(1)
        .scalar_subquery()
    )
