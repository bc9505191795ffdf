"""What every table shares: the metadata, UTC times, bounded enums."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Identity,
    MetaData,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

# Fixed names, so that a migration can speak of a constraint without asking the database.
_NAMING = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

# Of a SERIAL key; ours that could be larger are not by the time anybody sees one.
LARGEST_ID = 2**31 - 1

# UTC whatever the session's time zone says.
UTC_NOW = text("timezone('utc', now())")


class UtcDateTime(TypeDecorator[datetime]):
    """A `TIMESTAMP` without zone that always holds UTC: takes and gives aware datetimes, refuses naive ones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (the base class names it)
        """Turn an aware time into naive UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored: give an aware datetime")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (the base class names it)
        """Give the stored time back as aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The one metadata."""

    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012 (SQLAlchemy reads it from the class)


class Identified:
    """A table of ours: `BIGINT` identity key, time of making."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, sort_order=-1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=UTC_NOW, sort_order=99)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def one_of(column: str, members: type[StrEnum], *, name: str | None = None) -> CheckConstraint:
    """Hold `column` to the values of an enum."""
    values = ", ".join(f"'{member.value}'" for member in members)
    return CheckConstraint(f"{column} IN ({values})", name=name or column)


def row_id(text: str) -> int | None:
    """Return a ticket's or delivery's number out of what somebody sent, `None` when it can be none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)) else 0
    return number if 0 < number <= LARGEST_ID else None


def among(column: ColumnElement[str] | InstrumentedAttribute[str], members: Sequence[StrEnum]) -> ColumnElement[bool]:
    """Hold for rows in these states, written out in the statement: only then does a partial index over them serve."""
    return column.in_([literal(member.value, literal_execute=True) for member in members])


def try_lock(session: Session, name: str) -> bool:
    """Take a lock by name until this transaction ends; false when another transaction has it."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(name)))))


def hold_lock(connection: Connection, name: str) -> bool:
    """Take a lock by name until this connection ends; false when another connection has it."""
    return bool(connection.scalar(select(func.pg_try_advisory_lock(func.hashtext(name)))))


def ping(session: Session | Connection) -> None:
    """Raise what the database raises when it does not answer."""
    session.execute(select(1))
