"""Sending by mail what did not arrive, or may not have arrived, by another channel: one press, one mail."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import AgentAction, Button, Profile
from channels.registry import Registry
from models.base import row_id
from models.deliveries import Delivery, DeliveryStatus, NewDelivery, Purpose, delivery_by_id, lock_delivery
from models.departments import desk_of
from models.mail_instead import MailWay, give_way_to_mail, verified_mail_way
from models.merges import lock_standing
from models.tickets import Ticket
from workers.db import deliver_soon
from workers.desk.identity import Refusal, agent_for
from workers.desk.outcome import Outcome, answered
from workers.desk.refusing import refused
from workers.logs import get_logger
from workers.outbox import Outbox, lane_to

log = get_logger()

ACTION = "email_instead"
_EMAIL = "email"
_NOT_ARRIVED = (DeliveryStatus.FAILED, DeliveryStatus.UNCONFIRMED, DeliveryStatus.HELD)


def mail_buttons(session: Session, channels: Registry, delivery: Delivery, ticket: Ticket) -> tuple[Button, ...]:
    """Return the button that sends by mail what a delivery has not brought, where a mail reaches the client."""
    if not _could_be_mail(channels, delivery) or verified_mail_way(session, ticket) is None:
        return ()
    return (Button(label="Send by email instead", action=ACTION, value=str(delivery.id)),)


def _could_be_mail(channels: Registry, delivery: Delivery) -> bool:
    return delivery.to_client and delivery.channel != _EMAIL and channels.channels[_EMAIL].connected


@dataclass(frozen=True, slots=True, kw_only=True)
class MailInstead:
    """Makes the mail; the agent's mark follows it, because the sends that it stands in for are canceled."""

    outbox: Outbox

    def record(self, session: Session, action: AgentAction, profile: Profile | None) -> Outcome:
        """Send a message by mail, or say why not."""
        delivery = delivery_by_id(session, row_id(action.value) or 0)
        ticket = lock_standing(session, delivery.ticket_id) if delivery else None
        if delivery is None or ticket is None or not _could_be_mail(self.outbox.channels, delivery):
            return answered(action, "There is no such message.")
        agent = agent_for(session, action.actor, profile, ticket.department_id)
        if isinstance(agent, Refusal):
            return refused(action, agent)
        lock_delivery(session, delivery)
        if delivery.status not in _NOT_ARRIVED or delivery.message_id is None:
            return answered(action, "Nothing was sent: it was sent another way already.")
        way = verified_mail_way(session, ticket)
        if way is None:
            return answered(action, "Nothing was sent: the client has no mail address that they wrote from.")
        self._send(session, ticket, delivery.message_id, way, agent.name)
        return Outcome()

    def _send(self, session: Session, ticket: Ticket, message_id: int, way: MailWay, agent: str) -> None:
        give_way_to_mail(session, message_id)
        deliver_soon(session, [_mail(ticket.id, message_id, way)])
        self.outbox.tell(session, ticket, f"{agent} sends the message by email to {way.recipient} instead.")
        self.outbox.mark(session, ticket.id, message_id, desk_of(session, ticket.department_id))
        log.info("sent_by_mail_instead", ticket_id=ticket.id, message_id=message_id)


def _mail(ticket_id: int, message_id: int, way: MailWay) -> NewDelivery:
    return NewDelivery(
        ticket_id=ticket_id,
        message_id=message_id,
        purpose=Purpose.MESSAGE,
        channel=_EMAIL,
        recipient_type=_EMAIL,
        recipient=way.recipient,
        sender=way.sender,
        to_client=True,
        lane=lane_to(_EMAIL, way.recipient),
    )
