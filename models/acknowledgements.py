"""How often clients were acknowledged lately: what holds a flood of forged senders, or a loop, to a few mails."""

from datetime import timedelta

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from models.base import UTC_NOW
from models.deliveries import Delivery, Purpose


def lock_acknowledgements(session: Session) -> None:
    """Let nobody else count or acknowledge until this transaction ends; take no other lock after it."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("frontdesk.acknowledgements", 0))))


def acknowledgements_within(session: Session, span: timedelta, *, mailbox: str | None = None) -> int:
    """Count the acknowledgements decided on within `span`, those to one mailbox or all, whatever became of them.

    A mailbox is an address without its tag: mail to `name+anything@` ends in it too.
    """
    counted = select(func.count()).where(
        Delivery.purpose == literal(Purpose.ACKNOWLEDGEMENT.value, literal_execute=True),
        Delivery.created_at > UTC_NOW - literal(span),
    )
    if mailbox is not None:
        counted = counted.where(_ends_in(mailbox))
    return session.scalars(counted).one()


def _ends_in(mailbox: str) -> ColumnElement[bool]:
    local, _, domain = mailbox.rpartition("@")
    tagged = Delivery.recipient.startswith(f"{local}+", autoescape=True)
    return (Delivery.recipient == mailbox) | (tagged & Delivery.recipient.endswith(f"@{domain}", autoescape=True))
