"""From a parsed event to its effect, in the caller's one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from channels.base import AgentAction, Automatic, DeliveryReport, ExternalId, InboundMessage, clean_line, clean_text
from channels.email import authentication
from models.attachments import StoredFile, add_attachments
from models.blocks import count_set_aside
from models.departments import AGENTS, Desk, desk_of, desk_owning, settings_of
from models.inbound_events import ClaimedEvent, EventStatus
from models.messages import MessageSource, add_message, add_source, name_message
from models.suppressions import trust_again
from models.tickets import Ticket, link_tickets, lock_ticket, name_ticket, open_ticket, ticket_by_id
from workers.desk import identity, lifecycle
from workers.desk.acknowledgement import Acknowledgements
from workers.desk.actions import Actions
from workers.desk.outcome import ALREADY_RECORDED, IgnoredError, Outcome, Prepared, ignored
from workers.desk.replies import Replies
from workers.desk.reports import Reports
from workers.desk.threading import Rule, Threading
from workers.logs import get_logger
from workers.outbox import AGENTS_CHANNEL, Outbox, Shown

log = get_logger()

_LONGEST_TITLE_FROM_BODY = 80
BLOCKED = "its sender is blocked"
FAILED = "The sender of this message failed authentication: somebody may be writing in the client's name."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A client's message with the event that brought it and its files, stored already."""

    event: ClaimedEvent
    said: InboundMessage
    files: Sequence[StoredFile]

    def shown(self, message_id: int) -> Shown:
        """Return it as the agents are to see it."""
        files = any(file.storage_key for file in self.files)
        return Shown(message_id=message_id, body=self.said.body, files=files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """The rules of the desk, put together."""

    threading: Threading
    outbox: Outbox
    replies: Replies
    actions: Actions
    reports: Reports
    acknowledgements: Acknowledgements

    def record(self, session: Session, event: ClaimedEvent, prepared: Prepared) -> Outcome:
        """Record everything an event says. Raises `IgnoredError` when nothing of it may stay."""
        outcomes = [self._record(session, event, prepared, index) for index in range(len(prepared.parsed))]
        if not outcomes:
            return ignored("nothing for us")
        processed = [each for each in outcomes if each.status is EventStatus.PROCESSED]
        answers = tuple(answer for each in outcomes for answer in each.answers)
        asks = tuple(ask for each in outcomes for ask in each.asks)
        return Outcome(answers=answers, asks=asks) if processed else outcomes[0]

    def _record(self, session: Session, event: ClaimedEvent, prepared: Prepared, index: int) -> Outcome:
        said, files = prepared.parsed[index], prepared.files.get(index, ())
        if isinstance(said, DeliveryReport):
            return self.reports.record(session, event.channel, said)
        if isinstance(said, AgentAction):
            return self.actions.record(session, said, prepared.profiles.get(said.actor), files)
        if event.channel == AGENTS_CHANNEL and (desk := _agents_desk(session, said)) is not None:
            return self.replies.record(session, said, prepared.profiles.get(said.sender), desk, files)
        profile = prepared.profiles.get(said.sender)
        if profile is not None and not said.sender_name:
            said = replace(said, sender_name=profile.name)
        return self._record_client(session, _Arrival(event=event, said=said, files=files))

    def _record_client(self, session: Session, arrival: _Arrival) -> Outcome:
        said = arrival.said
        if (blocked_on := count_set_aside(session, said.sender)) is not None:
            return self._set_aside(session, blocked_on)
        client_id = identity.client_for(session, said)
        if said.automatic is Automatic.NO:
            trust_again(session, said.sender)
        found = self.threading.find(session, said, client_id, arrival.event.channel)
        if found.ticket is not None:
            self._join(session, arrival, found.rule, found.ticket)
            return Outcome()
        if said.automatic in {Automatic.ANSWER, Automatic.ECHO}:
            raise IgnoredError(f"automatic: {said.automatic}")
        desk = desk_owning(session, said.recipients)
        if desk.department_id is None and arrival.event.channel == AGENTS_CHANNEL:
            raise IgnoredError("in a Slack channel that no department owns")
        if said.automatic is Automatic.NOTICE and settings_of(session, desk.department_id).set_aside_automatic:
            raise IgnoredError(f"automatic: {said.automatic}")
        self._open(session, arrival, client_id, found.linked_to, desk)
        return Outcome()

    def _set_aside(self, session: Session, ticket_id: int) -> Outcome:
        """Leave a blocked sender's message with the event that brought it, and count it on the card."""
        # Unlocked: who unblocks holds the ticket and wants the block's row, which is ours now.
        ticket = ticket_by_id(session, ticket_id)
        if ticket is not None:
            self.outbox.renew_card(session, ticket)
        return ignored(BLOCKED)

    def _doubt(self, session: Session, ticket: Ticket, said: InboundMessage) -> None:
        if said.authenticated == authentication.FAIL:
            self.outbox.tell(session, ticket, f"{FAILED} Ask before you act on it.")

    def _join(self, session: Session, arrival: _Arrival, rule: Rule, ticket: Ticket) -> None:
        before = ticket.status
        message_id = _store(session, arrival, ticket, rule)
        if arrival.said.automatic is Automatic.NO:
            lifecycle.client_wrote(session, ticket)
        desk = desk_of(session, ticket.department_id)
        card = ticket.status != before or _card_tells(arrival.said) or self.outbox.answers_end(arrival.event.channel)
        self.outbox.show(session, ticket, desk, arrival.shown(message_id), card=card)
        self._doubt(session, ticket, arrival.said)
        log.info("message_recorded", ticket_id=ticket.id, message_id=message_id, rule=str(rule))

    def _open(self, session: Session, arrival: _Arrival, client_id: int, linked_to: int | None, desk: Desk) -> None:
        said = arrival.said
        ticket = open_ticket(session, title=title_of(said), client_id=client_id, department_id=desk.department_id)
        message_id = _store(session, arrival, ticket, Rule.NEW_TICKET)
        if arrival.event.channel == AGENTS_CHANNEL and said.external_id is not None:
            name_ticket(session, ticket.id, said.external_id)
        self.outbox.open_card(session, ticket, desk, arrival.shown(message_id))
        self._doubt(session, ticket, said)
        if linked_to is not None:
            self._link(session, ticket, linked_to)
        self.acknowledgements.acknowledge(session, ticket, said)
        log.info("ticket_opened", ticket_id=ticket.id, channel=arrival.event.channel, linked_to=linked_to)

    def _link(self, session: Session, ticket: Ticket, linked_to: int) -> None:
        """Tell the agents of both tickets about each other; nothing of either is shown in the other."""
        link_tickets(session, ticket.id, linked_to)
        self.outbox.tell(session, ticket, f"This ticket came of #{linked_to}: its first message refers to it.")
        other = lock_ticket(session, linked_to)
        if other is not None:
            self.outbox.tell(
                session, other, f"A message that refers to this ticket opened a ticket of its own: #{ticket.id}."
            )


def _card_tells(said: InboundMessage) -> bool:
    """Say whether the card, which shows what is to be known of the last message, changes with this one."""
    return bool(said.reply_to or said.cut_by) or said.authenticated == authentication.FAIL


def title_of(said: InboundMessage) -> str:
    """Return a ticket's title: the subject, or the beginning of the text."""
    first_line = said.body.strip().partition("\n")[0]
    return clean_line(said.subject) or clean_line(first_line, _LONGEST_TITLE_FROM_BODY) or "(no text)"


def _agents_desk(session: Session, said: InboundMessage) -> Desk | None:
    """Return the desk whose agents' channel this was said in, `None` when it was said elsewhere."""
    channels = [ExternalId(type=AGENTS, value=each.value) for each in said.recipients]
    desk = desk_owning(session, channels)
    return desk if desk.department_id is not None else None


def _store(session: Session, arrival: _Arrival, ticket: Ticket, rule: Rule) -> int:
    said = arrival.said
    message_id = add_message(session, ticket_id=ticket.id, body=clean_text(said.body), client_id=ticket.client_id)
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
