"""What follows when a client wants to hear no more from a number of ours, or to hear from it again."""

from collections.abc import Collection, Iterator

from sqlalchemy.orm import Session

from channels.base import Consent, InboundMessage, RawEvent, clean_line
from models.suppressions import SuppressionReason, suppress
from models.talks import heard_after
from models.tickets import Ticket
from workers.desk.arrivals import Arrival
from workers.desk.identity import spellings
from workers.logs import get_logger
from workers.outbox import Outbox

log = get_logger()

_LONGEST_WORD = 40


def heed(
    session: Session, outbox: Outbox, ticket: Ticket, arrival: Arrival, lifted: Collection[SuppressionReason] = ()
) -> None:
    """Keep what a message says of its sender's consent, and tell the agents; `lifted` is what it ended already."""
    said = arrival.said
    word = clean_line(said.body, _LONGEST_WORD)
    if said.consent is Consent.WITHDRAWN:
        if not leave_alone(session, outbox, arrival):
            outbox.tell(session, ticket, f"The client wrote “{word}” earlier, and has taken it back since.")
            return
        outbox.tell(session, ticket, f"The client wrote “{word}”: nothing is sent to them from {_ours(said)} any more.")
        log.info("client_opted_out", ticket_id=ticket.id)
    elif SuppressionReason.OPTED_OUT in lifted:
        outbox.tell(session, ticket, f"The client wrote “{word}” and takes messages from {_ours(said)} again.")
        log.info("client_opted_in", ticket_id=ticket.id)
    elif said.consent is Consent.HELP:
        outbox.tell(session, ticket, f"The provider answers “{word}” by itself, with its standard text.")


def leave_alone(session: Session, outbox: Outbox, arrival: Arrival) -> bool:
    """Write no more to whoever asks for that, even if nothing else of what they say is taken; false if they do not.

    What was found late, in the provider's list, counts from when it was said, unless it was taken back since.
    """
    said = arrival.said
    if said.consent is not Consent.WITHDRAWN or _last_word_since(session, outbox, arrival) is Consent.GIVEN:
        return False
    detail = f"they wrote “{clean_line(said.body, _LONGEST_WORD)}”"
    suppress(session, said.sender, SuppressionReason.OPTED_OUT, detail, sender=_ours(said), since=said.sent_at)
    return True


def _last_word_since(session: Session, outbox: Outbox, arrival: Arrival) -> Consent:
    words = (each for each in _said_since(session, outbox, arrival) if each in {Consent.GIVEN, Consent.WITHDRAWN})
    return next(words, Consent.UNSAID)


def _said_since(session: Session, outbox: Outbox, arrival: Arrival) -> Iterator[Consent]:
    """Yield what a client said of their consent after a message that was found late, newest first."""
    said, channel = arrival.said, outbox.channels.channels[arrival.event.channel]
    if said.sent_at is None:
        return
    for event in heard_after(session, channel.name, spellings(said.sender.value), spellings(_ours(said)), said.sent_at):
        raw = RawEvent(
            channel=event.channel,
            external_id=event.external_id,
            conversation=event.conversation,
            payload=event.payload,
            facts=event.facts,
        )
        yield from (each.consent for each in channel.parse(raw) if isinstance(each, InboundMessage))


def _ours(said: InboundMessage) -> str:
    return said.recipients[0].value if said.recipients else ""
