"""Where a mail reaches the client of a ticket, and the sends that it stands in for."""

from dataclasses import dataclass

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from models.clients import ClientExternalId
from models.deliveries import Delivery, DeliveryStatus
from models.departments import DepartmentExternalId
from models.messages import Message, MessageSource
from models.suppressions import Suppression
from models.tickets import Ticket

_EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailWay:
    """The client's mail address, and which of ours writes to it."""

    recipient: str
    sender: str


def verified_mail_way(session: Session, ticket: Ticket) -> MailWay | None:
    """Return where the client wrote from by mail, in this ticket or else in another; `None` where nothing serves.

    Only from where a person wrote whom no server took for another, from an address that is still theirs and takes mail.
    """
    theirs = exists().where(
        ClientExternalId.client_id == ticket.client_id,
        ClientExternalId.type == _EMAIL,
        ClientExternalId.value == MessageSource.sender,
    )
    suppressed = exists().where(Suppression.type == _EMAIL, Suppression.value == MessageSource.sender)
    row = session.execute(
        select(MessageSource.sender, MessageSource.recipient, Message.ticket_id)
        .join(Message, Message.id == MessageSource.message_id)
        .where(
            Message.client_id == ticket.client_id,
            MessageSource.channel == _EMAIL,
            MessageSource.automatic == "no",
            MessageSource.authenticated != "fail",
            theirs,
            ~suppressed,
        )
        .order_by((Message.ticket_id == ticket.id).desc(), Message.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    sender = row.recipient if row.ticket_id == ticket.id else _mailbox(session, ticket.department_id)
    return MailWay(recipient=row.sender, sender=sender) if sender else None


def _mailbox(session: Session, department_id: int | None) -> str:
    first = (
        select(DepartmentExternalId.value)
        .where(DepartmentExternalId.department_id == department_id, DepartmentExternalId.type == _EMAIL)
        .order_by(DepartmentExternalId.id)
        .limit(1)
    )
    return session.scalar(first) or ""


def give_way_to_mail(session: Session, message_id: int) -> None:
    """Cancel the sends of a message that did not arrive or have not left: a mail with all of it stands in for them."""
    session.execute(
        update(Delivery)
        .where(
            Delivery.message_id == message_id,
            Delivery.to_client.is_(True),
            Delivery.status.in_(
                (DeliveryStatus.PENDING, DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED, DeliveryStatus.HELD)
            ),
        )
        .values(status=DeliveryStatus.CANCELED)
        .execution_options(synchronize_session=False)
    )
