"""Tickets that agents open: for a client whom they want to write to, and of a message that stands in Slack.

Where an agent works in several departments, a form asks for which. What they had asked for is in the event that is
stored already: when the form comes back, that event's action is done, with the answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from channels.base import AgentAction, Choice, ExternalId, InboundMessage, Menu, ProfileKind, clean_line, clean_text
from channels.errors import TryLater
from channels.shown import spelled
from models.base import row_id
from models.clients import create_client, known_client
from models.departments import (
    Department,
    desk_of,
    desk_owning,
    first_address,
    owned,
    owner_of,
    staffed_departments,
)
from models.merges import standing_ticket
from models.messages import add_message, messages_named
from models.suppressions import suppression_of
from models.ticket_addresses import TicketAddress, address_ticket
from models.tickets import Ticket, name_ticket, open_ticket, ticket_by_external_id
from models.users import User, works_in
from workers.desk.home import departments_for
from workers.desk.identity import Refusal, every_name, spellings, user_for
from workers.desk.outcome import Ask, Outcome, Prepared, answered
from workers.logs import get_logger
from workers.outbox import AGENTS_CHANNEL, AGENTS_THREAD, Outbox, Shown

log = get_logger()

# The shortcut's name in the app's manifest, and the form's that asks for the department.
OPEN_TICKET = "open_ticket"
RESUME = "resume"
# What a ticket that was opened by a command is known by: Slack gives each command a trigger of its own.
_TRIGGER = "slack_trigger"
_TITLE = 80
_USAGE = "Write for whom and what it is about: /desk new cleo@client.example Your order of Monday"
_NO_ADDRESS = "“{text}” is no mail address and no number. Numbers begin with + and the country code."
_NOT_A_PERSON = "Nothing was opened: no person wrote this message. For a client by mail or phone, use /desk new."
_AGENTS_CHANNEL = "Nothing was opened: in an agents' channel no client reads the answers. Use /desk new."
_BY_AN_AGENT = "Nothing was opened: an agent wrote this message. For a client by mail or phone, use /desk new."
_NEVER_WROTE = "They have never written to you from there: be sure that they want to be written to."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A ticket to be opened of a message, in a department that was chosen or follows."""

    said: InboundMessage
    department: Department
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """Opens tickets for agents, in departments of theirs."""

    outbox: Outbox

    def for_address(self, session: Session, user: User, action: AgentAction, words: str, event_id: int) -> Outcome:
        """Open a ticket for a mail address or number; nothing is sent, and the same command opens one."""
        written, _, text = words.partition(" ")
        if not text.strip():
            return answered(action, _USAGE)
        to = self._address(written)
        if to is None:
            return answered(action, f"Nothing was opened: {_NO_ADDRESS.format(text=clean_line(written, _TITLE))}")
        channel, address = to
        if owner_of(session, address) is not None:
            return answered(action, f"Nothing was opened: {address.value} is an address of this desk.")
        named = ExternalId(type=_TRIGGER, value=action.trigger or f"event {event_id}")
        if (known := ticket_by_external_id(session, named)) is not None:
            return answered(action, f"It is ticket #{known} already.")
        department = _chosen(action, event_id, self._reaching(session, user, channel))
        if isinstance(department, Outcome):
            return department
        return self._open_for(session, user, action, _New(channel, address, text.strip(), department, named))

    def of_message(self, session: Session, event_id: int, prepared: Prepared, action: AgentAction) -> Wanted | Outcome:
        """Return the ticket that a shortcut asks for, or what to answer; the same message gives one ticket."""
        user = user_for(session, action.actor, prepared.profiles.get(action.actor))
        if isinstance(user, Refusal):
            return answered(action, f"Nothing was opened: your account {user}.")
        if (known := _ticket_of(session, action)) is not None:
            return answered(action, _already(session, user, known))
        if action.about is not None and _among_agents(session, action.about):
            return answered(action, _AGENTS_CHANNEL)
        if (reason := _no_clients(session, prepared, action.about)) or action.about is None:
            return answered(action, reason or _NOT_A_PERSON)
        department = _chosen(action, event_id, self.candidates(session, user, action.about))
        if isinstance(department, Outcome):
            return department
        return Wanted(said=_named(prepared, action.about), department=department, agent=user.name)

    def candidates(self, session: Session, user: User, about: InboundMessage) -> list[Department]:
        """Return the departments that a message can become a ticket of: its channel's own, or else the agent's."""
        owner = desk_owning(session, about.recipients).department_id
        own = _departments(session, user)
        return [each for each in own if each.id == owner] if owner is not None else own

    def opened(self, session: Session, ticket: Ticket, wanted: Wanted, action: AgentAction) -> Outcome:
        """Tell who has to know of a ticket that was opened of a message: its agents, its author, and who asked."""
        if wanted.said.references:  # answers go into the thread that the message stands in
            name_ticket(session, ticket.id, wanted.said.references[0])
        self.outbox.tell(session, ticket, f"{wanted.agent} opened this ticket of a message in Slack.")
        text = f"This is ticket #{ticket.id} of {wanted.department.name} now: answers come in this thread."
        message_id = add_message(session, ticket_id=ticket.id, body=text)
        self.outbox.send_to_client(session, ticket, message_id, text, hold=False)
        return answered(action, _done(ticket, wanted.department))

    def _address(self, written: str) -> tuple[str, ExternalId] | None:
        """Return the channel that reaches an address as a person wrote it."""
        prefix, _, rest = written.rpartition(":")
        by = {"whatsapp": ("whatsapp",), "sms": ("sms",), "": ("email", "sms")}.get(prefix.lower(), ())
        for name in by:
            try:
                return name, self.outbox.channels.channels[name].address(rest)
            except ValueError:
                continue
        return None

    def _reaching(self, session: Session, user: User, channel: str) -> list[Department]:
        kind = self.outbox.channels.channels[channel].address_type
        return [each for each in _departments(session, user) if first_address(session, each.id, kind) is not None]

    def _open_for(self, session: Session, user: User, action: AgentAction, new: "_New") -> Outcome:
        names = every_name(new.address)
        client_id = known_client(session, names)
        warnings = list(self._warnings(session, new, is_new=client_id is None))
        client_id = client_id or create_client(session, names, name=new.address.value)
        title = clean_line(new.text.partition("\n")[0], _TITLE) or "(no text)"
        ticket = open_ticket(session, title=title, client_id=client_id, department_id=new.department.id)
        if not name_ticket(session, ticket.id, new.named):
            raise TryLater("the same command is being done by another worker")
        self._address_ticket(session, ticket, new)
        said = "\n".join([f"{user.name} opened this ticket for {new.address.value}: {clean_text(new.text)}", *warnings])
        message_id = add_message(session, ticket_id=ticket.id, body=said)
        desk = desk_of(session, new.department.id)
        self.outbox.open_card(session, ticket, desk, Shown(message_id=message_id, body=said))
        log.info("ticket_opened_by_agent", ticket_id=ticket.id, channel=new.channel)
        first = f"What you write in its thread goes to {new.address.value}."
        return answered(action, "\n".join([_done(ticket, new.department), first, *warnings]))

    def _address_ticket(self, session: Session, ticket: Ticket, new: "_New") -> None:
        ours = self._ours(session, new)
        address_ticket(
            session, TicketAddress(ticket_id=ticket.id, channel=new.channel, sender=new.address.value, recipient=ours)
        )

    def _ours(self, session: Session, new: "_New") -> str:
        return first_address(session, new.department.id, self.outbox.channels.channels[new.channel].address_type) or ""

    def _warnings(self, session: Session, new: "_New", *, is_new: bool) -> Iterator[str]:
        ours, theirs = spellings(self._ours(session, new)), spellings(new.address.value)
        why = suppression_of(session, new.address, senders=ours, alike=theirs)
        if why is not None:
            reason = why.reason.replace("_", " ")
            yield f"This address takes no messages since {why.created_at:%d %b %Y} ({reason}): an answer will fail."
        if is_new:
            yield _NEVER_WROTE
        if self.outbox.answers_end(new.channel):
            by = spelled(new.channel)
            yield f"By {by} only an approved template goes out unless they have written within the last day."


@dataclass(frozen=True, slots=True)
class _New:
    """What a ticket is opened with."""

    channel: str
    address: ExternalId
    text: str
    department: Department
    named: ExternalId


def _departments(session: Session, user: User) -> list[Department]:
    own = departments_for(session, user)
    return [each for each in staffed_departments(session) if own is None or each.id in own]


def _chosen(action: AgentAction, event_id: int, departments: Sequence[Department]) -> Department | Outcome:
    """Return the department that is meant, ask for it, or say why there is none."""
    if action.choices:
        number = row_id(action.choices[0])
        chosen = next((each for each in departments if each.id == number), None)
        return chosen or answered(action, "Nothing was opened: you are no agent of this department.")
    if not departments:
        return answered(action, "Nothing was opened: none of your departments can be reached there.")
    return departments[0] if len(departments) == 1 else _asked(action, event_id, departments)


def _asked(action: AgentAction, event_id: int, departments: Sequence[Department]) -> Outcome:
    choices = tuple(Choice(label=each.name, value=str(each.id)) for each in departments)
    menu = Menu(label="Department", action=RESUME, value=str(event_id), choices=choices, title="Open a ticket")
    return Outcome(asks=(Ask(trigger=action.trigger, answer_url=action.answer_url, asked=menu),))


def _ticket_of(session: Session, action: AgentAction) -> Ticket | None:
    """Return the ticket that a message belongs to already, by its own name or that of its thread."""
    names = [each for each in (action.message, action.thread) if each is not None]
    message = next(iter(messages_named(session, names).values()), None)
    threads = (ExternalId(type=kind, value=each.value) for each in names for kind in (AGENTS_CHANNEL, AGENTS_THREAD))
    found = (
        message.ticket_id
        if message
        else next(filter(None, (ticket_by_external_id(session, each) for each in threads)), None)
    )
    return standing_ticket(session, found) if found else None


def _among_agents(session: Session, about: InboundMessage) -> bool:
    places = [ExternalId(type=AGENTS_THREAD, value=each.value) for each in about.recipients]
    return bool(owned(session, places))


def _already(session: Session, user: User, ticket: Ticket) -> str:
    if not works_in(session, user, ticket.department_id):
        return "This message belongs to a ticket of another department already."
    return f"This message belongs to ticket #{ticket.id} already: {clean_line(ticket.title, _TITLE)}."


def _no_clients(session: Session, prepared: Prepared, about: InboundMessage | None) -> str:
    """Say why a message's author is no client, an empty text when they are one."""
    profile = prepared.profiles.get(about.sender) if about else None
    if about is None or (profile is not None and profile.kind is ProfileKind.BOT):
        return _NOT_A_PERSON
    return "" if isinstance(user_for(session, about.sender, profile), Refusal) else _BY_AN_AGENT


def _named(prepared: Prepared, about: InboundMessage) -> InboundMessage:
    profile = prepared.profiles.get(about.sender)
    return replace(about, sender_name=profile.name) if profile is not None and not about.sender_name else about


def _done(ticket: Ticket, department: Department) -> str:
    return f"Ticket #{ticket.id} was opened: its card comes to {department.name}'s channel in a moment."
