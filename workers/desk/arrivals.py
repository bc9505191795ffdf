"""A client's message on its way into a ticket."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.base import ExternalId, InboundMessage, clean_line, clean_text
from models.attachments import StoredFile, add_attachments
from models.departments import Desk, desk_of
from models.inbound_events import ClaimedEvent
from models.messages import MessageSource, add_message, add_source, name_message
from models.tickets import Ticket
from workers.desk.outcome import ALREADY_RECORDED, IgnoredError
from workers.desk.threading import Rule
from workers.outbox import AGENTS_CHANNEL, Shown

_LONGEST_TITLE_FROM_BODY = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A client's message with the event that brought it, its files, stored already, and the desk if that was asked."""

    event: ClaimedEvent
    said: InboundMessage
    files: Sequence[StoredFile]
    here: Desk | None = None

    def desk_of(self, session: Session, ticket: Ticket) -> Desk:
        """Return the desk of the ticket that this joins."""
        known = self.here is not None and self.here.department_id == ticket.department_id
        return self.here if self.here is not None and known else desk_of(session, ticket.department_id)

    def shown(self, message_id: int) -> Shown:
        """Return it as the agents are to see it."""
        files = any(file.storage_key for file in self.files)
        return Shown(message_id=message_id, body=self.said.body, files=files)


def card_changes(last: MessageSource | None, said: InboundMessage) -> bool:
    """Say whether the card, which shows what is to be known of the last message, changes with this one."""
    if last is None or last.cut_by or said.cut_by:
        return True
    known = (last.authenticated, last.reply_to, last.automatic)
    return known != (said.authenticated, said.reply_to, said.automatic)


def title_of(said: InboundMessage) -> str:
    """Return a ticket's title: the subject, or the beginning of the text."""
    first_line = said.body.strip().partition("\n")[0]
    return clean_line(said.subject) or clean_line(first_line, _LONGEST_TITLE_FROM_BODY) or "(no text)"


def thread_of(arrival: Arrival) -> ExternalId | None:
    """Return the Slack thread in which this was said, `None` outside of threads and of Slack."""
    return next((each for each in arrival.said.references if each.type == AGENTS_CHANNEL), None)


def store(session: Session, arrival: Arrival, ticket_id: int, client_id: int, rule: Rule) -> int:
    """Store a client's message with where it came from and its files, and return its id; once for each name."""
    said = arrival.said
    message_id = add_message(session, ticket_id=ticket_id, body=clean_text(said.body), client_id=client_id)
    named = said.external_id is None or name_message(session, message_id, said.external_id)
    if not named and said.external_id is not None and said.external_id.type != "email":
        # Senders choose Message-IDs, and another mail may bear the same; the other channels' ids are the provider's.
        raise IgnoredError(ALREADY_RECORDED)
    add_source(
        session,
        MessageSource(
            message_id=message_id,
            inbound_event_id=arrival.event.id,
            channel=arrival.event.channel,
            sender=said.sender.value,
            recipient=said.recipients[0].value if said.recipients else "",
            threaded_by=rule,
            automatic=said.automatic,
            authenticated=said.authenticated,
            reply_to=said.reply_to,
            cut_by=said.cut_by,
            sent_at=said.sent_at,
        ),
    )
    add_attachments(session, message_id, arrival.files)
    return message_id
