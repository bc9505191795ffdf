"""Internal notes. A table of its own: no statement that feeds a client can ever read one."""

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Identified


class Note(Identified, Base):
    """What an agent wrote for colleagues only."""

    __tablename__ = "notes"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str] = mapped_column(Text)


def add_note(session: Session, *, ticket_id: int, user_id: int, body: str) -> None:
    """Keep a note on a ticket."""
    session.add(Note(ticket_id=ticket_id, user_id=user_id, body=body))


def notes_of(session: Session, ticket_id: int) -> list[Note]:
    """Return a ticket's notes, oldest first: for agents' eyes."""
    return list(session.scalars(select(Note).where(Note.ticket_id == ticket_id).order_by(Note.id)))
