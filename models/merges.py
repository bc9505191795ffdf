"""The journal of merges: which ticket or client stands for which, and what moved, so that it can be put back."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ForeignKey,
    Index,
    String,
    any_,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from models.base import UTC_NOW, Base, Identified, one_of
from models.tickets import Ticket, TicketExternalId, lock_ticket, ticket_by_id

_STANDS = text("undone_at IS NULL")


class MergeKind(StrEnum):
    """What was merged."""

    TICKET = "ticket"
    CLIENT = "client"


class Merge(Identified, Base):
    """One ticket or client put into another by a user; until it is undone, `kept_id` stands for `merged_id`.

    `moved` names the rows that changed hands, by table; `states` holds the tickets whose status changed, before and
    after. What is merged has no rows of its own to refer to from here: the ids are of tickets or of clients.
    """

    __tablename__ = "merges"
    __table_args__ = (
        one_of("kind", MergeKind),
        Index("merges_merged_key", "kind", "merged_id", unique=True, postgresql_where=_STANDS),
        Index("merges_kept_idx", "kind", "kept_id", postgresql_where=_STANDS),
    )

    kind: Mapped[str] = mapped_column(String(50))
    kept_id: Mapped[int]
    merged_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    moved: Mapped[dict[str, list[int]]] = mapped_column(JSONB)
    states: Mapped[dict[str, dict[str, dict[str, str | None]]]] = mapped_column(JSONB)
    undone_at: Mapped[datetime | None]


def lock_merges(session: Session) -> None:
    """Let one merge after another happen: chains then never become rings, and the newest is known."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("frontdesk.merges"))))


def merge_by_id(session: Session, merge_id: int) -> Merge | None:
    """Return a merge as it is now."""
    return session.get(Merge, merge_id, populate_existing=True)


def add_merge(session: Session, merge: Merge) -> Merge:
    """Write a merge down and return it with its id."""
    session.add(merge)
    session.flush()
    return merge


def mark_undone(session: Session, merge: Merge) -> None:
    """Note that a merge stands no more."""
    session.execute(
        update(Merge).where(Merge.id == merge.id).values(undone_at=UTC_NOW).execution_options(synchronize_session=False)
    )


def newer_merge(session: Session, merge: Merge) -> int | None:
    """Return the newest merge that stands on this one and must be undone before it, `None` when there is none.

    A merge of clients also carries merges of tickets that brought a ticket of the one to a ticket of the other.
    """
    touched = (merge.kept_id, merge.merged_id)
    same = (Merge.kind == merge.kind) & or_(Merge.kept_id.in_(touched), Merge.merged_id.in_(touched))
    moved = literal(merge.moved.get("tickets", []), ARRAY(BigInteger))
    across = (Merge.kind == MergeKind.TICKET) & ((Merge.kept_id == any_(moved)) != (Merge.merged_id == any_(moved)))
    return session.scalar(
        select(Merge.id)
        .where(Merge.id > merge.id, Merge.undone_at.is_(None), or_(same, across))
        .order_by(Merge.id.desc())
        .limit(1)
    )


def survivor_of(session: Session, kind: MergeKind, merged_id: int) -> int:
    """Return the id of what stands for this ticket or client: itself, or the end of the chain of merges."""
    start = select(literal(merged_id).label("id"), literal(0).label("step")).cte("chain", recursive=True)
    chain = start.union_all(
        select(Merge.kept_id, start.c.step + 1)
        .join(start, Merge.merged_id == start.c.id)
        .where(Merge.kind == kind, Merge.undone_at.is_(None))
    )
    return int(session.scalars(select(chain.c.id).order_by(chain.c.step.desc()).limit(1)).one())


def standing_tickets_of(
    session: Session, client_id: int, limit: int, *, department_ids: Collection[int] | None = None
) -> list[Ticket]:
    """Return a client's newest tickets that stand for themselves; with `department_ids`, of these departments only."""
    merged = exists().where(Merge.kind == MergeKind.TICKET, Merge.merged_id == Ticket.id, Merge.undone_at.is_(None))
    everywhere = true() if department_ids is None else Ticket.department_id.in_(department_ids)
    newest = select(Ticket).where(Ticket.client_id == client_id, everywhere, ~merged).order_by(Ticket.id.desc())
    return list(session.scalars(newest.limit(limit)))


def merged_into(session: Session, ticket: Ticket) -> int | None:
    """Return the ticket that stands for this one, `None` when it stands for itself."""
    if ticket.closed_at is None:  # what was merged has ended, and stays so
        return None
    survivor = survivor_of(session, MergeKind.TICKET, ticket.id)
    return survivor if survivor != ticket.id else None


def family_of(session: Session, kind: MergeKind, kept_id: int) -> list[int]:
    """Return the ids of everything that this ticket or client stands for, itself first."""
    family = _family(kind, kept_id)
    return list(session.scalars(select(family.c.id).order_by(family.c.step)))


def _family(kind: MergeKind, kept_id: int) -> CTE:
    start = select(literal(kept_id).label("id"), literal(0).label("step")).cte("family", recursive=True)
    return start.union_all(
        select(Merge.merged_id, start.c.step + 1)
        .join(start, Merge.kept_id == start.c.id)
        .where(Merge.kind == kind, Merge.undone_at.is_(None))
    )


def family_threads(session: Session, ticket_id: int, kind: str) -> list[str]:
    """Return the outside names of this kind of a ticket and of all that were merged into it, the newest first."""
    family = _family(MergeKind.TICKET, ticket_id)
    return list(
        session.scalars(
            select(TicketExternalId.value)
            .where(TicketExternalId.type == kind, TicketExternalId.ticket_id.in_(select(family.c.id)))
            .order_by(TicketExternalId.id.desc())
        )
    )


def standing_ticket(session: Session, ticket_id: int) -> Ticket | None:
    """Return the ticket that stands for this one: itself, or the one that it was merged into."""
    ticket = ticket_by_id(session, ticket_id)
    survivor = merged_into(session, ticket) if ticket else None
    return ticket if survivor is None else ticket_by_id(session, survivor)


def lock_standing(session: Session, ticket_id: int, *, of_client: int | None = None) -> Ticket | None:
    """Return the ticket that stands for this one, locked as `lock_ticket` does; `None` if it is another client's.

    A merged ticket is locked before the one it went into, as merges themselves lock them: nobody waits in a ring.
    """
    ticket = lock_ticket(session, ticket_id, of_client=of_client)
    while ticket is not None and (survivor := merged_into(session, ticket)) is not None:
        ticket = lock_ticket(session, survivor)
    return ticket


def state_of(session: Session, ticket: Ticket) -> dict[str, str | None]:
    """Return what a merge may change of a ticket itself."""
    session.flush()
    closed_at = ticket.closed_at.isoformat() if ticket.closed_at else None
    return {"status": ticket.status, "closed_at": closed_at, "updated_at": ticket.updated_at.isoformat()}


def restore_states(session: Session, merge: Merge) -> None:
    """Give the tickets of a merge the status that they had before, where nothing has changed it since."""
    for ticket_id, state in merge.states.items():
        session.execute(
            update(Ticket)
            .where(Ticket.id == int(ticket_id), *(column == value for column, value in _columns(state["after"])))
            .values(dict(_columns(state["before"])))
            .execution_options(synchronize_session=False)
        )


def _columns(state: dict[str, str | None]) -> list[tuple[InstrumentedAttribute[Any], str | datetime | None]]:
    closed_at, updated_at = (
        datetime.fromisoformat(text) if text else None for text in (state["closed_at"], state["updated_at"])
    )
    return [(Ticket.status, state["status"]), (Ticket.closed_at, closed_at), (Ticket.updated_at, updated_at)]
