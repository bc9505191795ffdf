"""How often clients were acknowledged lately: what holds a flood of forged senders, or a loop, to a few mails."""

from datetime import timedelta

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from models.base import UTC_NOW
from models.deliveries import Delivery, Purpose


def lock_acknowledgements(session: Session) -> None:
    """Let nobody else count or acknowledge until this transaction ends; take no other lock after it."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("frontdesk.acknowledgements", 0))))


def acknowledgements_within(session: Session, span: timedelta, *, recipient: str | None = None) -> int:
    """Count the acknowledgements decided on within `span`, those to one address or all, whatever became of them."""
    counted = select(func.count()).where(
        Delivery.purpose == literal(Purpose.ACKNOWLEDGEMENT.value, literal_execute=True),
        Delivery.created_at > UTC_NOW - literal(span),
    )
    if recipient is not None:
        counted = counted.where(Delivery.recipient == recipient)
    return session.scalars(counted).one()
