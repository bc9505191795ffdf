"""What follows when a client wants to hear no more from a number of ours, or to hear from it again."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from channels.base import Consent, InboundMessage, clean_line
from models.suppressions import SuppressionReason, suppress
from models.tickets import Ticket
from workers.logs import get_logger
from workers.outbox import Outbox

log = get_logger()

_LONGEST_WORD = 40


def heed(
    session: Session,
    outbox: Outbox,
    ticket: Ticket,
    said: InboundMessage,
    lifted: Collection[SuppressionReason] = (),
) -> None:
    """Keep what a message says of its sender's consent, and tell the agents; `lifted` is what it ended already."""
    word = clean_line(said.body, _LONGEST_WORD)
    if said.consent is Consent.WITHDRAWN:
        leave_alone(session, said)
        outbox.tell(session, ticket, f"The client wrote “{word}”: nothing is sent to them from {_ours(said)} any more.")
        log.info("client_opted_out", ticket_id=ticket.id)
    elif SuppressionReason.OPTED_OUT in lifted:
        outbox.tell(session, ticket, f"The client wrote “{word}” and takes messages from {_ours(said)} again.")
        log.info("client_opted_in", ticket_id=ticket.id)
    elif said.consent is Consent.HELP:
        outbox.tell(session, ticket, f"The provider answers “{word}” by itself, with its standard text.")


def leave_alone(session: Session, said: InboundMessage) -> None:
    """Write no more to whoever asks for that, even if nothing else of what they say is taken."""
    if said.consent is Consent.WITHDRAWN:
        detail = f"they wrote “{clean_line(said.body, _LONGEST_WORD)}”"
        suppress(session, said.sender, SuppressionReason.OPTED_OUT, detail, sender=_ours(said))


def _ours(said: InboundMessage) -> str:
    return said.recipients[0].value if said.recipients else ""
