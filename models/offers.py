"""What agents may still do about something that a system message tells of: buttons below it, as rows."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, one_of


class OfferKind(StrEnum):
    """What is offered, and so what the subject is: a merge, a resemblance of two clients, a correction."""

    UNDO_MERGE = "undo_merge"
    SAME_CLIENT = "same_client"
    CORRECTION = "correction"


class Offer(Base):
    """The offer below one message; whether it still stands is asked of its subject, when it is taken."""

    __tablename__ = "offers"
    __table_args__ = (one_of("kind", OfferKind),)

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(50))
    subject_id: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What is offered, about which row."""

    kind: OfferKind
    subject_id: int


def offer(session: Session, message_id: int, offered: Offered) -> None:
    """Offer something below a message."""
    session.add(Offer(message_id=message_id, kind=offered.kind, subject_id=offered.subject_id))


def offer_below(session: Session, message_id: int) -> Offered | None:
    """Return what is offered below a message, `None` where nothing is."""
    found = session.get(Offer, message_id)
    return Offered(kind=OfferKind(found.kind), subject_id=found.subject_id) if found else None
