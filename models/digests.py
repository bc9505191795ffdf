"""The day's word to each department's agents: one row a department and day, whoever asks and however often."""

import uuid
from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Text, UniqueConstraint, Uuid, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Identified
from models.deliveries import Delivery, DeliveryStatus
from models.departments import AGENTS, Department, DepartmentExternalId, DepartmentSettings
from models.tickets import Ticket


class Digest(Identified, Base):
    """One digest: `attempted_at` is when a post may first have gone out, `ended_at` when it had or was given up.

    `idempotency_key` is what the post is known by. `outcome` is a word for whoever looks.
    """

    __tablename__ = "digests"
    __table_args__ = (UniqueConstraint("department_id", "day"),)

    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"))
    day: Mapped[date] = mapped_column(Date)
    idempotency_key: Mapped[uuid.UUID] = mapped_column(Uuid, server_default=text("gen_random_uuid()"))
    attempted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Text, server_default="")


def open_digests(session: Session, day: date) -> list[Digest]:
    """Return the digests of a day that have not ended, made for the departments that have none and want one."""
    wanting = _without_digest(session, day)
    if wanting:
        rows = [{"department_id": each, "day": day} for each in wanting]
        session.execute(insert(Digest).values(rows).on_conflict_do_nothing())
    return list(session.scalars(select(Digest).where(Digest.day == day, Digest.ended_at.is_(None)).order_by(Digest.id)))


def _without_digest(session: Session, day: date) -> list[int]:
    staffed = select(DepartmentExternalId.department_id).where(DepartmentExternalId.type == AGENTS)
    refused = select(DepartmentSettings.department_id).where(DepartmentSettings.digest.is_(False))
    told = select(Digest.department_id).where(Digest.day == day)
    wanting = select(Department.id).where(
        Department.id.in_(staffed), Department.id.not_in(refused), Department.id.not_in(told)
    )
    return list(session.scalars(wanting.order_by(Department.id)))


def digest_by_id(session: Session, digest_id: int) -> Digest:
    """Return a digest as it is now."""
    return session.get_one(Digest, digest_id, populate_existing=True)


def failed_since(session: Session, department_id: int, since: datetime) -> int:
    """Count the sends to a department's clients that were tried since then and have failed, or may have."""
    counted = (
        select(func.count())
        .select_from(Delivery)
        .join(Ticket, Ticket.id == Delivery.ticket_id)
        .where(
            Delivery.to_client.is_(True),
            Delivery.status.in_((DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED)),
            Delivery.tried_since > since,
            Ticket.department_id == department_id,
        )
    )
    return session.scalars(counted).one()
