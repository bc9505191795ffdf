"""What belongs to a ticket or to a client, and how it changes hands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Table, all_, any_, exists, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from models.base import Base
from models.clients import ClientExternalId
from models.merges import Merge, MergeKind
from models.messages import Message, MessageSource
from models.ticket_addresses import TicketAddress
from models.tickets import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """Rows of one table: `owner` is the column that says whose they are, `key` the one that tells them apart.

    In a `pair` the two are the primary key: what the new owner has already stays where it is.
    """

    table: str
    owner: str
    key: str = "id"
    pair: bool = False


# Outside names, sources and files go with their messages. Threads and cards stay with the ticket they show, and sends
# with the ticket in whose name they were made: both are found through the journal.
BELONGINGS: Mapping[MergeKind, Sequence[Belonging]] = {
    MergeKind.TICKET: (
        Belonging(table="messages", owner="ticket_id"),
        Belonging(table="notes", owner="ticket_id"),
        Belonging(table="ticket_assignments", owner="ticket_id", key="user_id", pair=True),
        Belonging(table="ticket_tags", owner="ticket_id", key="tag_id", pair=True),
    ),
    MergeKind.CLIENT: (
        Belonging(table="client_external_ids", owner="client_id"),
        Belonging(table="tickets", owner="client_id"),
        Belonging(table="messages", owner="client_id"),
    ),
}


def move_all(session: Session, kind: MergeKind, source: int, target: int) -> dict[str, list[int]]:
    """Give everything of one ticket or client to another and return the keys of the rows that moved, by table."""
    return {each.table: _move(session, each, source, target, None) for each in BELONGINGS[kind]}


def move_back(session: Session, kind: MergeKind, moved: Mapping[str, list[int]], source: int, target: int) -> None:
    """Give these rows back, those that are still the source's."""
    for each in BELONGINGS[kind]:
        _move(session, each, source, target, moved.get(each.table, []))


def _move(session: Session, belonging: Belonging, source: int, target: int, only: Sequence[int] | None) -> list[int]:
    table = Base.metadata.tables[belonging.table]
    owner, key = table.c[belonging.owner], table.c[belonging.key]
    # A merge is no sign of life: a ticket's age among the untouched stays.
    values = {owner: target} | ({table.c.updated_at: table.c.updated_at} if "updated_at" in table.c else {})
    statement = update(table).where(owner == source).values(values).returning(key)
    if only is not None:
        statement = statement.where(key == any_(literal(only, ARRAY(BigInteger))))
    if belonging.pair:
        other: Table = table.alias()  # type: ignore[assignment]  # an alias has the same columns
        statement = statement.where(~exists().where(other.c[owner.name] == target, other.c[key.name] == key))
    return sorted(session.scalars(statement))


def lock_names(session: Session, client_id: int) -> None:
    """Wait for the messages that are being recorded under this client's outside names, and let new ones wait."""
    names = Base.metadata.tables["client_external_ids"]
    session.execute(select(names.c.id).where(names.c.client_id == client_id).order_by(names.c.id).with_for_update())


def give_messages_to_tickets_client(session: Session, source: int, target: int) -> None:
    """Make the target the author of what was said in their tickets in the source's name: a ticket has one client."""
    tickets = select(Ticket.id).where(Ticket.client_id == target)
    session.execute(
        update(Message)
        .where(Message.ticket_id.in_(tickets), Message.client_id == source)
        .values(client_id=target)
        .execution_options(synchronize_session=False)
    )


def give_back_since(session: Session, merge: Merge) -> list[int]:
    """Give the merged client the tickets made while the merge stood that only their names, given back, speak of.

    Returns those tickets. What was put together with another ticket meanwhile stays where that is.
    """
    heard = select(Message.id).join(MessageSource).where(Message.ticket_id == Ticket.id)
    opened = select(TicketAddress.ticket_id).where(TicketAddress.ticket_id == Ticket.id)
    together = exists().where(
        Merge.kind == MergeKind.TICKET, Merge.undone_at.is_(None), Ticket.id.in_((Merge.kept_id, Merge.merged_id))
    )
    given = session.scalars(
        update(Ticket)
        .where(
            Ticket.client_id == merge.kept_id,
            Ticket.id != all_(literal(merge.moved["tickets"], ARRAY(BigInteger))),
            Ticket.created_at >= merge.created_at,
            or_(heard.exists(), opened.exists()),
            ~heard.where(~_only_of(merge.merged_id, merge.kept_id, MessageSource.sender)).exists(),
            ~opened.where(~_only_of(merge.merged_id, merge.kept_id, TicketAddress.sender)).exists(),
            ~together,
        )
        .values(client_id=merge.merged_id, updated_at=Ticket.updated_at)
        .returning(Ticket.id)
        .execution_options(synchronize_session=False)
    )
    return sorted(given)


def _only_of(client_id: int, other_id: int, address: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Hold for an address that is a name of one client's and none of the other's."""
    named = exists().where(ClientExternalId.value == address)
    return named.where(ClientExternalId.client_id == client_id) & ~named.where(ClientExternalId.client_id == other_id)


def departments_of_clients(session: Session, client_ids: Collection[int]) -> set[int | None]:
    """Return the departments of these clients' tickets; `None` among them for a ticket of none."""
    return set(session.scalars(select(Ticket.department_id).where(Ticket.client_id.in_(client_ids)).distinct()))


def open_tickets(session: Session, ticket_ids: Collection[int]) -> list[Ticket]:
    """Return those of these tickets that have not ended."""
    asked = Ticket.id == any_(literal(ticket_ids, ARRAY(BigInteger)))
    return list(session.scalars(select(Ticket).where(asked, Ticket.closed_at.is_(None)).order_by(Ticket.id)))
