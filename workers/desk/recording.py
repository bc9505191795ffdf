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
)
from models.attachments import StoredFile
from models.blocks import count_set_aside
from models.clients import Client
from models.departments import AGENTS, Desk, desk_of, desk_owning, owned, settings_of
from models.inbound_events import ClaimedEvent, EventStatus
from models.merges import lock_standing, standing_ticket
from models.messages import last_source, message_of_event
from models.talks import agents_in, wrote_before
from models.tickets import Ticket, TicketStatus, link_tickets, open_ticket, take_thread
from workers.desk import identity, lifecycle
from workers.desk.acknowledgement import Acknowledgements
from workers.desk.actions import Actions
from workers.desk.among_clients import AmongClients
from workers.desk.arrivals import Arrival, card_changes, store, thread_of, title_of
from workers.desk.commands import Commands
from workers.desk.consent import heed, leave_alone
from workers.desk.files import release
from workers.desk.home import refreshed
from workers.desk.linking import link_people
from workers.desk.opening import OPEN_TICKET
from workers.desk.outcome import IgnoredError, Outcome, Prepared, ignored
from workers.desk.refusing import refused_at_once
from workers.desk.replies import Replies
from workers.desk.reports import Reports
from workers.desk.thanks import only_thanks
from workers.desk.threading import Rule, Threading
from workers.desk.window import Windows
from workers.logs import get_logger
from workers.outbox import AGENTS_CHANNEL, Outbox, Shown

log = get_logger()

BLOCKED = "its sender is blocked"
FAILED = "The sender of this message failed authentication: somebody may be writing in the client's name."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """The rules of the desk, put together."""

    threading: Threading
    outbox: Outbox
    replies: Replies
    among_clients: AmongClients
    actions: Actions
    commands: Commands
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
        homes = tuple(home for each in outcomes for home in each.homes)
        outcome = Outcome(answers=answers, asks=asks, homes=homes) if processed else outcomes[0]
        return replace(outcome, answers=(*linked, *outcome.answers))

    def _record(self, session: Session, event: ClaimedEvent, prepared: Prepared, index: int) -> Outcome:
        said, files = prepared.parsed[index], prepared.files.get(index, ())
        if isinstance(said, DeliveryReport):
            return self.reports.record(session, event.channel, said)
        if isinstance(said, AgentAction):
            return self._record_action(session, event, prepared, said, files)
        profile = prepared.profiles.get(said.sender)
        here = _desk_here(session, said) if event.channel == AGENTS_CHANNEL else None
        if here is not None and here.among_agents:
            return self.replies.record(session, said, profile, here, files)
        if here is not None and (outcome := self.among_clients.record(session, said, profile, here, files)) is not None:
            return outcome
        if profile is not None and not said.sender_name:
            said = replace(said, sender_name=profile.name)
        return self._record_client(session, Arrival(event=event, said=said, files=files, here=here))

    def _record_action(
        self, session: Session, event: ClaimedEvent, prepared: Prepared, said: AgentAction, files: Sequence[StoredFile]
    ) -> Outcome:
        profile = prepared.profiles.get(said.actor)
        if said.action == "home":
            return refreshed(session, said, profile, Outcome())
        outcome = refused_at_once(session, said, profile) or self._act(session, event, prepared, said, files)
        return refreshed(session, said, profile, outcome) if said.at_home else outcome

    def _act(
        self, session: Session, event: ClaimedEvent, prepared: Prepared, said: AgentAction, files: Sequence[StoredFile]
    ) -> Outcome:
        if said.action == OPEN_TICKET:
            return self._open_at_request(session, event, prepared, said, files)
        profile = prepared.profiles.get(said.actor)
        if said.action == "command":
            return self.commands.record(session, said, profile, event.id)
        return self.actions.record(session, said, profile, files)

    def _open_at_request(
        self,
        session: Session,
        event: ClaimedEvent,
        prepared: Prepared,
        action: AgentAction,
        files: Sequence[StoredFile],
    ) -> Outcome:
        openings = self.commands.openings
        wanted = openings.of_message(session, event.id, prepared, action)
        if isinstance(wanted, Outcome):
            return wanted
        arrival = Arrival(event=event, said=wanted.said, files=files)
        speaker, desk = identity.client_for(session, wanted.said), desk_of(session, wanted.department.id)
        ticket = self._open(session, arrival, speaker.client_id, None, desk)
        return openings.opened(session, ticket, wanted, action)

    def _record_client(self, session: Session, arrival: Arrival) -> Outcome:
        said = arrival.said
        if said.service is not None and _answers_for(session, said.service, said.recipients):
            said = replace(said, recipients=(said.service,))
            arrival = replace(arrival, said=said)
        if (blocked_on := count_set_aside(session, said.sender, identity.spellings(said.sender.value))) is not None:
            leave_alone(session, self.outbox, arrival)
            return self._set_aside(session, blocked_on)
        # At its first attempt an event has no message yet, and the question would only cost.
        if arrival.event.attempts > 1 and (message_id := message_of_event(session, arrival.event.id)) is not None:
            release(session, self.outbox, message_id, arrival.files)
            return Outcome()
        speaker = identity.client_for(session, said)
        found = self.threading.find(session, said, speaker.client_id, arrival.event.channel)
        if found.ticket is not None:
            self._join(session, arrival, speaker.client_id, found.rule, found.ticket)
            heed(session, self.outbox, found.ticket, arrival, speaker.lifted)
            self.windows.release(session, arrival.event.channel, said)
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
        heed(session, self.outbox, ticket, arrival, speaker.lifted)
        self.windows.release(session, arrival.event.channel, said)
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

    def _join(self, session: Session, arrival: Arrival, client_id: int, rule: Rule, ticket: Ticket) -> None:
        before, last = ticket.status, last_source(session, ticket.id)
        thanks = _thanks_for_the_end(session, ticket, arrival)
        message_id = store(session, arrival, ticket.id, client_id, Rule.THANKS if thanks else rule)
        goes_on = arrival.said.consent is not Consent.WITHDRAWN and not thanks
        wrote = arrival.said.automatic is Automatic.NO and goes_on
        reopened = lifecycle.client_wrote(session, ticket) if wrote else None
        desk = arrival.desk_of(session, ticket)
        channel = arrival.event.channel
        card = ticket.status != before or card_changes(last, arrival.said) or self.outbox.answers_end(channel)
        self.outbox.show(session, ticket, desk, arrival.shown(message_id), card=card)
        if reopened is not None:
            self.outbox.show(session, ticket, desk, Shown(message_id=reopened))
        self._doubt(session, ticket, arrival.said)
        if rule is Rule.THREAD and not wrote_before(session, ticket.id, client_id, message_id):
            self._introduce(session, ticket, client_id)
        log.info("message_recorded", ticket_id=ticket.id, message_id=message_id, rule=str(rule))

    def _open(self, session: Session, arrival: Arrival, client_id: int, linked_to: int | None, desk: Desk) -> Ticket:
        said = arrival.said
        ticket = open_ticket(session, title=title_of(said), client_id=client_id, department_id=desk.department_id)
        message_id = store(session, arrival, ticket.id, client_id, Rule.NEW_TICKET)
        if said.consent is Consent.WITHDRAWN:
            lifecycle.move(session, ticket, TicketStatus.CLOSED, "it only asks for no more messages")
        if arrival.event.channel == AGENTS_CHANNEL and (root := thread_of(arrival) or said.external_id):
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


def _desk_here(session: Session, said: InboundMessage) -> Desk:
    """Return the desk whose agents or clients have the Slack channel in which this was said."""
    channels = [ExternalId(type=AGENTS, value=each.value) for each in said.recipients]
    return desk_owning(session, [*channels, *said.recipients])


def _thanks_for_the_end(session: Session, ticket: Ticket, arrival: Arrival) -> bool:
    """Say whether a client does no more than thank for a ticket that has ended: that opens it for nobody."""
    return TicketStatus(ticket.status).ended and only_thanks(arrival.said, agents_in(session, ticket.id))
