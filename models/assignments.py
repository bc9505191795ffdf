"""Which users have which tickets."""

from collections.abc import Collection

from sqlalchemy import Column, ForeignKey, Integer, Table, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.base import Base
from models.users import User

ticket_assignments = Table(
    "ticket_assignments",
    Base.metadata,
    Column("ticket_id", Integer, ForeignKey("tickets.id"), primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), primary_key=True, index=True),
)


def assign(session: Session, ticket_id: int, user_id: int) -> bool:
    """Assign a user; false when they were already."""
    made = session.execute(
        insert(ticket_assignments)
        .values(ticket_id=ticket_id, user_id=user_id)
        .on_conflict_do_nothing()
        .returning(ticket_assignments.c.user_id)
    )
    return made.scalar() is not None


def assigned_ids(session: Session, ticket_id: int) -> set[int]:
    """Return the ids of those assigned."""
    return set(session.scalars(select(ticket_assignments.c.user_id).where(ticket_assignments.c.ticket_id == ticket_id)))


def unassign(session: Session, ticket_id: int, user_ids: Collection[int]) -> None:
    """Take a ticket from users."""
    session.execute(
        delete(ticket_assignments).where(
            ticket_assignments.c.ticket_id == ticket_id, ticket_assignments.c.user_id.in_(user_ids)
        )
    )


def assignees_of(session: Session, ticket_id: int) -> list[str]:
    """Return the names of those assigned."""
    return list(
        session.scalars(
            select(User.name)
            .join(ticket_assignments, ticket_assignments.c.user_id == User.id)
            .where(ticket_assignments.c.ticket_id == ticket_id)
            .order_by(User.name)
        )
    )
