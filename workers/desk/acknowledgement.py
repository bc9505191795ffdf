"""Tell a client that their mail has arrived, and never let that become a flood or a loop.

A mail's headers may say anything, so what stops both is counting: one acknowledgement a ticket, one a mailbox a day
(however it is tagged), and so many an hour in all. Only a new ticket is acknowledged: what a client or a machine goes
on writing in a ticket causes no mail of ours, however often it comes. Only agents do.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from channels.base import Automatic, ExternalId, InboundMessage, Verdict
from channels.email import address
from models.acknowledgements import acknowledgements_within, lock_acknowledgements
from models.deliveries import Purpose
from models.departments import owner_of, settings_of
from models.messages import add_message
from models.suppressions import suppression_of
from models.tickets import Ticket
from workers.logs import get_logger
from workers.outbox import Outbox

log = get_logger()

TEXT = (
    "Thank you for your mail. This is an automatic answer: it has arrived, and one of us will read it and write to you."
    "\n\nIf you want to add something, just answer this mail."
)
PER_ADDRESS = timedelta(hours=24)
OVERALL = timedelta(hours=1)

_BY_MAIL = "email"


class Cap(StrEnum):
    """Which limit kept an acknowledgement back; the text is what agents read."""

    ADDRESS = "this address had one within the last 24 hours"
    OVERALL = "the desk has sent as many as it may in an hour (ACKNOWLEDGEMENTS_PER_HOUR)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgements:
    """Acknowledges new tickets, at most `per_hour` of them an hour in all departments together."""

    outbox: Outbox
    per_hour: int

    def acknowledge(self, session: Session, ticket: Ticket, said: InboundMessage) -> None:
        """Acknowledge the mail that opened a ticket, where its department wants that, or say which cap forbids it.

        Its counting is one transaction's at a time, so call it last: the others wait until this one commits.
        """
        if not _is_a_persons_mail(said):
            return
        habits = settings_of(session, ticket.department_id)
        if not habits.acknowledge or not _may_be_written_to(session, said):
            return
        lock_acknowledgements(session)
        cap = self._cap(session, address.mailbox_of(said.sender.value))
        if cap is not None:
            self.outbox.tell(session, ticket, f"No acknowledgement was sent: {cap}.")
            log.warning("acknowledgement_capped", ticket_id=ticket.id, cap=cap.name.lower())
            return
        text = habits.acknowledgement or TEXT
        message_id = add_message(session, ticket_id=ticket.id, body=text)
        self.outbox.send_to_client(session, ticket, message_id, text, hold=False, purpose=Purpose.ACKNOWLEDGEMENT)
        log.info("ticket_acknowledged", ticket_id=ticket.id)

    def _cap(self, session: Session, mailbox: str) -> Cap | None:
        if acknowledgements_within(session, PER_ADDRESS, mailbox=mailbox):
            return Cap.ADDRESS
        if acknowledgements_within(session, OVERALL) >= self.per_hour:
            return Cap.OVERALL
        return None


def _is_a_persons_mail(said: InboundMessage) -> bool:
    """Say whether a person wrote this by mail, from an address that is theirs as far as is known."""
    by_mail = said.sender.type == _BY_MAIL
    return by_mail and said.automatic is Automatic.NO and said.authenticated is not Verdict.FAIL


def _may_be_written_to(session: Session, said: InboundMessage) -> bool:
    mailbox = ExternalId(type=_BY_MAIL, value=address.mailbox_of(said.sender.value))
    return owner_of(session, mailbox) is None and suppression_of(session, said.sender) is None
