"""Outside addresses that must not be written to."""

from enum import StrEnum

from sqlalchemy import String, Text, UniqueConstraint, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Identified, one_of
from models.external_ids import ExternalId


class SuppressionReason(StrEnum):
    """Why an address is left alone."""

    OPTED_OUT = "opted_out"
    BOUNCED = "bounced"
    INVALID = "invalid"


class Suppression(Identified, Base):
    """One address, since when (`created_at`) and why."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("type", "value"), one_of("reason", SuppressionReason))

    type: Mapped[str] = mapped_column(String(50))
    value: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(String(50))
    detail: Mapped[str] = mapped_column(Text, server_default="")


def suppress(session: Session, address: ExternalId, reason: SuppressionReason, detail: str = "") -> None:
    """Stop writing to an address; the first reason stays."""
    session.execute(
        insert(Suppression)
        .values(type=address.type, value=address.value, reason=reason, detail=detail)
        .on_conflict_do_nothing()
    )


def trust_again(session: Session, address: ExternalId) -> bool:
    """Write again to an address that bounced, because somebody writes from it, and say whether it had.

    Who opted out stays left alone.
    """
    lifted = session.execute(
        delete(Suppression)
        .where(
            Suppression.type == address.type,
            Suppression.value == address.value,
            Suppression.reason.in_((SuppressionReason.BOUNCED, SuppressionReason.INVALID)),
        )
        .returning(Suppression.id)
    )
    return lifted.first() is not None


def suppression_of(session: Session, address: ExternalId) -> Suppression | None:
    """Return why an address must not be written to, `None` when it may."""
    return session.scalar(
        select(Suppression).where(Suppression.type == address.type, Suppression.value == address.value)
    )
