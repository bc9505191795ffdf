"""The outbox: every send to the outside, what was tried and what became of it.

pending ──claim──▶ sending ──▶ sent ──▶ delivered ──▶ read
   ▲                  │ ├──▶ failed
   │   not sent       │ ├──▶ unclear ──looked up──▶ sent | pending | unconfirmed (the agents are asked)
   ├──────────────────┘ └──▶ held
   └──── the client wrote ─────┘
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    Uuid,
    and_,
    case,
    exists,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.base import UTC_NOW, Base, Identified, among, one_of


class Purpose(StrEnum):
    """What is sent: a message's text or files, the ticket's card or its renewal, the mark on an agent's message.

    An `acknowledgement` is a mail of the system's own to the client.
    """

    MESSAGE = "message"
    FILES = "files"
    CARD = "card"
    CARD_UPDATE = "card_update"
    RECEIPT = "receipt"
    ACKNOWLEDGEMENT = "acknowledgement"


# What would be there twice if it were sent twice; the rest may be repeated.
ONCE = (Purpose.MESSAGE, Purpose.FILES, Purpose.CARD, Purpose.ACKNOWLEDGEMENT)


class DeliveryStatus(StrEnum):
    """What became of a send; the first three are open, and one that is held opens again when the client writes."""

    PENDING = "pending"
    SENDING = "sending"
    UNCLEAR = "unclear"
    HELD = "held"
    UNCONFIRMED = "unconfirmed"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    CANCELED = "canceled"


# A later one never gives way to an earlier one, whatever order reports arrive in.
PROGRESS = (
    DeliveryStatus.PENDING,
    DeliveryStatus.SENDING,
    DeliveryStatus.UNCLEAR,
    DeliveryStatus.HELD,
    DeliveryStatus.UNCONFIRMED,
    DeliveryStatus.SENT,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.READ,
)

OPEN = (DeliveryStatus.PENDING, DeliveryStatus.SENDING, DeliveryStatus.UNCLEAR)
NOT_BEGUN = (DeliveryStatus.PENDING, DeliveryStatus.HELD)
# The code of a part that was held back because one before it was not sent.
PART_BEFORE = "part_before"
_IS_OPEN = text("status IN ('pending', 'sending', 'unclear')")
_IS_ACKNOWLEDGEMENT = text("purpose = 'acknowledgement'")


class Delivery(Identified, Base):
    """One outbound send; `created_at` is when it was decided, `turn_at` the turn it was given among its like."""

    __tablename__ = "deliveries"
    __table_args__ = (
        one_of("status", DeliveryStatus),
        one_of("purpose", Purpose),
        Index("deliveries_open_idx", "lane", "id", postgresql_where=_IS_OPEN),
        Index("deliveries_due_idx", "next_attempt_at", postgresql_where=_IS_OPEN),
        Index("deliveries_held_idx", "lane", postgresql_where=text("status = 'held'")),
        Index("deliveries_channel_external_id_idx", "channel", "external_id"),
        Index("deliveries_ticket_id_idx", "ticket_id"),
        Index("deliveries_message_id_idx", "message_id"),
        Index("deliveries_card_key", "ticket_id", "recipient", unique=True, postgresql_where=text("purpose = 'card'")),
        Index(
            "deliveries_card_update_key",
            "ticket_id",
            "recipient",
            unique=True,
            postgresql_where=text("purpose = 'card_update' AND status = 'pending'"),
        ),
        Index(
            "deliveries_receipt_key",
            "message_id",
            unique=True,
            postgresql_where=text("purpose = 'receipt' AND status = 'pending'"),
        ),
        Index("deliveries_acknowledgement_key", "ticket_id", unique=True, postgresql_where=_IS_ACKNOWLEDGEMENT),
        Index("deliveries_acknowledged_at_idx", "created_at", postgresql_where=_IS_ACKNOWLEDGEMENT),
    )

    idempotency_key: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True, server_default=text("gen_random_uuid()"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    purpose: Mapped[str] = mapped_column(String(50))
    part: Mapped[int] = mapped_column(server_default="0", default=0)
    channel: Mapped[str] = mapped_column(String(50))
    recipient_type: Mapped[str] = mapped_column(String(50))
    recipient: Mapped[str] = mapped_column(String(255))
    sender: Mapped[str] = mapped_column(String(255), server_default="", default="")
    to_client: Mapped[bool] = mapped_column(server_default="false", default=False)
    about_delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id"))
    lane: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(50), server_default=DeliveryStatus.PENDING)
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    lookups: Mapped[int] = mapped_column(server_default="0", default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)
    lease_until: Mapped[datetime | None]
    turn_at: Mapped[datetime | None]
    tried_since: Mapped[datetime] = mapped_column(server_default=UTC_NOW)
    attempted_at: Mapped[datetime | None]
    external_id: Mapped[str | None] = mapped_column(String(255))
    error_code: Mapped[str | None] = mapped_column(String(255))
    error_text: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A send to be made: with `hold`, not before that many seconds from now.

    `about_delivery_id` is the failed send that a notice to the agents speaks of, and offers to try again.
    """

    ticket_id: int
    purpose: Purpose
    channel: str
    recipient_type: str
    recipient: str
    lane: str
    message_id: int | None = None
    part: int = 0
    sender: str = ""
    to_client: bool = False
    about_delivery_id: int | None = None
    hold: float = 0.0


def add_deliveries(session: Session, deliveries: Sequence[NewDelivery]) -> list[tuple[int, str, float]]:
    """Store sends and return (id, channel, hold) of those made; not of a second card or a waiting renewal."""
    if not deliveries:
        return []
    statement = insert(Delivery).values(
        [
            {
                "ticket_id": each.ticket_id,
                "message_id": each.message_id,
                "purpose": each.purpose,
                "part": each.part,
                "channel": each.channel,
                "recipient_type": each.recipient_type,
                "recipient": each.recipient,
                "sender": each.sender,
                "to_client": each.to_client,
                "about_delivery_id": each.about_delivery_id,
                "lane": each.lane,
                "next_attempt_at": UTC_NOW + literal(timedelta(seconds=each.hold)),
            }
            for each in deliveries
        ]
    )
    holds = {(each.purpose, each.message_id, each.part): each.hold for each in deliveries}
    rows = session.execute(
        statement.on_conflict_do_nothing().returning(
            Delivery.id, Delivery.channel, Delivery.purpose, Delivery.message_id, Delivery.part
        )
    )
    return [(row.id, row.channel, holds.get((Purpose(row.purpose), row.message_id, row.part), 0.0)) for row in rows]


def pending_again() -> ColumnElement[str]:
    """Return the status of a send that is given back: canceled where the same renewal or mark waits by now."""
    waiting = aliased(Delivery)
    same = or_(
        and_(
            Delivery.purpose == Purpose.CARD_UPDATE,
            waiting.ticket_id == Delivery.ticket_id,
            waiting.recipient == Delivery.recipient,
        ),
        and_(Delivery.purpose == Purpose.RECEIPT, waiting.message_id == Delivery.message_id),
    )
    waits = exists().where(
        waiting.status == DeliveryStatus.PENDING,
        waiting.purpose == Delivery.purpose,
        waiting.id != Delivery.id,
        same,
    )
    return case((waits, DeliveryStatus.CANCELED), else_=DeliveryStatus.PENDING)


# What a send that is tried anew starts with.
_AFRESH: dict[str, Any] = {
    "lookups": 0,
    "external_id": None,
    "tried_since": UTC_NOW,
    "next_attempt_at": UTC_NOW,
    "lease_until": None,
    "error_code": None,
    "error_text": None,
}


def delivery_reported(session: Session, *, channel: str, external_id: str, idempotency_key: str) -> Delivery | None:
    """Return the delivery a report speaks of, by our key if it has one, else by the provider's id."""
    key = _as_uuid(idempotency_key)
    named = Delivery.idempotency_key == key if key else Delivery.external_id == external_id
    return session.scalar(select(Delivery).where(Delivery.channel == channel, named))


def lock_delivery(session: Session, delivery: Delivery) -> None:
    """Read a send again, so that nobody else changes it until this transaction ends; after its ticket's lock."""
    session.refresh(delivery, with_for_update=True)


def _as_uuid(text_form: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text_form)
    except ValueError:
        return None


def deliveries_to_client(session: Session, message_id: int) -> list[Delivery]:
    """Return the sends by which a message goes to its client, in order, those canceled left out."""
    return list(session.scalars(_to_client(message_id)))


def lock_deliveries_to_client(session: Session, message_id: int) -> list[Delivery]:
    """Return the same, so that nobody else changes them until this transaction ends."""
    locked = _to_client(message_id).with_for_update().execution_options(populate_existing=True)
    return list(session.scalars(locked))


def _to_client(message_id: int) -> Select[Delivery]:
    return (
        select(Delivery)
        .where(
            Delivery.message_id == message_id,
            Delivery.to_client.is_(True),
            Delivery.status != DeliveryStatus.CANCELED,
        )
        .order_by(Delivery.id)
    )


def parts_before_failed(session: Session, message_id: int, delivery_id: int) -> bool:
    """Say whether the client lacks a part of a message that was to leave before this one."""
    failed = select(Delivery.id).where(
        Delivery.message_id == message_id,
        Delivery.to_client.is_(True),
        Delivery.id < delivery_id,
        Delivery.status.in_((DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED)),
    )
    return session.scalar(failed.limit(1)) is not None


def release_parts_after(session: Session, delivery: Delivery) -> list[Delivery]:
    """Make the parts pending again that were held back because of this one, and return them in order."""
    released = session.scalars(
        update(Delivery)
        .where(
            Delivery.message_id == delivery.message_id,
            Delivery.to_client.is_(True),
            Delivery.id > delivery.id,
            Delivery.status == DeliveryStatus.FAILED,
            Delivery.error_code == PART_BEFORE,
        )
        .values(status=DeliveryStatus.PENDING, **_AFRESH)
        .returning(Delivery)
        .execution_options(synchronize_session=False)
    )
    return sorted(released, key=lambda each: each.id)


def reopen_delivery(session: Session, delivery_id: int) -> Delivery | None:
    """Make a failed or unconfirmed send pending again because a person asked; `None` when it is neither."""
    return session.scalar(
        update(Delivery)
        .where(
            Delivery.id == delivery_id,
            Delivery.status.in_((DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED)),
        )
        .values(status=pending_again(), **_AFRESH)
        .returning(Delivery)
        .execution_options(synchronize_session=False)
    )


def release_held(session: Session, lane: str, senders: Collection[str]) -> list[Delivery]:
    """Make what is held in a lane, from an address of ours in these spellings, pending again; return it in order.

    It is older than what is made from now on. Of earlier attempts it is certain that nothing arrived.
    """
    released = session.scalars(
        update(Delivery)
        .where(Delivery.lane == lane, Delivery.sender.in_(senders), among(Delivery.status, (DeliveryStatus.HELD,)))
        .values(status=DeliveryStatus.PENDING, attempted_at=None, **_AFRESH)
        .returning(Delivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(released, key=lambda each: each.id)


def list_deliveries(session: Session, statuses: Sequence[DeliveryStatus], limit: int) -> list[Delivery]:
    """Return sends in these statuses, newest first."""
    return list(
        session.scalars(select(Delivery).where(Delivery.status.in_(statuses)).order_by(Delivery.id.desc()).limit(limit))
    )


def cancel_deliveries(session: Session, delivery_ids: Sequence[int]) -> None:
    """Take back sends that nobody has begun; the caller holds their rows."""
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids), Delivery.status.in_(NOT_BEGUN))
        .values(status=DeliveryStatus.CANCELED)
        .execution_options(synchronize_session=False)
    )


def delivery_by_id(session: Session, delivery_id: int) -> Delivery | None:
    """Return a send."""
    return session.get(Delivery, delivery_id)


def deliveries_of(session: Session, message_id: int) -> list[Delivery]:
    """Return the sends by which a message goes to its client, canceled ones too, in order."""
    return list(
        session.scalars(
            select(Delivery)
            .where(Delivery.message_id == message_id, Delivery.to_client.is_(True))
            .order_by(Delivery.id)
        )
    )
