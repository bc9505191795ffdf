"""Senders whose messages are set aside."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Identified
from models.external_ids import ExternalId


class Block(Identified, Base):
    """One address, by whom and since when (`created_at`); `set_aside` counts what came from it since."""

    __tablename__ = "blocks"
    __table_args__ = (UniqueConstraint("type", "value"),)

    type: Mapped[str] = mapped_column(String(50))
    value: Mapped[str] = mapped_column(String(255))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    set_aside: Mapped[int] = mapped_column(server_default="0")


def block(session: Session, address: ExternalId, *, ticket_id: int, user_id: int) -> bool:
    """Set aside what comes from an address from now on; false when that was so already."""
    made = session.execute(
        insert(Block)
        .values(type=address.type, value=address.value, ticket_id=ticket_id, user_id=user_id)
        .on_conflict_do_nothing()
        .returning(Block.id)
    )
    return made.scalar() is not None


def unblock(session: Session, address: ExternalId) -> bool:
    """Take what comes from an address again; false when it was not blocked."""
    gone = session.execute(
        delete(Block).where(Block.type == address.type, Block.value == address.value).returning(Block.id)
    )
    return gone.scalar() is not None


def block_of(session: Session, address: ExternalId) -> Block | None:
    """Return the block of an address, `None` when there is none."""
    return session.scalar(select(Block).where(Block.type == address.type, Block.value == address.value))


def count_set_aside(session: Session, address: ExternalId, spellings: Sequence[str]) -> int | None:
    """Count one more message of a blocked address, in any of its spellings, and return the ticket it was blocked on.

    `None` when it is not blocked.
    """
    return session.scalar(
        update(Block)
        .where(Block.type == address.type, Block.value.in_(spellings))
        .values(set_aside=Block.set_aside + 1)
        .returning(Block.ticket_id)
    )
