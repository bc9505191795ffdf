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
from models.clients import Client
from models.departments import AGENTS, Desk, desk_of, desk_owning, owned, settings_of
from models.inbound_events import ClaimedEvent, EventStatus
from models.merges import lock_standing, standing_ticket
from models.messages import MessageSource, add_message, add_source, last_source, message_of_event, name_message
from models.talks import agents_in, wrote_before
from models.tickets import Ticket, TicketStatus, link_tickets, open_ticket, take_thread
from workers.desk import identity, lifecycle
from workers.desk.acknowledgement import Acknowledgements
from workers.desk.actions import Actions
from workers.desk.among_clients import AmongClients
from workers.desk.consent import heed
from workers.desk.files import release
from workers.desk.linking import link_people
from workers.desk.outcome import ALREADY_RECORDED, IgnoredError, Outcome, Prepared, ignored
from workers.desk.refusing import refused_at_once
from workers.desk.replies import Replies
from workers.desk.reports import Reports
from workers.desk.thanks import only_thanks
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """The rules of the desk, put together."""

    threading: Threading
    outbox: Outbox
    replies: Replies
    among_clients: AmongClients
    actions: Actions
    reports: Reports
    acknowledgements: Acknowledgements
    windows: Windows

    def record(self, session: Session, event: ClaimedEvent, prepared: Prepared) -> Outcome:
        """Record everything an event says. Raises `IgnoredError` when nothing of it may stay."""
        linked = tuple(link_people(session, prepared))
        outcomes = [self._record(session, event, prepared, index) for index in range(len(prepared.parsed))]
        if not outcomes:
            return ignored("nothing for us")
        processed = [each for each in outcomes if each.status is EventStatus.PROCESSED]
        answers = tuple(answer for each in outcomes for answer in each.answers)
        asks = tuple(ask for each in outcomes for ask in each.asks)
        outcome = Outcome(answers=answers, asks=asks) if processed else outcomes[0]
        return replace(outcome, answers=(*linked, *outcome.answers))

    def _record(self, session: Session, event: ClaimedEvent, prepared: Prepared, index: int) -> Outcome:
        said, files = prepared.parsed[index], prepared.files.get(index, ())
        if isinstance(said, DeliveryReport):
            return self.reports.record(session, event.channel, said)
        if isinstance(said, AgentAction):
            profile = prepared.profiles.get(said.actor)
            refused = refused_at_once(session, said, profile)
            return refused or self.actions.record(session, said, profile, files)
        profile = prepared.profiles.get(said.sender)
        here = _desk_here(session, said) if event.channel == AGENTS_CHANNEL else None
        if here is not None and here.among_agents:
            return self.replies.record(session, said, profile, here, files)
        if here is not None and (outcome := self.among_clients.record(session, said, profile, here, files)) is not None:
            return outcome
        if profile is not None and not said.sender_name:
            said = replace(said, sender_name=profile.name)
        return self._record_client(session, _Arrival(event=event, said=said, files=files, here=here))

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
            self._join(session, arrival, speaker.client_id, found.rule, found.ticket)
            heed(session, self.outbox, found.ticket, said, speaker.lifted)
            self.windows.release(session, found.ticket, arrival.event.channel, said.sender.value)
            return Outcome()
        if said.automatic is Automatic.ECHO or (said.automatic is Automatic.ANSWER and said.certainly_automatic):
            raise IgnoredError(f"automatic: {said.automatic}")
        if said.automatic is Automatic.ANSWER:  # to nothing of ours, and a person may have written it
            said = replace(said, automatic=Automatic.NOTICE)
            arrival = replace(arrival, said=said)
        desk = arrival.here or desk_owning(session, said.recipients)
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

    def _join(self, session: Session, arrival: _Arrival, client_id: int, rule: Rule, ticket: Ticket) -> None:
        before, last = ticket.status, last_source(session, ticket.id)
        thanks = _thanks_for_the_end(session, ticket, arrival)
        message_id = _store(session, arrival, ticket.id, client_id, Rule.THANKS if thanks else rule)
        goes_on = arrival.said.consent is not Consent.WITHDRAWN and not thanks
        if arrival.said.automatic is Automatic.NO and goes_on:
            lifecycle.client_wrote(session, ticket)
        desk = arrival.desk_of(session, ticket)
        channel = arrival.event.channel
        card = ticket.status != before or _card_changes(last, arrival.said) or self.outbox.answers_end(channel)
        self.outbox.show(session, ticket, desk, arrival.shown(message_id), card=card)
        self._doubt(session, ticket, arrival.said)
        if rule is Rule.THREAD and not wrote_before(session, ticket.id, client_id, message_id):
            self._introduce(session, ticket, client_id)
        log.info("message_recorded", ticket_id=ticket.id, message_id=message_id, rule=str(rule))

    def _open(self, session: Session, arrival: _Arrival, client_id: int, linked_to: int | None, desk: Desk) -> Ticket:
        said = arrival.said
        ticket = open_ticket(session, title=title_of(said), client_id=client_id, department_id=desk.department_id)
        message_id = _store(session, arrival, ticket.id, client_id, Rule.NEW_TICKET)
        if said.consent is Consent.WITHDRAWN:
            lifecycle.move(session, ticket, TicketStatus.CLOSED, "it only asks for no more messages")
        if arrival.event.channel == AGENTS_CHANNEL and (root := _thread_of(arrival) or said.external_id):
            take_thread(session, ticket.id, root)
        self.outbox.open_card(session, ticket, desk, arrival.shown(message_id))
        self._doubt(session, ticket, said)
        if linked_to is not None:
            self._link(session, ticket, linked_to)
        log.info("ticket_opened", ticket_id=ticket.id, channel=arrival.event.channel, linked_to=linked_to)
        return ticket

    def _introduce(self, session: Session, ticket: Ticket, client_id: int) -> None:
        """Tell the agents that somebody else writes in the client's thread, when they do so first."""
        newcomer, client = (session.get_one(Client, each).name for each in (client_id, ticket.client_id))
        told = f"{newcomer} writes in the thread of {client}, whose ticket this is. Answers go there: both read them."
        self.outbox.tell(session, ticket, told)

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


def _desk_here(session: Session, said: InboundMessage) -> Desk:
    """Return the desk whose agents or clients have the Slack channel in which this was said."""
    channels = [ExternalId(type=AGENTS, value=each.value) for each in said.recipients]
    return desk_owning(session, [*channels, *said.recipients])


def _thread_of(arrival: _Arrival) -> ExternalId | None:
    """Return the Slack thread in which this was said, `None` outside of threads and of Slack."""
    return next((each for each in arrival.said.references if each.type == AGENTS_CHANNEL), None)


def _thanks_for_the_end(session: Session, ticket: Ticket, arrival: _Arrival) -> bool:
    """Say whether a client does no more than thank for a ticket that has ended: that opens it for nobody."""
    return TicketStatus(ticket.status).ended and only_thanks(arrival.said, agents_in(session, ticket.id))


def _store(session: Session, arrival: _Arrival, ticket_id: int, client_id: int, rule: Rule) -> int:
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
