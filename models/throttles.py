"""What waits together: turns given out, pauses that a provider asked for, stops until an operator acts.

One row is what a provider counts together, under the channel's own name for it; all processes share it. Whoever changes
a row holds the delivery's row already, so that two never wait for each other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    String,
    Text,
    UniqueConstraint,
    extract,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base, Identified


class Throttle(Identified, Base):
    """One thing that is counted: all turns before `turns_until` are given out, each to one send.

    `next_try_at` is when one send may try whether a stop has ended.
    """

    __tablename__ = "throttles"
    __table_args__ = (UniqueConstraint("channel", "key"),)

    channel: Mapped[str] = mapped_column(String(50))
    key: Mapped[str] = mapped_column(String(255))
    turns_until: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    stopped_since: Mapped[datetime | None]
    stopped_reason: Mapped[str] = mapped_column(Text, server_default="")
    next_try_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrier:
    """What holds up everything of one key, in seconds from now, none of them below 0.

    `paused_until` may be past: a turn given out for before it was not kept. `next_try` is `None` unless it is stopped.
    """

    paused_until: datetime | None = None
    pause: float = 0.0
    next_try: float | None = None
    reason: str = ""


def barrier(session: Session, channel: str, key: str) -> Barrier:
    """Return what holds up a key now."""
    row = session.execute(
        select(
            Throttle.paused_until,
            _from_now(Throttle.paused_until).label("pause"),
            _from_now(Throttle.next_try_at).label("next_try"),
            Throttle.stopped_since,
            Throttle.stopped_reason,
        ).where(*_named(channel, key))
    ).one_or_none()
    if row is None:
        return Barrier()
    return Barrier(
        paused_until=row.paused_until,
        pause=row.pause,
        next_try=None if row.stopped_since is None else row.next_try,
        reason=row.stopped_reason,
    )


def take_turn(session: Session, channel: str, key: str, *, per_second: float, burst: int) -> float:
    """Give the next free turn away and return in how many seconds it comes: 0 is now."""
    step = literal(timedelta(seconds=1 / per_second))
    earliest = UTC_NOW - literal(timedelta(seconds=(burst - 1) / per_second))
    free = func.greatest(Throttle.turns_until, Throttle.paused_until, earliest)
    return session.execute(
        insert(Throttle)
        .values(channel=channel, key=key, turns_until=earliest + step)
        .on_conflict_do_update(index_elements=["channel", "key"], set_={"turns_until": free + step})
        .returning(_from_now(Throttle.turns_until - step))
    ).scalar_one()


def pause(session: Session, channel: str, key: str, seconds: float) -> None:
    """Let nothing of a key leave for so long, because the provider asked for it; a longer pause stays."""
    until = UTC_NOW + literal(timedelta(seconds=seconds))
    session.execute(
        insert(Throttle)
        .values(channel=channel, key=key, paused_until=until)
        .on_conflict_do_update(
            index_elements=["channel", "key"], set_={"paused_until": func.greatest(Throttle.paused_until, until)}
        )
    )


def stop(session: Session, channel: str, key: str, reason: str, *, try_again: timedelta) -> bool:
    """Let nothing of a key leave until a try succeeds, the next after `try_again`; true when it was not stopped yet."""
    stopped = {"stopped_since": UTC_NOW, "stopped_reason": reason, "next_try_at": UTC_NOW + literal(try_again)}
    begun = session.execute(
        insert(Throttle)
        .values(channel=channel, key=key, **stopped)
        .on_conflict_do_update(index_elements=["channel", "key"], set_=stopped, where=Throttle.stopped_since.is_(None))
        .returning(Throttle.id)
    )
    if begun.scalar() is not None:
        return True
    session.execute(update(Throttle).where(*_named(channel, key)).values(stopped_reason=reason))
    return False


def claim_try(session: Session, channel: str, key: str, *, try_again: timedelta) -> bool:
    """Say whether this send may try whether a stop has ended; of all that ask, one may."""
    claimed = session.execute(
        update(Throttle)
        .where(*_named(channel, key), Throttle.next_try_at <= UTC_NOW)
        .values(next_try_at=UTC_NOW + literal(try_again))
        .returning(Throttle.id)
    )
    return claimed.scalar() is not None


def resume(session: Session, channel: str, key: str) -> bool:
    """End a stop, for something has gone through; true when there was one."""
    ended = session.execute(
        update(Throttle)
        .where(*_named(channel, key), Throttle.stopped_since.is_not(None))
        .values(stopped_since=None, stopped_reason="", next_try_at=None)
        .returning(Throttle.id)
    )
    return ended.scalar() is not None


def list_stops(session: Session) -> list[Throttle]:
    """Return what is stopped, the longest first."""
    return list(
        session.scalars(
            select(Throttle).where(Throttle.stopped_since.is_not(None)).order_by(Throttle.stopped_since, Throttle.id)
        )
    )


def _named(channel: str, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Throttle.channel == channel, Throttle.key == key


def _from_now(moment: SQLColumnExpression[datetime | None]) -> ColumnElement[float]:
    return func.greatest(extract("epoch", moment - UTC_NOW), 0.0)
