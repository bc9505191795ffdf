"""Outside addresses that must not be written to."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    String,
    Text,
    UniqueConstraint,
    and_,
    any_,
    delete,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import UTC_NOW, Base, Identified, one_of
from models.clients import HIDES_NUMBERS, maybe_same_phone
from models.external_ids import ExternalId


class SuppressionReason(StrEnum):
    """Why an address is left alone."""

    OPTED_OUT = "opted_out"
    BOUNCED = "bounced"
    INVALID = "invalid"


class Suppression(Identified, Base):
    """One address, since when (`created_at`) and why; with a `sender`, from that address of ours only."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("type", "value", "sender"), one_of("reason", SuppressionReason))

    type: Mapped[str] = mapped_column(String(50))
    value: Mapped[str] = mapped_column(String(255))
    sender: Mapped[str] = mapped_column(String(255), server_default="", default="")
    reason: Mapped[str] = mapped_column(String(50))
    detail: Mapped[str] = mapped_column(Text, server_default="")


def suppress(
    session: Session,
    address: ExternalId,
    reason: SuppressionReason,
    detail: str = "",
    *,
    sender: str = "",
    since: datetime | None = None,
) -> bool:
    """Stop writing to an address, from `sender` or from all of ours; false when there was a reason, which stays.

    `since` is when they said so, if that is known of what is heard only now.
    """
    made = session.execute(
        insert(Suppression)
        .values(
            type=address.type,
            value=address.value,
            sender=sender,
            reason=reason,
            detail=detail,
            created_at=since or UTC_NOW,
        )
        .on_conflict_do_nothing()
        .returning(Suppression.id)
    )
    return made.first() is not None


def trust_again(
    session: Session,
    addresses: Sequence[ExternalId],
    *,
    opted_in_to: Collection[str] = (),
    said_at: datetime | None = None,
    client_id: int | None = None,
) -> set[SuppressionReason]:
    """Write again to addresses that bounced, because somebody writes from there, and return what stood against it.

    The first is the one that this client writes from; the others are other ways to write it.
    Who opted out stays left alone, except by the address of ours that they have opted in to, in any of its spellings,
    and by nothing that was said before, at `said_at`. Of a bounce no clock is asked: a mail's is its sender's.
    """
    bounced = Suppression.reason.in_((SuppressionReason.BOUNCED, SuppressionReason.INVALID))
    named = tuple_(Suppression.type, Suppression.value).in_([(each.type, each.value) for each in addresses])
    opted_out = and_(
        Suppression.reason == SuppressionReason.OPTED_OUT,
        Suppression.sender.in_(opted_in_to),
        Suppression.created_at <= said_at if said_at else true(),
    )
    same = _of_same_phone(client_id, addresses[0])
    lifted = session.scalars(
        delete(Suppression)
        .where(or_(and_(named, or_(bounced, opted_out)), and_(same, opted_out)))
        .returning(Suppression.reason)
        .execution_options(synchronize_session=False)
    )
    return {SuppressionReason(each) for each in lifted}


def _of_same_phone(client_id: int | None, address: ExternalId) -> ColumnElement[bool]:
    if address.type != HIDES_NUMBERS:
        return false()
    # As an array the names are looked up once, and then by the index.
    names = any_(func.array(maybe_same_phone(client_id, address).scalar_subquery()))
    return and_(Suppression.type == address.type, Suppression.value == names)


def suppression_of(
    session: Session,
    address: ExternalId,
    *,
    senders: Collection[str] = (),
    alike: Collection[str] = (),
    client_id: int | None = None,
) -> Suppression | None:
    """Return why an address must not be written to, `None` when it may; the oldest reason of several.

    `senders` are the spellings of the address of ours that would write, `alike` those of the address. A client who
    opted out by a name that may be the same phone is left alone too.
    """
    same = or_(Suppression.value.in_(alike), _of_same_phone(client_id, address))
    opted_out = and_(Suppression.reason == SuppressionReason.OPTED_OUT, same)
    return session.scalar(
        select(Suppression)
        .where(
            Suppression.type == address.type,
            or_(Suppression.value == address.value, opted_out),
            Suppression.sender.in_(("", *senders)),
        )
        .order_by(Suppression.id)
        .limit(1)
    )
