"""What agents made of their messages after these had been sent: new texts that may be sent as corrections."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text, exists, update
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.base import UTC_NOW, Base, Identified


class Correction(Identified, Base):
    """The text of a message after an edit that came too late; of several edits the last one counts."""

    __tablename__ = "corrections"

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime | None]


def add_correction(session: Session, message_id: int, body: str) -> int:
    """Keep what a message reads now and return the row's id."""
    made = Correction(message_id=message_id, body=body)
    session.add(made)
    session.flush()
    return made.id


def correction_by_id(session: Session, correction_id: int) -> Correction | None:
    """Return a correction."""
    return session.get(Correction, correction_id)


def take_correction(session: Session, correction_id: int) -> bool:
    """Note that a correction is sent now; false when it was before, or when the message was edited again since."""
    later = aliased(Correction)
    newer = exists().where(later.message_id == Correction.message_id, later.id > Correction.id)
    taken = session.execute(
        update(Correction)
        .where(Correction.id == correction_id, Correction.sent_at.is_(None), ~newer)
        .values(sent_at=UTC_NOW)
        .returning(Correction.id)
        .execution_options(synchronize_session=False)
    )
    return taken.scalar() is not None
