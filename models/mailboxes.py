"""Mailboxes that are fetched from: how far each has been read, how it is doing, and the key it was last given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, LargeBinary, String, Text, UniqueConstraint, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base, Identified, one_of


class MailboxState(StrEnum):
    """What the door is doing about a mailbox."""

    CONNECTING = "connecting"
    WATCHING = "watching"
    FAILING = "failing"  # it tries again by itself; the error says whether a person is needed


class Mailbox(Identified, Base):
    """One mailbox of the settings.

    `place` is the account and folder on its server: the cursor holds there and nowhere else. `uidvalidity` and
    `last_uid` are the cursor. `refresh_token` is encrypted; `refresh_token_origin` names the configured token it came
    of, so that a new one in the settings counts.
    """

    __tablename__ = "mailboxes"
    __table_args__ = (UniqueConstraint("name"), one_of("state", MailboxState))

    name: Mapped[str] = mapped_column(String(50))
    place: Mapped[str] = mapped_column(String(255))
    uidvalidity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger, server_default="0")
    state: Mapped[str] = mapped_column(String(50), server_default=MailboxState.CONNECTING)
    error: Mapped[str] = mapped_column(Text, server_default="")
    fetched_at: Mapped[datetime | None]
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    refresh_token_origin: Mapped[str] = mapped_column(String(64), server_default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a mailbox has been read; without `uidvalidity` it has not been."""

    uidvalidity: int | None = None
    last_uid: int = 0
    fetched_at: datetime | None = None


def open_mailbox(session: Session, name: str, place: str) -> Cursor:
    """Return the cursor of a mailbox; one that is new, or elsewhere now, begins anew."""
    fresh = insert(Mailbox).values(name=name, place=place)
    elsewhere = {
        "place": place,
        "uidvalidity": None,
        "last_uid": 0,
        "fetched_at": None,
        "state": MailboxState.CONNECTING,
        "error": "",
        "created_at": UTC_NOW,
    }
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["name"], set_=elsewhere, where=Mailbox.place != fresh.excluded.place
        )
    )
    row = session.execute(
        select(Mailbox.uidvalidity, Mailbox.last_uid, Mailbox.fetched_at).where(Mailbox.name == name)
    ).one()
    return Cursor(uidvalidity=row.uidvalidity, last_uid=row.last_uid, fetched_at=row.fetched_at)


def advance(session: Session, name: str, uidvalidity: int, uid: int) -> None:
    """Move a cursor on; within one UIDVALIDITY it never goes back."""
    same = Mailbox.uidvalidity == uidvalidity
    session.execute(
        update(Mailbox)
        .where(Mailbox.name == name)
        .values(
            uidvalidity=uidvalidity,
            last_uid=case((same, func.greatest(Mailbox.last_uid, uid)), else_=uid),
            fetched_at=UTC_NOW,
        )
        .execution_options(synchronize_session=False)
    )


def forget_cursor(session: Session, name: str) -> None:
    """Let a mailbox be read anew."""
    _set(session, name, {"uidvalidity": None, "last_uid": 0})


def note_trouble(session: Session, name: str, error: str) -> None:
    """Say what keeps a mailbox from being read."""
    _set(session, name, {"state": MailboxState.FAILING, "error": error})


def note_watching(session: Session, name: str, remark: str) -> None:
    """Say that a mailbox has just been read to its end, and what about it is not as it should be."""
    _set(session, name, {"state": MailboxState.WATCHING, "error": remark, "fetched_at": UTC_NOW})


def keep_refresh_token(session: Session, name: str, sealed: bytes, origin: str) -> None:
    """Keep the encrypted token that the next access token is asked for with."""
    _set(session, name, {"refresh_token": sealed, "refresh_token_origin": origin})


def kept_refresh_token(session: Session, name: str, origin: str) -> bytes | None:
    """Return the encrypted token that came of the configured one, `None` where that has not been replaced."""
    return session.scalar(
        select(Mailbox.refresh_token).where(Mailbox.name == name, Mailbox.refresh_token_origin == origin)
    )


def list_mailboxes(session: Session) -> Sequence[Mailbox]:
    """Return every mailbox that was ever fetched from, by name."""
    return list(session.scalars(select(Mailbox).order_by(Mailbox.name)))


def _set(session: Session, name: str, values: Mapping[str, object]) -> None:
    session.execute(
        update(Mailbox).where(Mailbox.name == name).values(values).execution_options(synchronize_session=False)
    )
