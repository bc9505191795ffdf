"""Up to when each place of the outside was asked what it had said, lest a call that never came be missed for ever."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import String, false, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base
from models.departments import DepartmentExternalId
from models.external_ids import ExternalId
from models.tickets import Ticket, TicketExternalId


class Reconciliation(Base):
    """One place, by its outside name, and the moment before which nothing is missing."""

    __tablename__ = "reconciliations"

    type: Mapped[str] = mapped_column(String(50), primary_key=True)
    value: Mapped[str] = mapped_column(String(255), primary_key=True)
    complete_until: Mapped[datetime]


def places_to_reconcile(session: Session, types: Sequence[str]) -> list[tuple[ExternalId, datetime | None]]:
    """Return the departments' places of these types, each with the moment before which nothing is missing, if known.

    What was not asked for longest comes first, lest a provider that takes few calls leave out the same places always.
    """
    rows = session.execute(
        select(DepartmentExternalId.type, DepartmentExternalId.value, Reconciliation.complete_until)
        .outerjoin(
            Reconciliation,
            (Reconciliation.type == DepartmentExternalId.type) & (Reconciliation.value == DepartmentExternalId.value),
        )
        .where(DepartmentExternalId.type.in_(types))
        .order_by(Reconciliation.complete_until.nulls_first(), DepartmentExternalId.id)
    )
    return [(ExternalId(type=row.type, value=row.value), row.complete_until) for row in rows]


def old_threads(
    session: Session, places: Collection[ExternalId], begun_before: datetime, limit: int
) -> list[tuple[ExternalId, datetime | None]]:
    """Return threads of open tickets in these places, each with the moment before which nothing is missing, if known.

    Those never or longest not looked at come first. A thread's name ends with the time of its first message.
    """
    name, until = TicketExternalId.value.collate("C"), f"{begun_before.timestamp():.6f}"
    there = (
        (TicketExternalId.type == each.type) & name.between(f"{each.value}/", f"{each.value}/{until}")
        for each in places
    )
    rows = session.execute(
        select(TicketExternalId.type, TicketExternalId.value, Reconciliation.complete_until)
        .join(Ticket, Ticket.id == TicketExternalId.ticket_id)
        .outerjoin(
            Reconciliation,
            (Reconciliation.type == TicketExternalId.type) & (Reconciliation.value == TicketExternalId.value),
        )
        .where(Ticket.closed_at.is_(None), or_(false(), *there))
        .order_by(Reconciliation.complete_until.nulls_first(), TicketExternalId.id)
        .limit(limit)
    )
    return [(ExternalId(type=row.type, value=row.value), row.complete_until) for row in rows]


def mark_reconciled(session: Session, place: ExternalId, until: datetime) -> None:
    """Note that nothing said before `until` is missing."""
    session.execute(
        insert(Reconciliation)
        .values(type=place.type, value=place.value, complete_until=until)
        .on_conflict_do_update(index_elements=["type", "value"], set_={"complete_until": until})
    )
