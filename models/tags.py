"""Tags and which tickets have them."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base


class Tag(Base):
    """A word that groups tickets."""

    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)


ticket_tags = Table(
    "ticket_tags",
    Base.metadata,
    Column("ticket_id", Integer, ForeignKey("tickets.id"), primary_key=True),
    Column("tag_id", Integer, ForeignKey("tags.id"), primary_key=True),
)


def ensure_tag(session: Session, name: str) -> bool:
    """Make a tag unless it is there; say whether it was made."""
    made = session.execute(insert(Tag).values(name=name).on_conflict_do_nothing().returning(Tag.id))
    return made.scalar() is not None


def list_tags(session: Session) -> list[Tag]:
    """Return all tags by name."""
    return list(session.scalars(select(Tag).order_by(Tag.name)))


def tag_ids_of(session: Session, ticket_id: int) -> set[int]:
    """Return the ids of a ticket's tags."""
    return set(session.scalars(select(ticket_tags.c.tag_id).where(ticket_tags.c.ticket_id == ticket_id)))


def set_tags(session: Session, ticket_id: int, tag_ids: set[int]) -> None:
    """Make these a ticket's tags, and no others; the caller holds the ticket."""
    session.execute(delete(ticket_tags).where(ticket_tags.c.ticket_id == ticket_id))
    if tag_ids:
        session.execute(insert(ticket_tags), [{"ticket_id": ticket_id, "tag_id": each} for each in sorted(tag_ids)])


def tags_of(session: Session, ticket_id: int) -> list[str]:
    """Return the names of a ticket's tags."""
    return list(
        session.scalars(
            select(Tag.name).join(ticket_tags).where(ticket_tags.c.ticket_id == ticket_id).order_by(Tag.name)
        )
    )
