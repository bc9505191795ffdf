"""The inbox: every thing that arrived, with its bytes, until and after it became an effect.

A row is claimed for the length of a lease. Only the oldest open row of a conversation can be claimed, so the lease is
also the lock of the conversation. `attempts` rises with each claim and fences a claimer whose lease was taken.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    LargeBinary,
    ScalarSelect,
    String,
    Text,
    UniqueConstraint,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from models.base import UTC_NOW, Base, Identified, among, now, one_of

# Payloads are read in slices: the driver's text form of a whole large one would triple a worker's memory.
SLICE = 1 << 18


class EventStatus(StrEnum):
    """What became of an event; the first two are open."""

    PENDING = "pending"
    PROCESSING = "processing"
    PROCESSED = "processed"
    IGNORED = "ignored"
    FAILED = "failed"


OPEN = (EventStatus.PENDING, EventStatus.PROCESSING)
SET_ASIDE = (EventStatus.FAILED, EventStatus.IGNORED)
_IS_OPEN = text("status IN ('pending', 'processing')")
_IS_CHANGE = text("(facts ->> 'changes') IS NOT NULL")


class InboundEvent(Identified, Base):
    """One thing that arrived; `created_at` is when it was accepted."""

    __tablename__ = "inbound_events"
    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        one_of("status", EventStatus),
        Index("inbound_events_open_idx", "conversation", "id", postgresql_where=_IS_OPEN),
        Index("inbound_events_due_idx", "next_attempt_at", postgresql_where=_IS_OPEN),
        Index("inbound_events_failed_idx", "id", postgresql_where=text("status = 'failed'")),
        Index("inbound_events_changes_idx", text("(facts ->> 'changes')"), postgresql_where=_IS_CHANGE),
    )

    channel: Mapped[str] = mapped_column(String(50))
    external_id: Mapped[str] = mapped_column(String(255))
    conversation: Mapped[str] = mapped_column(String(255))
    payload: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    status: Mapped[str] = mapped_column(String(50), server_default=EventStatus.PENDING)
    attempts: Mapped[int] = mapped_column(server_default="0")
    postponements: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=UTC_NOW)
    lease_until: Mapped[datetime | None]
    tried_since: Mapped[datetime] = mapped_column(server_default=UTC_NOW)
    error: Mapped[str | None] = mapped_column(Text)
    processed_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEvent:
    """An event that is ours until its lease ends; `attempts` is the fencing token.

    `postponements` are those attempts that are not held against it: the outside was not to be had, or they came
    before a replay. `tried_since` is when it was accepted or last replayed.
    """

    id: int
    channel: str
    external_id: str
    conversation: str
    payload: bytes
    facts: Mapping[str, Any]
    attempts: int
    postponements: int
    tried_since: datetime


def insert_event(
    session: Session, *, channel: str, external_id: str, conversation: str, payload: bytes, facts: Mapping[str, object]
) -> int | None:
    """Store an event and return its id, or `None` when the same one is there already.

    Events of one conversation are stored one after another: an id that is smaller is then never seen later.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(conversation, 1))))
    statement = insert(InboundEvent).values(
        channel=channel,
        external_id=external_id,
        conversation=conversation,
        payload=payload,
        facts=facts,
    )
    made = session.execute(
        statement.on_conflict_do_nothing(index_elements=["channel", "external_id"]).returning(InboundEvent.id)
    )
    return made.scalar()


def claim_event(session: Session, event_id: int, lease: timedelta) -> ClaimedEvent | None:
    """Claim the oldest open event of the conversation that `event_id` belongs to; `None` when another holds it.

    The caller commits at once, so that an event that kills its worker has been counted.
    """
    asked = aliased(InboundEvent)
    conversation = select(asked.conversation).where(asked.id == event_id).scalar_subquery()
    return _claim(session, conversation, lease)


def claim_next(session: Session, conversation: str, lease: timedelta) -> ClaimedEvent | None:
    """Claim the oldest open event of a conversation: after one is done, those that waited behind it."""
    return _claim(session, literal(conversation), lease)


def _claim(session: Session, conversation: ColumnElement[str], lease: timedelta) -> ClaimedEvent | None:
    row = session.execute(
        update(InboundEvent)
        .where(InboundEvent.id == _head(conversation), _claimable())
        .values(
            status=EventStatus.PROCESSING,
            attempts=InboundEvent.attempts + 1,
            lease_until=UTC_NOW + literal(lease),
        )
        .returning(
            InboundEvent,
            func.length(InboundEvent.payload),
            func.substring(InboundEvent.payload, 1, SLICE),
        )
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one_or_none()
    if row is None:
        return None
    event, size, start = row
    return _claimed(event, start if size <= SLICE else read_payload(session, event.id))


def _head(conversation: ColumnElement[str]) -> ScalarSelect[int]:
    """Select the oldest open event of a conversation."""
    return (
        select(InboundEvent.id)
        .where(InboundEvent.conversation == conversation, among(InboundEvent.status, OPEN))
        .order_by(InboundEvent.id)
        .limit(1)
        .scalar_subquery()
    )


def _claimed(event: InboundEvent, payload: bytes) -> ClaimedEvent:
    return ClaimedEvent(
        id=event.id,
        channel=event.channel,
        external_id=event.external_id,
        conversation=event.conversation,
        payload=payload,
        facts=event.facts,
        attempts=event.attempts,
        postponements=event.postponements,
        tried_since=event.tried_since,
    )


def _claimable() -> ColumnElement[bool]:
    return or_(
        and_(InboundEvent.status == EventStatus.PENDING, InboundEvent.next_attempt_at <= UTC_NOW),
        and_(InboundEvent.status == EventStatus.PROCESSING, InboundEvent.lease_until < UTC_NOW),
    )


def event_by_id(session: Session, event_id: int) -> InboundEvent | None:
    """Return an event without its bytes."""
    return session.get(InboundEvent, event_id)


def read_payload(session: Session, event_id: int) -> bytes:
    """Return the stored bytes, read slice by slice."""
    whole = io.BytesIO()
    start = 1
    while piece := session.scalar(
        select(func.substring(InboundEvent.payload, start, SLICE)).where(InboundEvent.id == event_id)
    ):
        whole.write(piece)
        start += SLICE
    return whole.getvalue()


def finish_event(session: Session, claimed: ClaimedEvent, status: EventStatus, error: str | None = None) -> bool:
    """Close a claimed event; false when the lease was lost and the caller must roll back."""
    return _write_if_ours(
        session, claimed, {"status": status, "error": error, "processed_at": now(), "lease_until": None}
    )


def postpone_event(session: Session, claimed: ClaimedEvent, until: datetime, error: str, *, blameless: bool) -> bool:
    """Give a claimed event back, to be tried again later; a `blameless` attempt does not count against the event."""
    values = {"status": EventStatus.PENDING, "next_attempt_at": until, "lease_until": None, "error": error}
    return _write_if_ours(session, claimed, {**values, "postponements": claimed.postponements + int(blameless)})


def extend_lease(session: Session, claimed: ClaimedEvent, lease: timedelta) -> bool:
    """Hold on to a claimed event for longer; false when it is no longer ours."""
    return _write_if_ours(session, claimed, {"lease_until": now() + lease})


def _write_if_ours(session: Session, claimed: ClaimedEvent, values: dict[str, Any]) -> bool:
    ours = session.execute(
        update(InboundEvent)
        .where(
            InboundEvent.id == claimed.id,
            InboundEvent.status == EventStatus.PROCESSING,
            InboundEvent.attempts == claimed.attempts,
        )
        .values(values)
        .returning(InboundEvent.id)
        .execution_options(synchronize_session=False)
    )
    return ours.scalar() is not None


def due_events(
    session: Session, *, older_than: timedelta, limit: int, channel: str | None = None
) -> list[tuple[int, str]]:
    """Return (id, channel) of conversations' heads that nobody holds, due since `older_than` (of `channel`)."""
    late = UTC_NOW - literal(older_than)
    before = aliased(InboundEvent)
    ahead = exists().where(
        before.conversation == InboundEvent.conversation, before.id < InboundEvent.id, among(before.status, OPEN)
    )
    rows = session.execute(
        select(InboundEvent.id, InboundEvent.channel)
        .where(among(InboundEvent.status, OPEN), _claimable(), InboundEvent.next_attempt_at < late, ~ahead)
        .where(InboundEvent.channel == channel if channel else true())
        .order_by(InboundEvent.id)
        .limit(limit)
    )
    return [(row.id, row.channel) for row in rows]


def is_being_read(session: Session, conversation: str) -> bool:
    """Say whether something of a conversation has arrived that is not recorded yet."""
    waiting = exists().where(InboundEvent.conversation == conversation, among(InboundEvent.status, OPEN))
    return bool(session.scalar(select(waiting)))


def list_events(session: Session, statuses: Sequence[EventStatus], limit: int) -> list[InboundEvent]:
    """Return events in these statuses, newest first, without their bytes."""
    return list(
        session.scalars(
            select(InboundEvent).where(InboundEvent.status.in_(statuses)).order_by(InboundEvent.id.desc()).limit(limit)
        )
    )


def replay_event(session: Session, event_id: int, statuses: Sequence[EventStatus] = SET_ASIDE) -> str | None:
    """Open an event in one of these statuses again and return its channel; `None` when it is in another."""
    return session.scalar(
        update(InboundEvent)
        .where(
            InboundEvent.id == event_id,
            InboundEvent.status.in_(statuses),
        )
        .values(
            status=EventStatus.PENDING,
            postponements=InboundEvent.attempts,  # attempts is a fencing token, and never goes back
            tried_since=UTC_NOW,
            next_attempt_at=UTC_NOW,
            lease_until=None,
            processed_at=None,
        )
        .returning(InboundEvent.channel)
        .execution_options(synchronize_session=False)
    )
