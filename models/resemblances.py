"""Clients who may be one person: who is new and was not looked at yet, and what agents were asked and said."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base, Identified


class Newcomer(Base):
    """A client whose resemblance to others nobody has looked for; the row goes once that is done."""

    __tablename__ = "newcomers"

    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"), primary_key=True, autoincrement=False)
    created_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)


class Resemblance(Identified, Base):
    """Two clients of whom the agents of a ticket were asked whether they are one; `other_id` is the newer of them.

    Asked once, whatever comes of it. `distinct_since` is when `user_id` said that they are two.
    """

    __tablename__ = "resemblances"
    __table_args__ = (UniqueConstraint("client_id", "other_id"),)

    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    other_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    distinct_since: Mapped[datetime | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


def newcomers(session: Session, limit: int) -> list[int]:
    """Return clients who were not looked at yet, the newest first: of two who are new, the later one is asked about."""
    return list(session.scalars(select(Newcomer.client_id).order_by(Newcomer.client_id.desc()).limit(limit)))


def greet(session: Session, client_id: int) -> bool:
    """Note that somebody looks at a newcomer now; false when they were looked at already."""
    gone = session.execute(delete(Newcomer).where(Newcomer.client_id == client_id).returning(Newcomer.client_id))
    return gone.scalar() is not None


def note_resemblance(session: Session, one: int, other: int, ticket_id: int) -> int | None:
    """Note that the agents are asked about two clients and return the row's id; `None` when they were before."""
    older, newer = sorted((one, other))
    made = session.execute(
        insert(Resemblance)
        .values(client_id=older, other_id=newer, ticket_id=ticket_id)
        .on_conflict_do_nothing()
        .returning(Resemblance.id)
    )
    return made.scalar()


def resemblance_by_id(session: Session, resemblance_id: int) -> Resemblance | None:
    """Return two clients of whom the agents were asked."""
    return session.get(Resemblance, resemblance_id)


def tell_apart(session: Session, resemblance_id: int, user_id: int) -> bool:
    """Note that two clients are two; false when that was said before."""
    told = session.execute(
        update(Resemblance)
        .where(Resemblance.id == resemblance_id, Resemblance.distinct_since.is_(None))
        .values(distinct_since=UTC_NOW, user_id=user_id)
        .returning(Resemblance.id)
        .execution_options(synchronize_session=False)
    )
    return told.scalar() is not None
