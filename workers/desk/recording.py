"""From a parsed event to its effect, in the caller's one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from channels.base import (
    AgentAction,
    Automatic,
    Consent,
    DeliveryReport,
    ExternalId,
    InboundMessage,
    Verdict,
    clean_line,
    clean_text,
)
from models.attachments import StoredFile, add_attachments
from models.blocks import count_set_aside
from models.departments import AGENTS, Desk, desk_of, desk_owning, owned, settings_of
from models.inbound_events import ClaimedEvent, EventStatus
from models.merges import lock_standing, standing_ticket
from models.messages import MessageSource, add_message, add_source, last_source, message_of_event, name_message
from models.tickets import Ticket, TicketStatus, link_tickets, name_ticket, open_ticket
from workers.desk import identity, lifecycle
from workers.desk.acknowledgement import Acknowledgements
from workers.desk.actions import Actions
from workers.desk.consent import heed
from workers.desk.files import release
from workers.desk.outcome import ALREADY_RECORDED, IgnoredError, Outcome, Prepared, ignored
from workers.desk.replies import Replies
from workers.desk.reports import Reports
from workers.desk.threading import Rule, Threading
from workers.desk.window import Windows
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
    windows: Windows

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
        # At its first attempt an event has no message yet, and the question would only cost.
        if arrival.event.attempts > 1 and (message_id := message_of_event(session, arrival.event.id)) is not None:
            release(session, self.outbox, message_id, arrival.files)
            return Outcome()
        if said.service is not None and _answers_for(session, said.service, said.recipients):
            said = replace(said, recipients=(said.service,))
            arrival = replace(arrival, said=said)
        speaker = identity.client_for(session, said)
        found = self.threading.find(session, said, speaker.client_id, arrival.event.channel)
        if found.ticket is not None:
            self._join(session, arrival, found.rule, found.ticket)
            heed(session, self.outbox, found.ticket, said, speaker.lifted)
            self.windows.release(session, found.ticket, arrival.event.channel, said.sender.value)
            return Outcome()
        if said.automatic is Automatic.ECHO or (said.automatic is Automatic.ANSWER and said.certainly_automatic):
            raise IgnoredError(f"automatic: {said.automatic}")
        if said.automatic is Automatic.ANSWER:  # to nothing of ours, and a person may have written it
            said = replace(said, automatic=Automatic.NOTICE)
            arrival = replace(arrival, said=said)
        desk = desk_owning(session, said.recipients)
        if desk.department_id is None and arrival.event.channel == AGENTS_CHANNEL:
            raise IgnoredError("in a Slack channel that no department owns")
        if said.automatic is Automatic.NOTICE and settings_of(session, desk.department_id).set_aside_automatic:
            raise IgnoredError(f"automatic: {said.automatic}")
        ticket = self._open(session, arrival, speaker.client_id, found.linked_to, desk)
        heed(session, self.outbox, ticket, said, speaker.lifted)
        self.windows.release(session, ticket, arrival.event.channel, said.sender.value)
        if not speaker.lifted:  # an address that took no mail a moment ago gets an agent's answer first
            self.acknowledgements.acknowledge(session, ticket, said)
        return Outcome()

    def _set_aside(self, session: Session, ticket_id: int) -> Outcome:
        """Leave a blocked sender's message with the event that brought it, and count it on the card."""
        # Unlocked: who unblocks holds the ticket and wants the block's row, which is ours now.
        ticket = standing_ticket(session, ticket_id)
        if ticket is not None:
            self.outbox.renew_card(session, ticket)
        return ignored(BLOCKED)

    def _doubt(self, session: Session, ticket: Ticket, said: InboundMessage) -> None:
        if said.authenticated is Verdict.FAIL:
            self.outbox.tell(session, ticket, f"{FAILED} Ask before you act on it.")

    def _join(self, session: Session, arrival: _Arrival, rule: Rule, ticket: Ticket) -> None:
        before, last = ticket.status, last_source(session, ticket.id)
        message_id = _store(session, arrival, ticket, rule)
        if arrival.said.automatic is Automatic.NO and arrival.said.consent is not Consent.WITHDRAWN:
            lifecycle.client_wrote(session, ticket)
        desk = desk_of(session, ticket.department_id)
        channel = arrival.event.channel
        card = ticket.status != before or _card_changes(last, arrival.said) or self.outbox.answers_end(channel)
        self.outbox.show(session, ticket, desk, arrival.shown(message_id), card=card)
        self._doubt(session, ticket, arrival.said)
        log.info("message_recorded", ticket_id=ticket.id, message_id=message_id, rule=str(rule))

    def _open(self, session: Session, arrival: _Arrival, client_id: int, linked_to: int | None, desk: Desk) -> Ticket:
        said = arrival.said
        ticket = open_ticket(session, title=title_of(said), client_id=client_id, department_id=desk.department_id)
        message_id = _store(session, arrival, ticket, Rule.NEW_TICKET)
        if said.consent is Consent.WITHDRAWN:
            lifecycle.move(session, ticket, TicketStatus.CLOSED, "it only asks for no more messages")
        if arrival.event.channel == AGENTS_CHANNEL and said.external_id is not None:
            name_ticket(session, ticket.id, said.external_id)
        self.outbox.open_card(session, ticket, desk, arrival.shown(message_id))
        self._doubt(session, ticket, said)
        if linked_to is not None:
            self._link(session, ticket, linked_to)
        log.info("ticket_opened", ticket_id=ticket.id, channel=arrival.event.channel, linked_to=linked_to)
        return ticket

    def _link(self, session: Session, ticket: Ticket, linked_to: int) -> None:
        """Tell the agents of both tickets about each other; nothing of either is shown in the other."""
        link_tickets(session, ticket.id, linked_to)
        self.outbox.tell(session, ticket, f"This ticket came of #{linked_to}: its first message refers to it.")
        other = lock_standing(session, linked_to)
        if other is not None:
            self.outbox.tell(
                session, other, f"A message that refers to this ticket opened a ticket of its own: #{ticket.id}."
            )


def _answers_for(session: Session, service: ExternalId, recipients: Sequence[ExternalId]) -> bool:
    """Say whether a department owns a service and none its number that was written to."""
    return owned(session, (service, *recipients)) == [service]


def _card_changes(last: MessageSource | None, said: InboundMessage) -> bool:
    """Say whether the card, which shows what is to be known of the last message, changes with this one."""
    if last is None or last.cut_by or said.cut_by:
        return True
    known = (last.authenticated, last.reply_to, last.automatic)
    return known != (said.authenticated, said.reply_to, said.automatic)


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
