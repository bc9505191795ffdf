"""Working through the outbox: claims with a lease, what came of them, and what is due.

Deliveries of one `lane` leave in the order made: only the oldest open row of a lane can be claimed. A claim commits
before the provider is called, and counts in `attempts` (sends) or `lookups`; the pair fences a claimer whose lease was
taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select, true, update
from sqlalchemy.orm import Session, aliased

from models.base import UTC_NOW, among
from models.deliveries import ONCE, OPEN, Delivery, DeliveryStatus, Purpose, pending_again


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDelivery:
    """A delivery that is ours until its lease ends.

    `look_up` says that an earlier send may have gone out; `attempted_at` is when the first one began, `tried_since`
    when the row was made or a person last asked to send it again. `turn_at` is the turn that it waited for.
    """

    id: int
    idempotency_key: str
    ticket_id: int
    message_id: int | None
    purpose: Purpose
    part: int
    channel: str
    recipient_type: str
    recipient: str
    sender: str
    to_client: bool
    about_delivery_id: int | None
    lane: str
    attempts: int
    lookups: int
    tried_since: datetime
    attempted_at: datetime
    look_up: bool
    turn_at: datetime | None

    @property
    def only_asks(self) -> bool:
        """Say whether the provider is asked what it has, and is sent nothing."""
        return self.look_up and self.purpose in ONCE


# How long a claim holds, by channel.
Leases = Mapping[str, timedelta]


def claim_delivery(session: Session, delivery_id: int, leases: Leases) -> ClaimedDelivery | None:
    """Claim the head of the lane that `delivery_id` stands in; `None` when it is held, or not due."""
    asked = aliased(Delivery)
    return _claim(session, select(asked.lane).where(asked.id == delivery_id).scalar_subquery(), leases)


def claim_next_in_lane(session: Session, lane: str, leases: Leases) -> ClaimedDelivery | None:
    """Claim the head of a lane: after one is done, those that waited behind it."""
    return _claim(session, literal(lane), leases)


def _claim(session: Session, lane: ColumnElement[str], leases: Leases) -> ClaimedDelivery | None:
    head = (
        select(Delivery.id.label("id"), Delivery.status.label("was"))
        .where(Delivery.lane == lane, among(Delivery.status, OPEN))
        .order_by(Delivery.id)
        .limit(1)
        .with_for_update()
        .cte("head")
    )
    fresh = head.c.was == DeliveryStatus.PENDING
    row = session.execute(
        update(Delivery)
        .where(Delivery.id == head.c.id, claimable())
        .values(
            status=case((fresh, DeliveryStatus.SENDING), else_=DeliveryStatus.UNCLEAR),
            attempts=Delivery.attempts + case((fresh, 1), else_=0),
            lookups=Delivery.lookups + case((fresh, 0), else_=1),
            attempted_at=func.coalesce(Delivery.attempted_at, UTC_NOW),
            lease_until=UTC_NOW + case(dict(leases), value=Delivery.channel),
        )
        .returning(Delivery, head.c.was)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one_or_none()
    return None if row is None else _claimed(row[0], look_up=row[1] != DeliveryStatus.PENDING)


def _claimed(delivery: Delivery, *, look_up: bool) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=delivery.id,
        idempotency_key=str(delivery.idempotency_key),
        ticket_id=delivery.ticket_id,
        message_id=delivery.message_id,
        purpose=Purpose(delivery.purpose),
        part=delivery.part,
        channel=delivery.channel,
        recipient_type=delivery.recipient_type,
        recipient=delivery.recipient,
        sender=delivery.sender,
        to_client=delivery.to_client,
        about_delivery_id=delivery.about_delivery_id,
        lane=delivery.lane,
        attempts=delivery.attempts,
        lookups=delivery.lookups,
        tried_since=delivery.tried_since,
        attempted_at=delivery.attempted_at or delivery.created_at,
        look_up=look_up,
        turn_at=delivery.turn_at,
    )


def put_back(session: Session, claimed: ClaimedDelivery, wait: float, reason: str = "") -> None:
    """Undo a claim in the transaction that made it: the row is due in `wait` seconds, and nothing was counted."""
    first = not claimed.look_up and claimed.attempts == 1
    session.execute(
        update(Delivery)
        .where(Delivery.id == claimed.id)
        .values(
            status=DeliveryStatus.UNCLEAR if claimed.look_up else DeliveryStatus.PENDING,
            attempts=claimed.attempts - (0 if claimed.look_up else 1),
            lookups=claimed.lookups - (1 if claimed.look_up else 0),
            attempted_at=None if first else claimed.attempted_at,
            lease_until=None,
            turn_at=None,
            next_attempt_at=UTC_NOW + literal(timedelta(seconds=wait)),
            error_text=reason or Delivery.error_text,
        )
        .execution_options(synchronize_session=False)
    )


def begin_anew(session: Session, delivery_id: int) -> None:
    """Let the time for which a send is tried begin now."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(tried_since=UTC_NOW)
        .execution_options(synchronize_session=False)
    )


def give_turn(session: Session, delivery_id: int, wait: float) -> None:
    """Let a send that was given back wait for its turn, in so many seconds."""
    turn = UTC_NOW + literal(timedelta(seconds=wait))
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(next_attempt_at=turn, turn_at=turn)
        .execution_options(synchronize_session=False)
    )


def postpone(session: Session, delivery_id: int, wait: float) -> None:
    """Let a send that was given back be due in so many seconds."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(next_attempt_at=UTC_NOW + literal(timedelta(seconds=wait)))
        .execution_options(synchronize_session=False)
    )


def claimable() -> ColumnElement[bool]:
    """Hold for rows that are due and that nobody holds."""
    return and_(
        Delivery.next_attempt_at <= UTC_NOW,
        or_(Delivery.status == DeliveryStatus.PENDING, func.coalesce(Delivery.lease_until, UTC_NOW) <= UTC_NOW),
    )


def record_outcome(session: Session, claimed: ClaimedDelivery, status: DeliveryStatus, **values: Any) -> bool:  # noqa: ANN401 (columns of the row)
    """Write what became of a claimed send; false when the lease was lost, or a report was quicker and knows more."""
    values["status"] = pending_again() if status is DeliveryStatus.PENDING else status
    written = session.execute(
        update(Delivery)
        .where(
            Delivery.id == claimed.id,
            Delivery.attempts == claimed.attempts,
            Delivery.lookups == claimed.lookups,
            Delivery.status.in_((DeliveryStatus.SENDING, DeliveryStatus.UNCLEAR)),
        )
        .values(lease_until=None, **{"turn_at": None, **values})
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return written.scalar() is not None


def due_deliveries(
    session: Session, *, older_than: timedelta, limit: int, channel: str | None = None
) -> list[tuple[int, str]]:
    """Return (id, channel) of lanes' heads that nobody holds, due since `older_than` (of `channel`)."""
    before = aliased(Delivery)
    ahead = exists().where(before.lane == Delivery.lane, before.id < Delivery.id, among(before.status, OPEN))
    late = UTC_NOW - literal(older_than)
    rows = session.execute(
        select(Delivery.id, Delivery.channel)
        .where(among(Delivery.status, OPEN), claimable(), Delivery.next_attempt_at < late, ~ahead)
        .where(Delivery.channel == channel if channel else true())
        .order_by(Delivery.id)
        .limit(limit)
    )
    return [(row.id, row.channel) for row in rows]
